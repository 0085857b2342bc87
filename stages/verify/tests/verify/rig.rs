//! A drive and a log in a folder of their own, and copies as fetch leaves them.

use std::fmt::Debug;
use std::future::Future;
use std::ops::Deref;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use strongroom_bus::{Alarms, BatchOutcome, Delivery, Idle, Pace, Pipeline, RetryPolicy, Task, Wiring};
use strongroom_drive::{Destination, Drive, DriveSettings};
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{AlarmKind, AlarmRaised, DiskOf, Failed, Fetched, Retried};
use strongroom_model::{ByteCount, Digest, Event, StageName};
pub(crate) use strongroom_stage_rig::sample::{month, sha256};
use strongroom_stage_rig::{StageRig, sample};
use strongroom_verify::{Verify, VerifySettings};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Long enough for the slowest machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const VERIFY: [StageName; 1] = [StageName::Verify];

pub(crate) struct Rig {
    site: StageRig,
    /// Whose disks the drive should not share.
    pub(crate) others: Vec<(DiskOf, PathBuf)>,
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

pub(crate) async fn stop(wiring: &Wiring, pipeline: Pipeline) {
    wiring.stop.cancel();
    timeout(PATIENCE, pipeline.ended()).await.unwrap();
}

impl Deref for Rig {
    type Target = StageRig;

    fn deref(&self) -> &StageRig {
        &self.site
    }
}

impl Rig {
    /// A log, and a drive that is set up.
    pub(crate) async fn new() -> Self {
        let rig = Self { site: StageRig::new().await, others: Vec::new() };
        rig.set_up("drive");
        rig
    }

    pub(crate) fn set_up(&self, name: &str) {
        std::fs::create_dir(self.folder.path().join(name)).unwrap();
        Drive::init(&self.folder.path().join(name), name, self.clock.now()).unwrap();
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    pub(crate) fn manifest(&self) -> String {
        std::fs::read_to_string(self.file("acme/2026-11/manifest-sha256.txt")).unwrap_or_default()
    }

    /// The manifest's and the journal's lines, without that of the text, which every bag has.
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
        stop(&wiring, pipeline).await;
        self.fold();
        idle
    }

    pub(crate) async fn until_proven(&self, booking: &str) {
        until(booking, || async { self.state(booking).await.phase == Phase::BackedUp }).await;
    }

    /// What a process does at its end, where the drive is there.
    pub(crate) fn fold(&self) {
        if let Ok(drive) = Drive::open(&self.root(), &DriveSettings::default()) {
            let _ = drive.fold(self.log.site());
        }
    }

    pub(crate) fn drive(&self) -> Drive {
        Drive::open(&self.root(), &DriveSettings::default()).unwrap()
    }

    /// Where a booking's file goes.
    pub(crate) fn place(&self, booking: &str, filename: &str, expected: Digest) -> Destination {
        Destination {
            site: self.log.site().clone(),
            month: month(),
            booking: booking.parse().unwrap(),
            filename: filename.to_owned(),
            expected,
            size: ByteCount(1000),
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
                pause_min: Duration::from_millis(5),
                pause_max: Duration::from_millis(20),
                trial_timeout: Duration::from_millis(50),
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
    pub(crate) async fn handle(&self, tasks: Vec<Task<Booking>>) -> BatchOutcome {
        self.site.handle(&self.verify(), tasks).await
    }

    /// Enumerates a booking whose server digest is that.
    pub(crate) async fn enumerate(&self, booking: &str, held: Digest) {
        self.append(booking, sample::enumerated(&format!("{booking}.pdf"), 1000, held)).await;
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
        let held = self.state(booking).await.enumerated.unwrap();
        let drive = self.drive();
        let mut partial = drive.receive(&self.place(booking, &held.filename, held.digest)).unwrap();
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

    /// A person gives a booking back, and the next run takes it again.
    pub(crate) async fn give_back(&self, booking: &str, held: Digest) {
        let retried = Retried { stage: StageName::Enumerate, reason: None };
        self.append(booking, Event::TimesheetRetried(retried)).await;
        self.enumerate(booking, held).await;
    }

    /// The failure that was recorded last.
    pub(crate) async fn failure(&self, booking: &str) -> Failed {
        self.history(booking).await.iter().rev().find_map(|event| event.event.failure().cloned()).unwrap()
    }

    /// What has happened to an alarm.
    pub(crate) async fn alarm(&self, kind: AlarmKind, subject: impl std::fmt::Display) -> Vec<Option<AlarmRaised>> {
        let told = self.site.alarm(kind, subject).await.into_iter().map(|event| match event {
            Event::AlarmRaised(raised) => Some(raised),
            _ => None,
        });
        told.collect()
    }
}
