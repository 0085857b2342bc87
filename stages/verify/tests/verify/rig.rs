//! A drive and a log in a folder of their own, and copies as fetch leaves them.

use std::fmt::Debug;
use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use strongroom_bus::{Alarms, Delivery, Desk, Idle, Pace, Pipeline, RetryPolicy, Settle, Settled, Stage, Task, Wiring};
use strongroom_drive::{Drive, DriveSettings, Place};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::event::{AlarmKey, AlarmKind, AlarmRaised, DiskOf, Enumerated, Failed, Fetched, Retried};
use strongroom_model::fold::fold;
use strongroom_model::{
    Algorithm, BookingId, ByteCount, Digest, Event, EventId, Expected, Month, NewEvent, Recorded, StageName, StreamName,
};
use strongroom_service::Clock;
use strongroom_verify::{Verify, VerifySettings};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Long enough for the slowest machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const VERIFY: [StageName; 1] = [StageName::Verify];

pub(crate) struct Rig {
    pub(crate) dir: TempDir,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    /// Whose disks the drive should not share.
    pub(crate) others: Vec<(DiskOf, PathBuf)>,
}

pub(crate) fn id(text: &str) -> BookingId {
    text.parse().unwrap()
}

pub(crate) fn month() -> Month {
    "2026-11".parse().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: impl Debug, mut so: impl FnMut() -> F) {
    let waited = timeout(PATIENCE, async {
        while !so().await {
            sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what:?}"));
}

impl Rig {
    /// A log, and a drive that is set up.
    pub(crate) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let log = EventLog::open_sqlite(&dir.path().join("log.db"), &"acme".parse().unwrap()).await.unwrap();
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        let rig = Self { dir, log, clock, others: Vec::new() };
        rig.set_up("drive");
        rig
    }

    pub(crate) fn set_up(&self, name: &str) {
        std::fs::create_dir(self.dir.path().join(name)).unwrap();
        Drive::init(&self.dir.path().join(name), name, self.clock.now()).unwrap();
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("drive")
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn manifest(&self) -> String {
        std::fs::read_to_string(self.file("acme/2026-11/manifest-sha256.txt")).unwrap_or_default()
    }

    /// The manifest's and the journal's lines, but for that of the text, which every bag has.
    pub(crate) fn copies(&self) -> Vec<String> {
        let (text, mut copies): (Vec<_>, Vec<_>) =
            self.manifest().lines().map(str::to_owned).partition(|line| line.ends_with("  data/README.txt"));
        assert_eq!(text.len(), 1, "{}", self.manifest());
        let journal = std::fs::read_to_string(self.file("acme/2026-11/journal-sha256.txt")).unwrap_or_default();
        copies.extend(journal.lines().filter(|line| !line.starts_with('#')).map(str::to_owned));
        copies.sort_by(|one, other| one[64..].cmp(&other[64..]));
        copies
    }

    pub(crate) fn verify(&self) -> Verify {
        self.verifying(false)
    }

    pub(crate) fn verifying(&self, device_only: bool) -> Verify {
        let root = self.root();
        let settings = VerifySettings {
            root,
            expect: None,
            device_only,
            reads: 2,
            batch: 16,
            zone: TimeZone::UTC,
            others: self.others.clone(),
            bags: strongroom_drive::BagCache::default(),
        };
        Verify::new(settings, self.log.clone(), self.clock.clone(), self.alarms())
    }

    pub(crate) fn alarms(&self) -> Alarms {
        Alarms::new(self.log.clone(), self.clock.clone(), "verify@test".parse().unwrap())
    }

    /// Runs the stage until it is idle.
    pub(crate) async fn run(&self) -> Idle {
        let (wiring, pipeline) = self.start();
        let idle = timeout(PATIENCE, pipeline.idle(&VERIFY, Duration::from_millis(200))).await.unwrap().unwrap();
        wiring.stop.cancel();
        timeout(PATIENCE, pipeline.ended()).await.unwrap();
        self.fold();
        idle
    }

    /// What a process does at its end, where the drive is there.
    pub(crate) fn fold(&self) {
        if let Ok(drive) = strongroom_drive::Drive::open(&self.root(), &strongroom_drive::DriveSettings::default()) {
            let _ = drive.fold(self.log.site());
        }
    }

    pub(crate) fn start(&self) -> (Wiring, Pipeline) {
        let wiring = Wiring {
            log: self.log.clone(),
            delivery: Delivery::InProcess,
            clock: self.clock.clone(),
            retry: RetryPolicy::default(),
            pace: Pace {
                poll: Duration::from_millis(10),
                rescan: Duration::from_millis(50),
                pause_least: Duration::from_millis(5),
                pause_most: Duration::from_millis(20),
                quiet: Duration::from_millis(50),
                ..Pace::default()
            },
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        let mut pipeline = Pipeline::new(wiring.clone());
        pipeline.spawn(self.verify(), "verify@test".parse().unwrap());
        (wiring, pipeline)
    }

    /// One call of the stage with these bookings' tasks, as they were read before.
    pub(crate) async fn handle(&self, tasks: Vec<Task<Booking>>) -> Settled {
        let desk = Desk {
            log: self.log.clone(),
            clock: self.clock.clone(),
            actor: "verify@test".parse().unwrap(),
            stage: StageName::Verify,
            retry: RetryPolicy::default(),
        };
        let settle = Settle::new(desk, &tasks);
        self.verify().handle(tasks, &settle).await;
        settle.finish()
    }

    pub(crate) async fn task(&self, booking: &str) -> Task<Booking> {
        let history = self.history(booking).await;
        let trigger = history.last().unwrap().clone();
        Task { stream: trigger.stream.clone(), version: trigger.version, state: fold(&history).unwrap(), trigger }
    }

    /// Appends to a booking's stream.
    pub(crate) async fn append(&self, booking: &str, event: Event) {
        let stream = StreamName::booking(&id(booking));
        let last = self.log.stream(&stream).await.unwrap().pop();
        let event = NewEvent {
            id: EventId::new(self.clock.now()),
            stream,
            expected: last.map_or(Expected::New, |last| Expected::After(last.version)),
            time: self.clock.now(),
            actor: "test".parse().unwrap(),
            cause: None,
            run: None,
            event,
        };
        self.log.append(vec![event]).await.unwrap();
    }

    /// Takes a booking in hand of which the server holds that digest.
    pub(crate) async fn enumerate(&self, booking: &str, held: Digest) {
        let enumerated = Enumerated {
            filename: format!("{booking}.pdf"),
            size_bytes: ByteCount(1000),
            digest: held,
            signed_off_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        };
        self.append(booking, Event::TimesheetEnumerated(enumerated)).await;
    }

    /// Brings `bytes` onto the drive as that booking's file, as fetch does: its path.
    pub(crate) async fn fetch(&self, booking: &str, bytes: &[u8]) -> String {
        let fetched = self.land(booking, bytes).await;
        let path = fetched.path.clone();
        self.append(booking, Event::TimesheetFetched(fetched)).await;
        path
    }

    /// Brings `bytes` onto the drive, and leaves it to the caller to say so.
    pub(crate) async fn land(&self, booking: &str, bytes: &[u8]) -> Fetched {
        let held = self.booking(booking).await.enumerated.unwrap();
        let drive = Drive::open(&self.root(), &DriveSettings::default()).unwrap();
        let place = Place {
            site: "acme".parse().unwrap(),
            month: month(),
            booking: id(booking),
            filename: held.filename,
            expected: held.digest,
            size: ByteCount(1000),
        };
        let mut partial = drive.receive(&place).unwrap();
        partial.write(bytes).unwrap();
        let landed = drive.commit(vec![partial.finish().unwrap()]).remove(0).unwrap();
        Fetched {
            drive: drive.identity().id,
            path: landed.path,
            month: landed.month,
            size_bytes: landed.size,
            sha256: landed.pair.sha256,
            in_flight: landed.pair.named,
            sync: landed.sync,
            resumed_from_bytes: ByteCount(0),
            elapsed_ms: 1,
        }
    }

    /// A booking whose right file is on the drive, not yet proven: its path.
    pub(crate) async fn copy(&self, booking: &str, bytes: &[u8]) -> String {
        self.enumerate(booking, sha256(bytes)).await;
        self.fetch(booking, bytes).await
    }

    /// A person gives a booking back, and the next run takes it in hand again.
    pub(crate) async fn give_back(&self, booking: &str, held: Digest) {
        let retried = Retried { stage: StageName::Enumerate, reason: None };
        self.append(booking, Event::TimesheetRetried(retried)).await;
        self.enumerate(booking, held).await;
    }

    pub(crate) async fn history(&self, booking: &str) -> Vec<Recorded> {
        self.log.stream(&StreamName::booking(&id(booking))).await.unwrap()
    }

    pub(crate) async fn booking(&self, booking: &str) -> Booking {
        fold(&self.history(booking).await).unwrap()
    }

    /// The failure that was recorded last.
    pub(crate) async fn failure(&self, booking: &str) -> Failed {
        self.history(booking).await.iter().rev().find_map(|event| event.event.failure().cloned()).unwrap()
    }

    /// What has happened to an alarm.
    pub(crate) async fn alarm(&self, kind: AlarmKind, subject: impl std::fmt::Display) -> Vec<Option<AlarmRaised>> {
        let history = self.log.stream(&StreamName::alarm(&AlarmKey::new(kind, subject))).await.unwrap();
        let told = history.into_iter().map(|event| match event.event {
            Event::AlarmRaised(raised) => Some(raised),
            _ => None,
        });
        told.collect()
    }
}
