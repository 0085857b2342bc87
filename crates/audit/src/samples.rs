//! Events for the tests, with fixed ids and times.

use strongroom_eventlog::EventLog;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmKind, AlarmNotified, AlarmRaised, Archived, BackedUp, CATALOGUE, DiskOf, DriveAdopted,
    DriveAttached, DriveIdentityRestored, DriveInitialised, DriveUsed, Enumerated, Failed, Fetched, Held, KeyCreated,
    KeyRotated, Purged, ReadBack, Retried, RunEnumerated, RunRequested, SummaryComposed, SummarySent, SyncMethod,
    Trigger, ZeroReason,
};
use strongroom_model::{
    Algorithm, ByteCount, Digest, DriveId, DriveUse, Event, EventId, Expected, FailureKind, NewEvent, Position,
    Recorded, RunId, StageName, StreamName, Version,
};
use strongroom_proof::Head;

const RETRY: Option<&str> = Some("2026-11-20T23:00:30Z");

fn fixed<T: std::str::FromStr>(last: u8) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a{last:02x}").parse().unwrap()
}

pub(crate) fn drive() -> DriveId {
    fixed(0xd1)
}

pub(crate) fn recorded(stream: StreamName, version: u64, event: Event) -> Recorded {
    Recorded {
        position: Position(0),
        version: Version(version),
        id: fixed::<EventId>(1),
        stream,
        time: "2026-11-20T23:00:00Z".parse().unwrap(),
        actor: "fetch@backup-1".parse().unwrap(),
        cause: None,
        run: None,
        event,
    }
}

fn booking(id: &str, version: u64, event: Event) -> Recorded {
    recorded(StreamName::booking(&id.parse().unwrap()), version, event)
}

fn sha256() -> Digest {
    Digest::of(Algorithm::Sha256, b"a timesheet")
}

fn failure(stage: StageName, retry_at: Option<&str>) -> Failed {
    Failed {
        stage,
        kind: FailureKind::CutShort,
        message: "4096 of 14541 bytes came".to_owned(),
        attempt: 2,
        retry_at: retry_at.map(|text| text.parse().unwrap()),
        digest: None,
        quarantined: None,
        reached: Vec::new(),
    }
}

pub(crate) fn enumerated(id: &str) -> Recorded {
    let data = Enumerated {
        filename: "week 47.pdf".to_owned(),
        size_bytes: ByteCount(14_541),
        digest: sha256(),
        signed_off_at: "2026-11-19T16:20:00Z".parse().unwrap(),
    };
    booking(id, 0, Event::TimesheetEnumerated(data))
}

pub(crate) fn fetched(id: &str) -> Recorded {
    let data = Fetched {
        drive: drive(),
        path: format!("demo/2026-11/data/{id}/week 47.pdf"),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_541),
        sha256: sha256(),
        in_flight: sha256(),
        sync: SyncMethod::Syncfs,
        resumed_from_bytes: ByteCount(4096),
        elapsed_ms: 12,
    };
    booking(id, 1, Event::TimesheetFetched(data))
}

pub(crate) fn backed_up(id: &str) -> Recorded {
    let data = BackedUp {
        drive: drive(),
        path: format!("demo/2026-11/data/{id}/week 47.pdf"),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_541),
        sha256: sha256(),
        digest: sha256(),
        read_back: ReadBack::Direct,
    };
    booking(id, 2, Event::TimesheetBackedUp(data))
}

pub(crate) fn archived(id: &str) -> Recorded {
    let data = Archived { month: "2026-11".parse().unwrap(), path: "archived/2026-11/week 47.pdf".to_owned() };
    booking(id, 3, Event::TimesheetArchived(data))
}

pub(crate) fn failed(id: &str, retry_at: Option<&str>) -> Recorded {
    booking(id, 1, Event::TimesheetFailed(failure(StageName::Fetch, retry_at)))
}

fn run(version: u64, event: Event) -> Recorded {
    recorded(StreamName::run(fixed::<RunId>(0x52)), version, event)
}

fn alarm(version: u64, event: Event) -> Recorded {
    recorded(StreamName::alarm(&AlarmKey::new(AlarmKind::DriveMissing, drive())), version, event)
}

fn summary(version: u64, event: Event) -> Recorded {
    recorded(StreamName::summary(3), version, event)
}

fn drives() -> Vec<Recorded> {
    let used = DriveUsed {
        generation: 7,
        token: fixed(0xd7),
        before: Some(DriveUse { generation: 6, token: fixed(0xd6) }),
        filesystem: Some("0b0e7a3c-4c43-4b1f-9a53-5d7a0f0e6a11".to_owned()),
        serial: Some("WX41A7\u{1b}[31m".to_owned()),
    };
    let adopted = DriveAdopted {
        generation: 8,
        token: fixed(0xd8),
        before: Some(DriveUse { generation: 5, token: fixed(0xd5) }),
        reason: "the original broke on Monday.".to_owned(),
    };
    let evidence = "it holds the mark of its newest use".to_owned();
    let events = [
        Event::DriveInitialised(DriveInitialised { label: "blue 1".to_owned() }),
        Event::DriveAttached(DriveAttached { disk: DiskOf::System, cached_is_proven: true }),
        Event::DriveUsed(used),
        Event::DriveAdopted(adopted),
        Event::DriveIdentityRestored(DriveIdentityRestored { evidence }),
    ];
    let drive = |(event, version)| recorded(StreamName::drive(drive()), version, event);
    events.into_iter().zip(0..).map(drive).collect()
}

fn runs() -> Vec<Recorded> {
    let enumerated = RunEnumerated {
        waiting: 4,
        listed: 4,
        enumerated: 0,
        claimed: 3,
        forgotten: 1,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason: Some(ZeroReason::AllClaimed),
    };
    vec![
        run(0, Event::RunRequested(RunRequested { trigger: Trigger::Schedule, oldest: 100 })),
        run(1, Event::RunEnumerated(enumerated)),
        run(1, Event::RunFailed(failure(StageName::Enumerate, RETRY))),
    ]
}

fn alarms_and_summaries() -> Vec<Recorded> {
    let message_id = "summary-3.demo@strongroom".to_owned();
    let raised = AlarmRaised {
        kind: AlarmKind::DriveMissing,
        subject: drive().to_string(),
        message: "nothing is mounted at /mnt/backup.".to_owned(),
        next_step: "plug the drive in".to_owned(),
    };
    let notified = AlarmNotified {
        about: vec![fixed(1), fixed(2)],
        message_id: message_id.clone(),
        receipt: "250 2.0.0 Ok: queued as 4F2".to_owned(),
    };
    let composed = SummaryComposed {
        number: 3,
        from: Position(12),
        to: Position(90),
        root: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned(),
        title: "the night of 2026-11-20".to_owned(),
        message_id: message_id.clone(),
    };
    vec![
        alarm(0, Event::AlarmRaised(raised)),
        alarm(1, Event::AlarmCleared(AlarmCleared { message: "the drive is back".to_owned() })),
        alarm(2, Event::AlarmNotified(notified)),
        alarm(2, Event::AlarmFailed(failure(StageName::Notify, RETRY))),
        summary(0, Event::SummaryComposed(composed)),
        summary(1, Event::SummarySent(SummarySent { message_id, receipt: "mail/summary-3.eml".to_owned() })),
        summary(1, Event::SummaryFailed(failure(StageName::Notify, RETRY))),
    ]
}

/// What can happen to the work on any subject.
fn work() -> Vec<Recorded> {
    let until = "2026-11-20T23:20:00Z".parse().unwrap();
    [
        Event::WorkAttemptFailed(failure(StageName::Verify, RETRY)),
        Event::WorkFailed(failure(StageName::Verify, None)),
        Event::WorkHeld(Held { stage: StageName::Verify, until }),
    ]
    .map(|event| recorded(StreamName::drive(drive()), 5, event))
    .into()
}

fn keys() -> Vec<Recorded> {
    let (old, new) = ("strongroom/demo+c74f20a3+ARpFPEJA".to_owned(), "strongroom/demo+1f0a9b3c+Aekyej\n".to_owned());
    let statement = "strongroom key rotation\n".to_owned();
    vec![
        recorded(StreamName::log_key(), 0, Event::KeyCreated(KeyCreated { key: old.clone() })),
        recorded(StreamName::log_key(), 1, Event::KeyRotated(KeyRotated { key: new, previous: old, statement })),
    ]
}

/// One event of every type in the catalogue, in its order.
pub(crate) fn one_of_each() -> Vec<Recorded> {
    let (stage, reason) = (StageName::Enumerate, Some("uploaded again.".to_owned()));
    let held = Held { stage: StageName::Fetch, until: "2026-11-20T23:20:00Z".parse().unwrap() };
    let mut all = vec![
        enumerated("B-1001"),
        fetched("B-1001"),
        backed_up("B-1001"),
        archived("B-1001"),
        booking("B-1001", 4, Event::TimesheetPurged(Purged { purge: "P-1".to_owned(), proofs: vec![fixed(1)] })),
        failed("B-1001", None),
        booking("B-1001", 2, Event::TimesheetRetried(Retried { stage, reason })),
        booking("B-1001", 1, Event::TimesheetHeld(held)),
    ];
    all.extend(runs());
    all.extend(drives());
    all.extend(alarms_and_summaries());
    all.extend(keys());
    all.extend(work());
    let types: Vec<_> = all.iter().map(|one| one.event.type_name()).collect();
    let known: Vec<_> = CATALOGUE.iter().map(|known| known.name).collect();
    assert_eq!(types, known, "a new event needs a sample, and its sentence a look");
    all
}

/// As the events go into a log: each stream's in the order of their versions.
pub(crate) fn new(recorded: Recorded) -> NewEvent {
    let last = recorded.version.0.checked_sub(1);
    let expected = last.map_or(Expected::New, |last| Expected::After(Version(last)));
    NewEvent::new(recorded.stream, expected, recorded.time, recorded.actor, recorded.event)
}

/// A new log in a folder of its own, holding these events.
pub(crate) async fn log_of(events: Vec<Recorded>) -> (tempfile::TempDir, EventLog) {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open_sqlite(&folder.path().join("log.db"), &"demo".parse().unwrap()).await.unwrap();
    if !events.is_empty() {
        log.append(events.into_iter().map(new).collect()).await.unwrap();
    }
    (folder, log)
}

pub(crate) async fn append(log: &EventLog, event: Recorded) {
    log.append(vec![new(event)]).await.unwrap();
}

/// A summary over the events before that head.
pub(crate) fn composed(number: u64, from: u64, head: Head) -> Recorded {
    let data = SummaryComposed {
        number,
        from: Position(from),
        to: Position(head.size),
        root: head.root_base64(),
        title: "a night".to_owned(),
        message_id: format!("summary-{number}.demo@strongroom"),
    };
    recorded(StreamName::summary(number), 0, Event::SummaryComposed(data))
}

/// A booking's whole life.
pub(crate) fn life(id: &str) -> Vec<Recorded> {
    vec![enumerated(id), fetched(id), backed_up(id), archived(id)]
}
