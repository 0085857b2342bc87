//! A log, a drive, and batches handed to the stage as the runner would.

use std::path::PathBuf;
use std::time::Duration;

use strongroom_bus::{Desk, RetryPolicy, Settle, Settled, Stage as _, Task};
use strongroom_drive::Drive;
use strongroom_eventlog::EventLog;
use strongroom_fetch::{Fetch, FetchSettings};
use strongroom_model::booking::Booking;
use strongroom_model::event::{Enumerated, Event, Fetched};
use strongroom_model::fold::fold;
use strongroom_model::{Algorithm, BookingId, ByteCount, Digest, EventId, Expected, NewEvent, StageName, StreamName};
use strongroom_service::Clock;
use strongroom_source::Source;
use tempfile::TempDir;

pub(crate) struct Rig {
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    folder: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"acme".parse().unwrap()).await.unwrap();
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        let rig = Self { log, clock, folder };
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "first", rig.clock.now()).unwrap();
        rig
    }

    /// Where the drive is mounted.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    pub(crate) fn settings(&self) -> FetchSettings {
        FetchSettings {
            site: "acme".parse().unwrap(),
            root: self.root(),
            expect: None,
            reserve: ByteCount(0),
            concurrency: 4,
            batch: 64,
            zone: jiff::tz::TimeZone::UTC,
            bags: strongroom_drive::BagCache::default(),
        }
    }

    pub(crate) fn stage(&self, source: Source) -> Fetch {
        Fetch::new(self.settings(), source, self.clock.clone())
    }

    /// A booking that was taken in hand, with `content` for its file.
    pub(crate) async fn enumerated(&self, id: &str, content: &[u8]) -> Task<Booking> {
        let digest = Digest::of(Algorithm::Sha256, content);
        self.enumerated_as(id, &format!("{id}.pdf"), content.len() as u64, digest).await
    }

    pub(crate) async fn enumerated_as(&self, id: &str, filename: &str, size: u64, digest: Digest) -> Task<Booking> {
        let stream = StreamName::booking(&id.parse::<BookingId>().unwrap());
        let time = self.clock.now();
        let event = Event::TimesheetEnumerated(Enumerated {
            filename: filename.to_owned(),
            size_bytes: ByteCount(size),
            digest,
            signed_off_at: time,
        });
        let actor = "test@rig".parse().unwrap();
        let new = NewEvent {
            id: EventId::new(time),
            stream: stream.clone(),
            expected: Expected::New,
            time,
            actor,
            cause: None,
            run: None,
            event,
        };
        self.log.append(vec![new]).await.unwrap();
        self.task(id).await
    }

    /// What the runner would hand over now.
    pub(crate) async fn task(&self, id: &str) -> Task<Booking> {
        let stream = StreamName::booking(&id.parse::<BookingId>().unwrap());
        let history = self.log.stream(&stream).await.unwrap();
        let trigger = history.last().unwrap().clone();
        Task { stream, version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    pub(crate) async fn state(&self, id: &str) -> Booking {
        self.task(id).await.state
    }

    pub(crate) async fn fetched(&self, id: &str) -> Fetched {
        let state = self.state(id).await;
        state.fetched.unwrap_or_else(|| panic!("{id} is not fetched: {:?}", state.failure))
    }

    /// What lies where the log says that the file lies.
    pub(crate) async fn on_drive(&self, id: &str) -> Vec<u8> {
        std::fs::read(self.root().join(self.fetched(id).await.path)).unwrap()
    }

    pub(crate) fn settle(&self, tasks: &[Task<Booking>]) -> Settle<Booking> {
        let desk = Desk {
            log: self.log.clone(),
            clock: self.clock.clone(),
            actor: "fetch@rig".parse().unwrap(),
            stage: StageName::Fetch,
            retry: RetryPolicy { delays: vec![Duration::from_secs(60)], max_attempts: 3 },
        };
        Settle::new(desk, tasks)
    }

    pub(crate) async fn handle(&self, stage: &Fetch, tasks: Vec<Task<Booking>>) -> Settled {
        let settle = self.settle(&tasks);
        stage.handle(tasks, &settle).await;
        settle.finish()
    }

    /// Every file on the drive that is no file of ours by its final name.
    pub(crate) fn temporaries(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.root().join("acme")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name().to_string_lossy().starts_with('.') {
                    found.push(entry.path());
                }
            }
        }
        found
    }
}
