//! Events for the tests, with fixed ids and times.

mod jobs;

use strongroom_eventlog::EventLog;
use strongroom_model::event::{
    Act, AlarmCleared, AlarmKey, AlarmKind, AlarmNotified, AlarmRaised, Archived, BackedUp, CATALOGUE, CopyDamaged,
    CopyProven, CopyRestored, CustodyAdvanced, CustodyCancelled, CustodyFinished, CustodyRequested, DiskOf,
    DriveAdopted, DriveAttached, DriveHandedOver, DriveIdentityRestored, DriveInitialised, DriveLost, DriveRetired,
    DriveReturned, DriveUsed, Enumerated, Failed, Fetched, Found, GivenUp, Held, KeyCreated, KeyRotated, Left,
    MountedDrive, PurgeAdvanced, PurgeApproved, PurgeFinished, PurgeProposed, PurgeRefused, PurgeRequested, PurgeTally,
    Purged, ReadBack, Restored, Retried, RunEnumerated, RunRequested, SummaryComposed, SummarySent, SyncMethod, Tally,
    Trigger, WitnessAdded, WitnessRemoved, ZeroReason,
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
        next_step: None,
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
        Event::DriveHandedOver(DriveHandedOver {
            to: "M. Okafor".to_owned(),
            place: "the client's safe".to_owned(),
            files: 12_431,
            bytes: ByteCount(412_000_000),
            receipt_sha256: "9b74c9897bac770ffc029102a200c5de".to_owned(),
        }),
        Event::DriveReturned(DriveReturned { from: Some("M. Okafor".to_owned()), place: "shelf 2".to_owned() }),
        Event::DriveRetired(DriveRetired { reason: "it is old.".to_owned(), files: 12_431, elsewhere: 2 }),
        Event::DriveLost(DriveLost { reason: "it was stolen with the car.".to_owned() }),
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

fn copies() -> Vec<Recorded> {
    let sha256 = sha256();
    let path = "demo/2026-11/data/B-1001/week 47.pdf".to_owned();
    let proven = CopyProven {
        booking: "B-1001".parse().unwrap(),
        drive: drive(),
        from: Some(fixed(0xd2)),
        path: path.clone(),
        quarantined: Some(".strongroom/quarantine/week 47.pdf".to_owned()),
        read_back: ReadBack::Direct,
        request: fixed(0xc1),
        sha256: sha256.clone(),
        size_bytes: ByteCount(14_541),
    };
    let checked = CopyProven { from: None, quarantined: None, ..proven.clone() };
    let damaged = CopyDamaged {
        booking: "B-1001".parse().unwrap(),
        drive: drive(),
        found: Found::Differs { sha256: Digest::of(Algorithm::Sha256, b"rot"), size_bytes: ByteCount(14_541) },
        path: path.clone(),
        request: fixed(0xc1),
        sha256: sha256.clone(),
        size_bytes: ByteCount(14_541),
    };
    let restored = CopyRestored {
        booking: "B-1001".parse().unwrap(),
        drive: drive(),
        path,
        request: fixed(0xc1),
        sha256: sha256.clone(),
        to: "/home/desk/week 47.pdf".to_owned(),
    };
    let stream = StreamName::copy(drive(), &"B-1001".parse().unwrap(), &sha256);
    let made = CopyProven { quarantined: None, ..proven.clone() };
    let events = [
        Event::CopyMade(made),
        Event::CopyProven(checked),
        Event::CopyDamaged(damaged),
        Event::CopyRepaired(proven),
        Event::CopyRestored(restored),
    ];
    events.into_iter().zip(0..).map(|(event, version)| recorded(stream.clone(), version, event)).collect()
}

fn acts() -> Vec<Recorded> {
    let mounted = |last, path: &str| MountedDrive { drive: fixed(last), path: path.to_owned() };
    let tally = Tally {
        good: 12_430,
        damaged: 1,
        bytes: ByteCount(412_000_000),
        given_up: vec![GivenUp { drive: fixed(0xd3), reason: "it is full.".to_owned() }],
        ..Tally::default()
    };
    let act = Act::Copy {
        drive: mounted(0xd1, "/mnt/backup"),
        to: vec![mounted(0xd2, "/mnt/second"), mounted(0xd3, "/mnt/third")],
    };
    let events = [
        Event::CustodyRequested(CustodyRequested { act, until: Position(90) }),
        Event::CustodyAdvanced(CustodyAdvanced { next: Position(40), tally: Tally { good: 20, ..Tally::default() } }),
        Event::CustodyFinished(CustodyFinished { tally }),
        Event::CustodyCancelled(CustodyCancelled { reason: "the drive is needed elsewhere.".to_owned() }),
    ];
    let stream = StreamName::custody(fixed(0xc1));
    events.into_iter().zip(0..).map(|(event, version)| recorded(stream.clone(), version, event)).collect()
}

fn purges() -> Vec<Recorded> {
    let tally = PurgeTally {
        purged: 199,
        left: 1,
        reasons: vec![Left { booking: "B-7".to_owned(), reason: "its copies are proven on 1 drive".to_owned() }],
        size_bytes: ByteCount(40_000_000),
    };
    let events = [
        Event::PurgeProposed(PurgeProposed {
            bookings: 200,
            ids_sha256: "9b74c9897bac770ffc029102a200c5de".to_owned(),
            proposed_by: "Ada".to_owned(),
            size_bytes: ByteCount(41_000_000),
        }),
        Event::PurgeApproved(PurgeApproved {
            approved_by: "Grace".to_owned(),
            approved_at: "2026-11-20T23:00:00Z".parse().unwrap(),
        }),
        Event::PurgeRefused(PurgeRefused { refused_by: "Grace".to_owned(), reason: "too early.".to_owned() }),
        Event::PurgeRequested(PurgeRequested { drives_needed: 2 }),
        Event::PurgeAdvanced(PurgeAdvanced { next: 100, tally: PurgeTally { purged: 100, ..PurgeTally::default() } }),
        Event::PurgeFinished(PurgeFinished { tally }),
    ];
    let stream = StreamName::purge(&"2026-Q4".parse().unwrap());
    events.into_iter().zip(0..).map(|(event, version)| recorded(stream.clone(), version, event)).collect()
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
    let witness = "quay.example/witness+4b0f0a1c+BAekyej".to_owned();
    vec![
        recorded(StreamName::log_key(), 0, Event::KeyCreated(KeyCreated { key: old.clone() })),
        recorded(StreamName::log_key(), 1, Event::KeyRotated(KeyRotated { key: new, previous: old, statement })),
        recorded(
            StreamName::log_key(),
            2,
            Event::WitnessAdded(WitnessAdded { key: witness.clone(), url: "https://quay.example/witness".to_owned() }),
        ),
        recorded(StreamName::log_key(), 3, Event::WitnessRemoved(WitnessRemoved { key: witness })),
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
        booking(
            "B-1001",
            4,
            Event::TimesheetPurged(Purged {
                approved_by: Some("Grace".to_owned()),
                drives: vec![drive()],
                purge: "P-1".to_owned(),
                proofs: vec![fixed(1)],
            }),
        ),
        booking("B-1001", 5, Event::TimesheetRestored(Restored { drive: drive(), path: "archived/a.pdf".to_owned() })),
        failed("B-1001", None),
        booking("B-1001", 2, Event::TimesheetRetried(Retried { stage, reason })),
        booking("B-1001", 1, Event::TimesheetHeld(held)),
    ];
    all.extend(runs());
    all.extend(drives());
    all.extend(copies());
    all.extend(acts());
    all.extend(purges());
    all.extend(jobs::hosts());
    all.extend(jobs::jobs());
    all.extend(jobs::jobruns());
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
