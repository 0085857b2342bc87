//! A log, a clock, and one run handed to the stage as the runner would.

use strongroom_bus::{Desk, RetryPolicy, Settle, Settled, Stage as _, Task};
use strongroom_enumerate::Enumerate;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{Enumerated, Event, RunEnumerated, RunRequested, Trigger};
use strongroom_model::fold::fold;
use strongroom_model::run::Run;
use strongroom_model::{EventId, Expected, NewEvent, Recorded, RunId, StageName, StreamName};
use strongroom_service::Clock;
use strongroom_source::Source;
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) log: EventLog,
    clock: Clock,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"acme".parse().unwrap()).await.unwrap();
        Self { log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()), _folder: folder }
    }

    pub(crate) fn stage(&self, source: Source) -> Enumerate {
        Enumerate::new(source, self.log.clone(), self.clock.clone())
    }

    /// Appends to a stream, whatever stands there.
    pub(crate) async fn append(&self, stream: &StreamName, event: Event) {
        let last = self.log.stream(stream).await.unwrap().last().map(|last| last.version);
        let time = self.clock.now();
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
        self.log.append(vec![new]).await.unwrap();
    }

    /// A run that is due.
    pub(crate) async fn requested(&self, oldest: u32) -> Task<Run> {
        let stream = StreamName::run(RunId::new(self.clock.now()));
        self.append(&stream, Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest })).await;
        self.task(&stream).await
    }

    pub(crate) async fn task(&self, stream: &StreamName) -> Task<Run> {
        let history = self.log.stream(stream).await.unwrap();
        let trigger = history.last().unwrap().clone();
        Task { stream: stream.clone(), version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    pub(crate) async fn handle(&self, stage: &Enumerate, task: Task<Run>) -> Settled {
        let desk = Desk {
            log: self.log.clone(),
            clock: self.clock.clone(),
            actor: "enumerate@rig".parse().unwrap(),
            stage: StageName::Enumerate,
            retry: RetryPolicy::default(),
        };
        let tasks = vec![task];
        let settle = Settle::new(desk, &tasks);
        stage.handle(tasks, &settle).await;
        settle.finish()
    }

    /// A whole run: what it said, and which bookings it took.
    pub(crate) async fn run(&self, source: Source, oldest: u32) -> (RunEnumerated, Vec<String>) {
        let task = self.requested(oldest).await;
        let stream = task.stream.clone();
        let size = self.log.head().await.unwrap().size;
        let settled = self.handle(&self.stage(source), task).await;
        assert!(settled.again.is_empty() && settled.obstacle.is_none(), "{settled:?}");
        let said = self.task(&stream).await.state.enumerated.expect("the run has enumerated");
        let since = self.log.read(strongroom_model::Position(size), 4096).await.unwrap();
        let taken = since.iter().map(|stored| stored.decode().unwrap()).filter(is_taken);
        (said, taken.map(|event| event.stream.id().to_owned()).collect())
    }

    pub(crate) async fn history(&self, stream: &str) -> Vec<Recorded> {
        self.log.stream(&stream.parse().unwrap()).await.unwrap()
    }
}

fn is_taken(event: &Recorded) -> bool {
    matches!(event.event, Event::TimesheetEnumerated(_))
}

/// A booking that another run took.
pub(crate) fn enumerated() -> Event {
    Event::TimesheetEnumerated(Enumerated {
        filename: "t.pdf".to_owned(),
        size_bytes: strongroom_model::ByteCount(3),
        digest: crate::DIGEST.parse().unwrap(),
        signed_off_at: "2026-11-01T08:00:00Z".parse().unwrap(),
    })
}
