//! How a stage is doing in this process: counts and pauses, for people and for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use strongroom_model::StageName;
use strongroom_model::event::AlarmRaised;
use tokio::time::Instant;

/// How a stage is doing, at one moment. Counts are since the process began.
#[derive(Debug, Clone)]
pub struct StageProgress {
    /// Which stage.
    pub stage: StageName,
    /// How many subjects are in hand: waiting in this process, or being worked on.
    pub in_hand: usize,
    /// What it has settled.
    pub counts: Counts,
    /// What is in its way, and since when.
    pub paused: Option<Pause>,
}

/// What a stage has settled since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that were done.
    pub done: u64,
    /// Tasks whose failure was recorded.
    pub failed: u64,
    /// Tasks that a twin had settled first: deliveries that came twice or late, and
    /// appends that lost the race.
    pub twins: u64,
    /// Tasks that were handed over again: an obstacle, trouble with the log, or not settled.
    pub again: u64,
    /// Panics inside the stage.
    pub panics: u64,
    /// Deliveries whose stream cannot be understood.
    pub unreadable: u64,
}

/// A stage that waits for an obstacle to go away.
#[derive(Debug, Clone)]
pub struct Pause {
    /// What is in the way.
    pub obstacle: AlarmRaised,
    /// Since when it, or others right before it, have been in the way.
    pub since: Instant,
}

/// The running counts, shared by whoever works for one stage.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU64,
    failed: AtomicU64,
    twins: AtomicU64,
    again: AtomicU64,
    panics: AtomicU64,
    unreadable: AtomicU64,
    paused: Mutex<Option<Pause>>,
}

/// One thing to count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Count {
    Done,
    Failed,
    Twin,
    Again,
    Panic,
    Unreadable,
}

impl Progress {
    pub(crate) fn count(&self, what: Count) {
        let counter = match what {
            Count::Done => &self.done,
            Count::Failed => &self.failed,
            Count::Twin => &self.twins,
            Count::Again => &self.again,
            Count::Panic => &self.panics,
            Count::Unreadable => &self.unreadable,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            done: read(&self.done),
            failed: read(&self.failed),
            twins: read(&self.twins),
            again: read(&self.again),
            panics: read(&self.panics),
            unreadable: read(&self.unreadable),
        }
    }

    pub(crate) fn pause(&self, pause: Option<Pause>) {
        *self.paused() = pause;
    }

    pub(crate) fn pause_now(&self) -> Option<Pause> {
        self.paused().clone()
    }

    fn paused(&self) -> MutexGuard<'_, Option<Pause>> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
