//! A log with proven bookings, and batches handed to the stage as the runner would.

use strongroom_archive::Archive;
use strongroom_bus::{Desk, RetryPolicy, Settle, Settled, Stage as _, Task};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmKind, BackedUp, Enumerated, Event, Fetched, ReadBack, SyncMethod};
use strongroom_model::fold::fold;
use strongroom_model::{
    Algorithm, BookingId, ByteCount, Digest, DriveId, EventId, Expected, NewEvent, StageName, StreamName,
};
use strongroom_service::Clock;
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    drive: DriveId,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"acme".parse().unwrap()).await.unwrap();
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        Self { log, clock, drive: DriveId::random(), _folder: folder }
    }

    /// Appends to a booking's stream, whatever stands there.
    pub(crate) async fn append(&self, id: &str, event: Event) {
        let stream = stream(id);
        let last = self.log.stream(&stream).await.unwrap().last().map(|last| last.version);
        let time = self.clock.now();
        let new = NewEvent {
            id: EventId::new(time),
            stream,
            expected: last.map_or(Expected::New, Expected::After),
            time,
            actor: "test@rig".parse().unwrap(),
            cause: None,
            run: None,
            event,
        };
        self.log.append(vec![new]).await.unwrap();
    }

    /// A booking whose copy is proven.
    pub(crate) async fn backed_up(&self, id: &str, content: &[u8]) -> Task<Booking> {
        let (path, month) = (format!("acme/2026-11/data/{id}/t.pdf"), "2026-11".parse().unwrap());
        let digest = Digest::of(Algorithm::Sha256, content);
        let size_bytes = ByteCount(content.len() as u64);
        let signed_off_at = self.clock.now();
        let record = Enumerated { filename: "t.pdf".to_owned(), size_bytes, digest: digest.clone(), signed_off_at };
        self.append(id, Event::TimesheetEnumerated(record)).await;
        let fetched = Fetched {
            drive: self.drive,
            path: path.clone(),
            month,
            size_bytes,
            sha256: digest.clone(),
            in_flight: digest.clone(),
            sync: SyncMethod::Fsync,
            resumed_from_bytes: ByteCount(0),
            elapsed_ms: 1,
        };
        self.append(id, Event::TimesheetFetched(fetched)).await;
        let sha256 = digest.clone();
        let proof =
            BackedUp { drive: self.drive, path, month, size_bytes, sha256, digest, read_back: ReadBack::Direct };
        self.append(id, Event::TimesheetBackedUp(proof)).await;
        self.task(id).await
    }

    pub(crate) async fn task(&self, id: &str) -> Task<Booking> {
        let history = self.log.stream(&stream(id)).await.unwrap();
        let trigger = history.last().unwrap().clone();
        Task { stream: stream(id), version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    pub(crate) async fn state(&self, id: &str) -> Booking {
        self.task(id).await.state
    }

    /// What happened to an alarm.
    pub(crate) async fn alarm(&self, kind: AlarmKind, subject: &str) -> Vec<Event> {
        let stream = StreamName::alarm(&AlarmKey::new(kind, subject));
        self.log.stream(&stream).await.unwrap().into_iter().map(|recorded| recorded.event).collect()
    }

    pub(crate) async fn handle(&self, stage: &Archive, tasks: Vec<Task<Booking>>) -> Settled {
        let desk = Desk {
            log: self.log.clone(),
            clock: self.clock.clone(),
            actor: "archive@rig".parse().unwrap(),
            stage: StageName::Archive,
            retry: RetryPolicy::default(),
        };
        let settle = Settle::new(desk, &tasks);
        stage.handle(tasks, &settle).await;
        settle.finish()
    }
}

fn stream(id: &str) -> StreamName {
    StreamName::booking(&id.parse::<BookingId>().unwrap())
}
