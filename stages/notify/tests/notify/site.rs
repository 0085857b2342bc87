//! A site with a log, a clock that stands still, and mails in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use strongroom_bus::{RetryPolicy, Settle, Stage, StageContext, Task};
use strongroom_eventlog::EventLog;
use strongroom_model::digest::Algorithm;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmRaised, Archived, BackedUp, DriveInitialised, Enumerated, Failed, Fetched, ReadBack,
    RunEnumerated, RunRequested, SummaryComposed, SyncMethod, Trigger, ZeroReason,
};
use strongroom_model::fold::fold;
use strongroom_model::{
    Actor, AlarmKind, ByteCount, Digest, DriveId, Event, EventId, Expected, FailureKind, NewEvent, Recorded, RunId,
    StageName, StreamName,
};
use strongroom_notify::message::Addresses;
use strongroom_notify::post::Folder;
use strongroom_notify::{Notify, Post, Settings, compose};
use strongroom_service::Clock;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const START: &str = "2026-11-20T22:00:00Z";

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
}

/// The drive that most copies go to.
pub(crate) fn blue() -> DriveId {
    DriveId(Uuid::from_u128(0xb1))
}

pub(crate) fn actor() -> Actor {
    "notify@backup-1".parse().unwrap()
}

pub(crate) fn addresses() -> Addresses {
    let to = ["Ann Office <office@example.com>", "consultant@example.org"];
    Addresses {
        from: "Strongroom <strongroom@example.com>".parse().unwrap(),
        to: to.map(|to| to.parse().unwrap()).to_vec(),
    }
}

impl Site {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"harbour".parse().unwrap()).await.unwrap();
        let site = Self { folder, log, clock: Clock::manual(START.parse().unwrap()) };
        let label = "Blue-1".to_owned();
        site.append(StreamName::drive(blue()), Event::DriveInitialised(DriveInitialised { label })).await;
        site
    }

    pub(crate) fn mail_folder(&self) -> PathBuf {
        self.folder.path().join("mail")
    }

    pub(crate) fn notify(&self) -> Notify {
        self.notify_by(Post::Folder(Folder::new(self.mail_folder())))
    }

    pub(crate) fn notify_by(&self, post: Post) -> Notify {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
        Notify::new(
            self.log.clone(),
            Settings { addresses: addresses(), post, zone, job_grace: std::time::Duration::from_secs(1800) },
        )
    }

    /// The mails in the folder, by name.
    pub(crate) fn mails(&self) -> BTreeMap<String, String> {
        let Ok(entries) = fs::read_dir(self.mail_folder()) else { return BTreeMap::new() };
        let read = |path: PathBuf| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        };
        entries.map(|entry| read(entry.unwrap().path())).collect()
    }

    /// Appends to the end of a stream, a second after the last event.
    pub(crate) async fn append(&self, stream: StreamName, event: Event) -> Recorded {
        self.clock.advance(SignedDuration::from_secs(1));
        let history = self.log.stream(&stream).await.unwrap();
        let expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
        let position = self.log.head().await.unwrap().size;
        let new = NewEvent {
            // Ids that are the same in every test run, for the root in the snapshots.
            id: EventId(Uuid::from_u128(u128::from(position) + 1)),
            stream,
            expected,
            time: self.clock.now(),
            actor: actor(),
            cause: None,
            run: None,
            event,
        };
        self.log.append(vec![new]).await.unwrap().remove(0)
    }

    pub(crate) async fn compose(&self, title: &str) -> SummaryComposed {
        let recorded = compose(&self.log, title, &self.clock, &actor()).await.unwrap().expect("no duplicate is here");
        let Event::SummaryComposed(composed) = recorded.event else { panic!("{recorded:?}") };
        composed
    }

    /// Hands the stage everything that is pending and due, once, as the runner would.
    pub(crate) async fn deliver(&self, notify: &Notify) {
        let now = self.clock.now();
        let mut pending = self.log.pending(StageName::Notify, strongroom_model::Position(0), 100).await.unwrap();
        pending.extend(self.log.due(StageName::Notify, now, 100).await.unwrap());
        let mut tasks = Vec::new();
        for trigger in pending {
            let history = self.log.stream(&trigger.stream).await.unwrap();
            let state = fold(&history).unwrap();
            tasks.push(Task { stream: trigger.stream.clone(), version: trigger.version, state, trigger });
        }
        self.handle(notify, tasks).await;
    }

    pub(crate) async fn handle(&self, notify: &Notify, tasks: Vec<Task<strongroom_notify::Notice>>) {
        let retry =
            RetryPolicy { delays: vec![std::time::Duration::from_secs(60)], max_attempts: 2, ..RetryPolicy::default() };
        let context = StageContext {
            log: self.log.clone(),
            clock: self.clock.clone(),
            actor: actor(),
            stage: StageName::Notify,
            retry,
        };
        let settle = Settle::new(context, &tasks);
        notify.handle(tasks, &settle).await;
        let settled = settle.finish();
        assert!(settled.unsettled().is_empty(), "{settled:?}");
    }

    /// The text part of a summary, as it will be sent.
    pub(crate) async fn text(&self, composed: &SummaryComposed) -> String {
        self.notify().summary_mail(composed, self.clock.now()).await.unwrap().text
    }
}

/// What happens to bookings.
impl Site {
    pub(crate) async fn enumerated(&self, id: &str, filename: &str) {
        let data = Enumerated {
            filename: filename.to_owned(),
            size_bytes: ByteCount(64 << 10),
            digest: Digest::of(Algorithm::Sha256, b"file"),
            signed_off_at: START.parse().unwrap(),
        };
        self.append(booking(id), Event::TimesheetEnumerated(data)).await;
    }

    pub(crate) async fn fetched(&self, id: &str) {
        let data = Fetched {
            drive: blue(),
            path: format!("harbour/2026-11/data/{id}/a.pdf"),
            month: "2026-11".parse().unwrap(),
            size_bytes: ByteCount(64 << 10),
            sha256: Digest::of(Algorithm::Sha256, b"file"),
            in_flight: Digest::of(Algorithm::Sha256, b"file"),
            sync: SyncMethod::Syncfs,
            resumed_from_bytes: ByteCount(0),
            elapsed_ms: 40,
        };
        self.append(booking(id), Event::TimesheetFetched(data)).await;
    }

    pub(crate) async fn backed_up(&self, id: &str, read_back: ReadBack) {
        let data = BackedUp {
            drive: blue(),
            path: format!("harbour/2026-11/data/{id}/a.pdf"),
            month: "2026-11".parse().unwrap(),
            size_bytes: ByteCount(64 << 10),
            sha256: Digest::of(Algorithm::Sha256, b"file"),
            digest: Digest::of(Algorithm::Sha256, b"file"),
            read_back,
        };
        self.append(booking(id), Event::TimesheetBackedUp(data)).await;
    }

    pub(crate) async fn archived(&self, id: &str) {
        let data = Archived { month: "2026-11".parse().unwrap(), path: format!("archived/2026-11/{id}.pdf") };
        self.append(booking(id), Event::TimesheetArchived(data)).await;
    }

    /// All the way.
    pub(crate) async fn safe(&self, id: &str) {
        self.enumerated(id, "timesheet.pdf").await;
        self.fetched(id).await;
        self.backed_up(id, ReadBack::Direct).await;
        self.archived(id).await;
    }

    pub(crate) async fn failed(&self, id: &str, stage: StageName, kind: FailureKind, message: &str, retried: bool) {
        let retry_at = retried.then(|| self.clock.now().checked_add(SignedDuration::from_secs(60)).unwrap());
        let message = message.to_owned();
        let failed = Failed {
            stage,
            kind,
            message,
            attempt: 1,
            retry_at,
            digest: None,
            next_step: None,
            quarantined: None,
            reached: Vec::new(),
        };
        self.append(booking(id), Event::TimesheetFailed(failed)).await;
    }
}

/// What happens to runs and alarms.
impl Site {
    pub(crate) async fn run(&self, waiting: u64, enumerated: u64, zero_reason: Option<ZeroReason>) {
        let stream = self.run_requested(Trigger::Schedule).await;
        self.run_enumerated(stream, looked(waiting, enumerated, zero_reason)).await;
    }

    pub(crate) async fn run_requested(&self, trigger: Trigger) -> StreamName {
        let position = self.log.head().await.unwrap().size;
        let stream = StreamName::run(RunId(Uuid::from_u128(u128::from(position))));
        self.append(stream.clone(), Event::RunRequested(RunRequested { trigger, oldest: 100 })).await;
        stream
    }

    pub(crate) async fn run_enumerated(&self, stream: StreamName, looked: RunEnumerated) {
        self.append(stream, Event::RunEnumerated(looked)).await;
    }

    pub(crate) async fn raised(&self, kind: AlarmKind, message: &str) -> Recorded {
        self.raised_about(kind, "b1", message).await
    }

    pub(crate) async fn raised_about(&self, kind: AlarmKind, subject: &str, message: &str) -> Recorded {
        let data = AlarmRaised {
            kind,
            subject: subject.to_owned(),
            message: message.to_owned(),
            next_step: "connect the drive, then `mount /mnt/backup`".to_owned(),
        };
        self.append(StreamName::alarm(&AlarmKey::new(kind, subject)), Event::AlarmRaised(data)).await
    }

    pub(crate) async fn cleared(&self, kind: AlarmKind, message: &str) -> Recorded {
        let data = AlarmCleared { message: message.to_owned() };
        self.append(StreamName::alarm(&AlarmKey::new(kind, "b1")), Event::AlarmCleared(data)).await
    }

    pub(crate) fn at(&self, time: &str) {
        self.clock.set(time.parse::<Timestamp>().unwrap());
    }
}

pub(crate) fn looked(waiting: u64, enumerated: u64, zero_reason: Option<ZeroReason>) -> RunEnumerated {
    RunEnumerated {
        waiting,
        listed: waiting.min(100),
        enumerated,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason,
    }
}

pub(crate) fn booking(id: &str) -> StreamName {
    StreamName::booking(&id.parse().unwrap())
}
