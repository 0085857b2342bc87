//! The stages' tests stand on this: a site's log, a clock that stands still, and tasks handed to a stage as the runner would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod sample;
#[cfg(feature = "uploads")]
pub mod uploads;

use strongroom_bus::{BatchOutcome, RetryPolicy, Settle, Stage, StageContext, Task};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmKind};
use strongroom_model::fold::fold;
use strongroom_model::{DriveId, Event, EventId, Expected, Fold, NewEvent, Recorded, StageName, StreamName};
use strongroom_service::Clock;
use tempfile::TempDir;

/// A site named `acme`, in a folder of its own, at the beginning of a night.
#[derive(Debug)]
pub struct StageRig {
    /// Where the log is, and whatever else a test puts there.
    pub folder: TempDir,
    /// The site's log.
    pub log: EventLog,
    /// The time, which only tests move.
    pub clock: Clock,
    /// When what failed is tried again.
    pub retry: RetryPolicy,
    /// The drive of [`backed_up`](Self::backed_up) copies.
    pub drive: DriveId,
}

impl StageRig {
    /// A site in whose log nothing is yet.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"acme".parse().unwrap()).await.unwrap();
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        Self { folder, log, clock, retry: RetryPolicy::default(), drive: DriveId::random() }
    }

    /// Appends to a booking's stream, whatever stands there.
    pub async fn append(&self, booking: &str, event: Event) {
        self.append_to(&stream_of(booking), event).await;
    }

    /// Appends to a stream, whatever stands there.
    pub async fn append_to(&self, stream: &StreamName, event: Event) {
        append(&self.log, &self.clock, stream, event).await;
    }

    /// What has happened to a booking.
    pub async fn history(&self, booking: &str) -> Vec<Recorded> {
        self.log.stream(&stream_of(booking)).await.unwrap()
    }

    /// What the runner would hand over now, of a booking.
    pub async fn task(&self, booking: &str) -> Task<Booking> {
        self.task_of(&stream_of(booking)).await
    }

    /// What the runner would hand over now, of any subject.
    pub async fn task_of<S: Fold>(&self, stream: &StreamName) -> Task<S> {
        let history = self.log.stream(stream).await.unwrap();
        let trigger = history.last().unwrap().clone();
        Task { stream: stream.clone(), version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    /// A booking whose copy is proven, but not on any real drive.
    pub async fn backed_up(&self, id: &str, content: &[u8]) -> Task<Booking> {
        let (path, size) = (format!("acme/2026-11/data/{id}/t.pdf"), content.len() as u64);
        let digest = sample::sha256(content);
        self.append(id, sample::enumerated("t.pdf", size, digest.clone())).await;
        self.append(id, sample::fetched(self.drive, &path, size, &digest)).await;
        self.append(id, sample::backed_up(self.drive, &path, size, &digest)).await;
        self.task(id).await
    }

    /// How a booking stands.
    pub async fn state(&self, booking: &str) -> Booking {
        self.task(booking).await.state
    }

    /// What happened to an alarm.
    pub async fn alarm(&self, kind: AlarmKind, subject: impl std::fmt::Display) -> Vec<Event> {
        let stream = StreamName::alarm(&AlarmKey::new(kind, subject));
        self.log.stream(&stream).await.unwrap().into_iter().map(|recorded| recorded.event).collect()
    }

    /// Where that stage writes down what became of these tasks.
    pub fn settle<S: Fold>(&self, stage: StageName, tasks: &[Task<S>]) -> Settle<S> {
        let (actor, retry) = (format!("{}@rig", stage.name()).parse().unwrap(), self.retry.clone());
        Settle::new(StageContext { log: self.log.clone(), clock: self.clock.clone(), actor, stage, retry }, tasks)
    }

    /// One call of the stage with these tasks, as they were read before.
    pub async fn handle<S: Stage>(&self, stage: &S, tasks: Vec<Task<S::State>>) -> BatchOutcome {
        let settle = self.settle(stage.name(), &tasks);
        stage.handle(tasks, &settle).await;
        settle.finish()
    }

    /// As [`handle`](Self::handle), with nothing in the way and every task settled.
    pub async fn settled<S: Stage>(&self, stage: &S, tasks: Vec<Task<S::State>>) {
        let settled = self.handle(stage, tasks).await;
        assert!(settled.unsettled().is_empty() && settled.obstacle.is_none(), "{settled:?}");
    }

    /// How many events there are.
    pub async fn size(&self) -> u64 {
        self.log.head().await.unwrap().size
    }
}

/// Appends to a stream of any log, whatever stands there.
pub async fn append(log: &EventLog, clock: &Clock, stream: &StreamName, event: Event) {
    let last = log.stream(stream).await.unwrap().last().map(|last| last.version);
    let time = clock.now();
    let new = NewEvent {
        id: EventId::new(time),
        stream: stream.clone(),
        expected: last.map_or(Expected::New, Expected::After),
        time,
        actor: "test@rig".parse().unwrap(),
        cause: None,
        run: None,
        event,
    };
    log.append(vec![new]).await.unwrap();
}

/// A booking's stream.
pub fn stream_of(booking: &str) -> StreamName {
    StreamName::booking(&booking.parse().unwrap())
}
