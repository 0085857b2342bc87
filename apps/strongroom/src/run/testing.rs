//! A log of a site, and what happens in it, for tests.

use std::time::Duration;

use strongroom_eventlog::EventLog;
use strongroom_model::event::{Failed, RunEnumerated, ZeroReason};
use strongroom_model::{Actor, DriveId, Event, FailureKind, StageName, StreamName};
use strongroom_service::{Clock, Config};
use strongroom_stage_rig::sample;

/// A site in a folder of its own, at the beginning of a night.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"main".parse().unwrap()).await.unwrap();
        Self { folder, log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()) }
    }

    /// A configuration of these lines, and defaults.
    pub(crate) fn config(&self, lines: &str) -> Config {
        Config::from_text(lines, self.folder.path()).unwrap()
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn actor(&self) -> Actor {
        "test@backup-1".parse().unwrap()
    }

    pub(crate) async fn happens(&self, stream: &StreamName, event: Event) {
        happens(&self.log, &self.clock, stream, event).await;
    }

    pub(crate) async fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        let all = self.log.read(strongroom_model::Position(0), 1000).await.unwrap();
        all.iter().filter(|stored| is_it(&stored.decode().unwrap().event)).count()
    }
}

pub(crate) async fn happens(log: &EventLog, clock: &Clock, stream: &StreamName, event: Event) {
    strongroom_stage_rig::append(log, clock, stream, event).await;
}

pub(crate) use strongroom_stage_rig::stream_of as booking;

/// A run asked the server, and took so many.
pub(crate) fn found(enumerated: u64) -> Event {
    Event::RunEnumerated(RunEnumerated {
        waiting: enumerated,
        listed: enumerated,
        enumerated,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason: (enumerated == 0).then_some(ZeroReason::NothingWaiting),
    })
}

pub(crate) fn enumerated() -> Event {
    sample::enumerated("x.pdf", 1, sample::sha256(b"x"))
}

pub(crate) fn fetched() -> Event {
    sample::fetched(DriveId::random(), "x.pdf", 1, &sample::sha256(b"x"))
}

pub(crate) fn backed_up() -> Event {
    sample::backed_up(DriveId::random(), "x.pdf", 1, &sample::sha256(b"x"))
}

pub(crate) fn archived() -> Event {
    sample::archived("x.pdf")
}

/// It failed to be fetched, and is tried again at that time, or never.
pub(crate) fn failed(retry_at: Option<&str>) -> Event {
    Event::TimesheetFailed(Failed {
        stage: StageName::Fetch,
        kind: FailureKind::CutShort,
        message: "cut".to_owned(),
        attempt: 1,
        retry_at: retry_at.map(|at| at.parse().unwrap()),
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    })
}
