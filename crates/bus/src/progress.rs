use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use strongroom_model::event::{AlarmKind, AlarmRaised};
use strongroom_model::{ByteCount, Partition, SiteId, StageName};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::settle::TaskEnd;

/// A stage's progress. Counts are since the process began.
#[derive(Debug, Clone)]
pub struct StageProgress {
    /// Which stage.
    pub stage: StageName,
    /// Claimed subjects: waiting in this process, or worked on.
    pub in_flight: usize,
    /// What it has settled.
    pub counts: Counts,
    /// Whether its readiness was checked; by then an obstacle is in `paused`, and its alarm is raised.
    pub readiness_known: bool,
    /// What keeps it paused, if anything does.
    pub paused: Option<Pause>,
    /// Its broker connection; `None`: it reads the log itself.
    pub link: Option<LinkHealth>,
}

/// The state of a connection to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkHealth {
    /// Whether it is up.
    pub connected: bool,
    /// Since when that has been so.
    pub since: Instant,
    /// Why the last attempt to connect failed.
    pub error: Option<String>,
    /// The partition whose queue it consumes.
    pub partition: Option<Partition>,
}

/// A stage's results since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tasks that were done.
    pub done: u64,
    /// Tasks whose failure was recorded.
    pub failed: u64,
    /// Tasks that another worker had settled: stale deliveries, and appends that lost a race.
    pub duplicates: u64,
    /// Tasks to be delivered again: an obstacle, an error of the log, or not settled.
    pub again: u64,
    /// Panics inside the stage.
    pub panics: u64,
    /// Tasks with nothing to do here: another worker has claimed them. The metric calls it `rested`.
    pub set_aside: u64,
    /// Deliveries whose stream cannot be understood.
    pub unreadable: u64,
}

/// A stage waits for an obstacle to end.
#[derive(Debug, Clone)]
pub struct Pause {
    /// The obstacle.
    pub obstacle: AlarmRaised,
    /// Since when the stage has been paused, also by obstacles right before it.
    pub since: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Progress {
    whose: Option<(SiteId, StageName)>,
    counts: Mutex<Counts>,
    readiness_known: AtomicBool,
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
            TaskEnd::NothingToDo => Some((&mut counts.set_aside, "rested")),
            TaskEnd::Unreadable => Some((&mut counts.unreadable, "unreadable")),
            // Its message is parked, which has a metric and an alarm of its own.
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

    pub(crate) fn bytes(&self, bytes: ByteCount) {
        if let Some((_, stage)) = &self.whose {
            metrics::counter!("strongroom_bytes_total", "stage" => stage.name()).increment(bytes.0);
        }
    }

    pub(crate) fn batch(&self, took: Duration) {
        if let Some((_, stage)) = &self.whose {
            metrics::histogram!("strongroom_batch_duration_seconds", "stage" => stage.name()).record(took);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_readiness(&self) {
        self.readiness_known.store(true, Ordering::Release);
    }

    pub(crate) fn readiness_known(&self) -> bool {
        self.readiness_known.load(Ordering::Acquire)
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
