//! The stages' tests stand on this: a site's log, a clock that stands still, and tasks handed to a stage as the runner would.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

pub mod sample;

use strongroom_bus::{BatchOutcome, RetryPolicy, Settle, Stage, StageContext, Task};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmKind};
use strongroom_model::fold::fold;
use strongroom_model::{Event, EventId, Expected, Fold, NewEvent, Recorded, StageName, StreamName};
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
}

impl StageRig {
    /// A site in whose log nothing is yet.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"acme".parse().unwrap()).await.unwrap();
        Self { folder, log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()) }
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
    pub fn settle<S: Fold>(&self, stage: StageName, retry: RetryPolicy, tasks: &[Task<S>]) -> Settle<S> {
        let actor = format!("{}@rig", stage.name()).parse().unwrap();
        Settle::new(StageContext { log: self.log.clone(), clock: self.clock.clone(), actor, stage, retry }, tasks)
    }

    /// One call of the stage with these tasks, as they were read before.
    pub async fn handle<S: Stage>(&self, stage: &S, retry: RetryPolicy, tasks: Vec<Task<S::State>>) -> BatchOutcome {
        let settle = self.settle(stage.name(), retry, &tasks);
        stage.handle(tasks, &settle).await;
        settle.finish()
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
