//! How a stage is doing in this process: counts and pauses, for people and for metrics.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use strongroom_model::event::{AlarmKind, AlarmRaised};
use strongroom_model::{ByteCount, Partition, SiteId, StageName};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::settle::TaskEnd;

/// How a stage is doing, at one moment. Counts are since the process began.
#[derive(Debug, Clone)]
pub struct StageProgress {
    /// Which stage.
    pub stage: StageName,
    /// How many subjects are in hand: waiting in this process, or being worked on.
    pub in_flight: usize,
    /// What it has settled.
    pub counts: Counts,
    /// Whether it has been asked whether it may work, and has answered. What was in its way by then is in `paused`, and
    /// raised.
    pub has_looked: bool,
    /// What is in its way, and since when.
    pub paused: Option<Pause>,
    /// How its connection to the broker is; `None`: it reads the log itself.
    pub link: Option<LinkHealth>,
}

/// How a connection to the broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkHealth {
    /// Whether there is one, and work can come by it.
    pub connected: bool,
    /// Since when that has been so.
    pub since: Instant,
    /// Why there was none at the last attempt, while there is none.
    pub trouble: Option<String>,
    /// The partition whose queue it takes from, where a stage has one for each.
    pub partition: Option<Partition>,
}

/// What a stage has settled since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that were done.
    pub done: u64,
    /// Tasks whose failure was recorded.
    pub failed: u64,
    /// Tasks that another worker had settled first: deliveries that came twice or late, and
    /// appends that lost the race.
    pub duplicates: u64,
    /// Tasks that were handed over again: an obstacle, trouble with the log, or not settled.
    pub again: u64,
    /// Panics inside the stage.
    pub panics: u64,
    /// Tasks that the stage had nothing to do about: another worker has them in hand.
    pub rested: u64,
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
    whose: Option<(SiteId, StageName)>,
    counts: Mutex<Counts>,
    looked: AtomicBool,
    paused: watch::Sender<Option<Pause>>,
    link: Mutex<Option<LinkHealth>>,
}

impl Progress {
    pub(crate) fn of(site: SiteId, stage: StageName) -> Self {
        Self { whose: Some((site, stage)), ..Self::default() }
    }

    pub(crate) fn count(&self, end: TaskEnd) {
        self.add(|counts| match end {
            TaskEnd::Done => Some((&mut counts.done, "done")),
            TaskEnd::Failed => Some((&mut counts.failed, "failed")),
            TaskEnd::Duplicate => Some((&mut counts.duplicates, "duplicate")),
            TaskEnd::Unsettled => Some((&mut counts.again, "again")),
            TaskEnd::NothingToDo => Some((&mut counts.rested, "rested")),
            TaskEnd::Unreadable => Some((&mut counts.unreadable, "unreadable")),
            // Its message is parked, and parked messages have a metric and an alarm of their own.
            TaskEnd::Foreign => None,
        });
    }

    pub(crate) fn count_panic(&self) {
        self.add(|counts| Some((&mut counts.panics, "panic")));
    }

    fn add(&self, counter: impl FnOnce(&mut Counts) -> Option<(&mut u64, &'static str)>) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((counter, outcome)) = counter(&mut counts) else { return };
        *counter += 1;
        if let Some((site, stage)) = &self.whose {
            metrics::counter!("strongroom_tasks_total", "site" => site.to_string(), "stage" => stage.name(),
                "outcome" => outcome)
            .increment(1);
        }
    }

    /// Counts the bytes of files that were worked on.
    pub(crate) fn bytes(&self, bytes: ByteCount) {
        if let Some((_, stage)) = &self.whose {
            metrics::counter!("strongroom_bytes_total", "stage" => stage.name()).increment(bytes.0);
        }
    }

    /// A batch has ended.
    pub(crate) fn batch(&self, took: Duration) {
        if let Some((_, stage)) = &self.whose {
            metrics::histogram!("strongroom_batch_duration_seconds", "stage" => stage.name()).record(took);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stage has answered whether it may work.
    pub(crate) fn looked(&self) {
        self.looked.store(true, Ordering::Release);
    }

    pub(crate) fn has_looked(&self) -> bool {
        self.looked.load(Ordering::Acquire)
    }

    pub(crate) fn pause(&self, pause: Option<Pause>) {
        let kind = |pause: Option<&Pause>| pause.map(|pause| pause.obstacle.kind);
        let now = kind(pause.as_ref());
        let before = kind(self.paused.send_replace(pause).as_ref());
        if before != now {
            self.gauge_pause(before, 0.0);
            self.gauge_pause(now, 1.0);
        }
    }

    fn gauge_pause(&self, kind: Option<AlarmKind>, value: f64) {
        if let (Some((site, stage)), Some(kind)) = (&self.whose, kind) {
            metrics::gauge!("strongroom_stage_paused", "site" => site.to_string(), "stage" => stage.name(),
                "kind" => kind.code())
            .set(value);
        }
    }

    pub(crate) fn pause_now(&self) -> Option<Pause> {
        self.paused.borrow().clone()
    }

    /// Told when a pause begins or ends.
    pub(crate) fn pauses(&self) -> watch::Receiver<Option<Pause>> {
        self.paused.subscribe()
    }

    pub(crate) fn link(&self, link: LinkHealth) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
    }

    pub(crate) fn link_now(&self) -> Option<LinkHealth> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
