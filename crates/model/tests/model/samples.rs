//! One event of each type, with every field set; `.bare` ones with every optional field absent.

pub(crate) mod jobs;

use jiff::Timestamp;
use strongroom_model::event::{
    Act, AlarmCleared, AlarmNotified, AlarmRaised, Archived, BackedUp, CopyDamaged, CopyProven, CopyRestored,
    CustodyAdvanced, CustodyCancelled, CustodyFinished, CustodyRequested, DiskOf, DriveAdopted, DriveAttached,
    DriveHandedOver, DriveIdentityRestored, DriveInitialised, DriveLost, DriveRetired, DriveReturned, DriveUsed,
    Enumerated, Failed, Fetched, Found, GivenUp, Held, KeyCreated, KeyRotated, Left, MountedDrive, PurgeAdvanced,
    PurgeApproved, PurgeFinished, PurgeProposed, PurgeRefused, PurgeRequested, PurgeTally, Purged, ReadBack, Rejected,
    RestoreTo, Restored, Retried, RunEnumerated, RunRequested, Selection, SummaryComposed, SummarySent, SyncMethod,
    Tally, Trigger, WitnessAdded, WitnessRemoved, ZeroReason,
};
use strongroom_model::fold::fold;
use strongroom_model::{
    Actor, AlarmKind, Algorithm, ByteCount, CustodyId, Digest, DriveId, DriveUse, Event, EventId, Expected,
    FailureKind, Fold, NewEvent, Position, Recorded, RunId, SiteId, StageName, StreamName, SubjectKind, Version,
};

/// The site that all samples are of.
pub(crate) fn site() -> SiteId {
    "kestrel".parse().unwrap()
}

/// An instant in the night of the samples.
pub(crate) fn at(minute: i64) -> Timestamp {
    let start: Timestamp = "2026-11-20T22:00:00.123456Z".parse().unwrap();
    start + jiff::SignedDuration::from_mins(minute)
}

pub(crate) fn digest(text: &str) -> Digest {
    Digest::of(Algorithm::Sha256, text.as_bytes())
}

fn drive() -> DriveId {
    "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap()
}

fn event_id(last: u32) -> EventId {
    format!("019a9f6e-7c1e-7d3a-9b7e-2f1f{last:08x}").parse().unwrap()
}

pub(crate) fn enumerated() -> Event {
    Event::TimesheetEnumerated(Enumerated {
        // Canonical JSON escapes control characters, and nothing else that is legal in a string.
        filename: "Zeiten \"Müller\"\u{7}\u{202e}fdp.xlsx".to_owned(),
        size_bytes: ByteCount(48_211),
        digest: Digest::of(Algorithm::Md5, b"timesheet"),
        signed_off_at: at(-600),
    })
}

pub(crate) fn fetched() -> Event {
    Event::TimesheetFetched(Fetched {
        drive: drive(),
        path: "kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned(),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(48_211),
        sha256: digest("timesheet"),
        in_flight: Digest::of(Algorithm::Md5, b"timesheet"),
        sync: SyncMethod::Syncfs,
        resumed_from_bytes: ByteCount(16_384),
        elapsed_ms: 12,
    })
}

pub(crate) fn backed_up() -> Event {
    Event::TimesheetBackedUp(BackedUp {
        drive: drive(),
        path: "kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned(),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(48_211),
        sha256: digest("timesheet"),
        digest: Digest::of(Algorithm::Md5, b"timesheet"),
        read_back: ReadBack::Direct,
    })
}

pub(crate) fn archived() -> Event {
    Event::TimesheetArchived(Archived {
        month: "2026-11".parse().unwrap(),
        path: "archived/2026-11/B-1001/Zeiten.xlsx".to_owned(),
    })
}

fn purged_by_earlier_versions() -> Purged {
    Purged { approved_by: None, drives: vec![], purge: "2026-Q4".to_owned(), proofs: vec![event_id(1), event_id(2)] }
}

pub(crate) fn purged() -> Event {
    Event::TimesheetPurged(purged_by_earlier_versions())
}

pub(crate) fn restored() -> Event {
    Event::TimesheetRestored(Restored { drive: second_drive(), path: "archived/2026-11/B-1001/Zeiten.xlsx".to_owned() })
}

/// A failure of that stage: with a time to try again, or one that needs a person.
pub(crate) fn failed(stage: StageName, retry: bool) -> Failed {
    Failed {
        stage,
        kind: FailureKind::WrongDigest,
        message: "what came is not what the record says".to_owned(),
        attempt: 2,
        retry_at: retry.then(|| at(5)),
        digest: retry.then(|| digest("wrong")),
        next_step: None,
        quarantined: retry.then(|| ".strongroom/quarantine/Zeiten.xlsx".to_owned()),
        reached: Vec::new(),
    }
}

pub(crate) fn retried(stage: StageName) -> Event {
    Event::TimesheetRetried(Retried { stage, reason: Some("uploaded again by the client".to_owned()) })
}

pub(crate) fn held(stage: StageName) -> Event {
    Event::TimesheetHeld(Held { stage, until: at(20) })
}

pub(crate) fn run_requested() -> Event {
    Event::RunRequested(RunRequested { trigger: Trigger::Schedule, oldest: 100 })
}

pub(crate) fn run_enumerated() -> Event {
    Event::RunEnumerated(RunEnumerated {
        waiting: 3,
        listed: 3,
        enumerated: 0,
        claimed: 1,
        forgotten: 1,
        unusable: 1,
        rejected: vec![Rejected { booking: "../x".to_owned(), reason: "it is no booking id".to_owned() }],
        zero_reason: Some(ZeroReason::NoneUsable),
    })
}

fn used(generation: u64) -> DriveUse {
    DriveUse { generation, token: format!("0c5b8a1e-53d4-4c1f-8a53-{generation:012x}").parse().unwrap() }
}

fn drive_used(generation: u64) -> DriveUsed {
    DriveUsed {
        generation,
        token: used(generation).token,
        before: Some(used(generation - 1)),
        filesystem: Some("0b0e7a3c-4c43-4b1f-9a53-5d7a0f0e6a11".to_owned()),
        serial: Some("WX41A7654321".to_owned()),
    }
}

fn drive_adopted(before: Option<DriveUse>) -> Event {
    Event::DriveAdopted(DriveAdopted {
        generation: 19,
        token: used(19).token,
        before,
        reason: "the original broke on Monday".to_owned(),
    })
}

pub(crate) fn alarm_raised() -> Event {
    Event::AlarmRaised(AlarmRaised {
        kind: AlarmKind::DriveMissing,
        subject: drive().to_string(),
        message: "no drive is mounted at /mnt/backup".to_owned(),
        next_step: "connect the drive, then `mount /mnt/backup`".to_owned(),
    })
}

pub(crate) fn alarm_cleared() -> Event {
    Event::AlarmCleared(AlarmCleared { message: "the drive is back".to_owned() })
}

pub(crate) fn alarm_notified(about: Vec<EventId>) -> Event {
    Event::AlarmNotified(AlarmNotified {
        about,
        message_id: "alarm.1@kestrel.strongroom".to_owned(),
        receipt: "250 2.0.0 Ok: queued as 4F1".to_owned(),
    })
}

pub(crate) fn summary_composed() -> Event {
    Event::SummaryComposed(SummaryComposed {
        number: 17,
        from: Position(4_000),
        to: Position(4_400),
        root: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned(),
        title: "the night of 2026-11-20".to_owned(),
        message_id: "summary.17@kestrel.strongroom".to_owned(),
    })
}

pub(crate) fn summary_sent() -> Event {
    Event::SummarySent(SummarySent {
        message_id: "summary.17@kestrel.strongroom".to_owned(),
        receipt: "0017.eml".to_owned(),
    })
}

fn second_drive() -> DriveId {
    "0b1f6c52-3d0e-4a38-8a53-5d7a0f0e6a12".parse().unwrap()
}

fn act_id() -> CustodyId {
    "019a9f6e-0000-7000-8000-0000000000c1".parse().unwrap()
}

fn mounted(drive: DriveId, path: &str) -> MountedDrive {
    MountedDrive { drive, path: path.to_owned() }
}

fn copy_checked() -> CopyProven {
    CopyProven {
        booking: "B-1001".parse().unwrap(),
        drive: drive(),
        from: None,
        path: "kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned(),
        quarantined: None,
        read_back: ReadBack::Direct,
        request: act_id(),
        sha256: digest("timesheet"),
        size_bytes: ByteCount(48_211),
    }
}

fn copy_with_everything() -> CopyProven {
    CopyProven {
        from: Some(second_drive()),
        quarantined: Some(".strongroom/quarantine/kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned()),
        ..copy_checked()
    }
}

pub(crate) fn copy_made() -> Event {
    Event::CopyMade(CopyProven { from: Some(second_drive()), ..copy_checked() })
}

pub(crate) fn copy_proven() -> Event {
    Event::CopyProven(copy_checked())
}

pub(crate) fn copy_damaged(found: Found) -> Event {
    Event::CopyDamaged(CopyDamaged {
        booking: "B-1001".parse().unwrap(),
        drive: drive(),
        found,
        path: "kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned(),
        request: act_id(),
        sha256: digest("timesheet"),
        size_bytes: ByteCount(48_211),
    })
}

pub(crate) fn custody_requested(act: Act) -> Event {
    Event::CustodyRequested(CustodyRequested { act, until: Position(90) })
}

pub(crate) fn verify_act() -> Act {
    Act::Verify { drive: mounted(drive(), "/mnt/backup"), which: Selection::All }
}

fn tally() -> Tally {
    Tally {
        good: 12_430,
        damaged: 1,
        written: 1,
        skipped: 3,
        bytes: ByteCount(412_000_000),
        faults: 1,
        remarks: vec!["kestrel/2026-11: bagit.txt is missing".to_owned()],
        given_up: vec![GivenUp { drive: second_drive(), reason: "it is full".to_owned() }],
    }
}

pub(crate) fn custody_advanced() -> Event {
    Event::CustodyAdvanced(CustodyAdvanced { next: Position(40), tally: tally() })
}

fn purge_tally() -> PurgeTally {
    PurgeTally {
        purged: 199,
        left: 1,
        reasons: vec![Left { booking: "B-7".to_owned(), reason: "its copies are proven on 1 drive".to_owned() }],
        size_bytes: ByteCount(40_000_000),
    }
}

pub(crate) fn purge_proposed() -> Event {
    Event::PurgeProposed(PurgeProposed {
        bookings: 200,
        ids_sha256: digest("ids").hex(),
        proposed_by: "Ada".to_owned(),
        size_bytes: ByteCount(41_000_000),
    })
}

pub(crate) fn purge_approved() -> Event {
    Event::PurgeApproved(PurgeApproved { approved_by: "Grace".to_owned(), approved_at: at(3) })
}

pub(crate) fn purge_refused() -> Event {
    Event::PurgeRefused(PurgeRefused { refused_by: "Grace".to_owned(), reason: "too early".to_owned() })
}

pub(crate) fn purge_advanced() -> Event {
    Event::PurgeAdvanced(PurgeAdvanced { next: 100, tally: purge_tally() })
}

const OLD_KEY: &str = "strongroom/harbour+c74f20a3+ARpFPEJAPd6dQ2CFn4OZVXSPoH9rJYrRRgWk8oX0ykyV";
const WITNESS_KEY: &str = "quay.example/witness+4b0f0a1c+BAekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const NEW_KEY: &str = "strongroom/harbour+1f0a9b3c+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";

/// The fixtures: each event by its file's name. Those of the same type differ in what is absent.
#[expect(clippy::too_many_lines, reason = "one list with a line for each type of event")]
pub(crate) fn all() -> Vec<(String, NewEvent)> {
    let full = [
        enumerated(),
        fetched(),
        backed_up(),
        archived(),
        purged(),
        restored(),
        Event::TimesheetFailed(failed(StageName::Verify, true)),
        retried(StageName::Enumerate),
        held(StageName::Fetch),
        run_requested(),
        run_enumerated(),
        Event::RunFailed(failed(StageName::Enumerate, true)),
        Event::DriveInitialised(DriveInitialised { label: "Black, 4 TB, no. 2".to_owned() }),
        Event::DriveAttached(DriveAttached { disk: DiskOf::Documents, cached_is_proven: true }),
        Event::DriveUsed(drive_used(18)),
        drive_adopted(Some(used(17))),
        Event::DriveIdentityRestored(DriveIdentityRestored {
            evidence: "it holds the mark of its newest use".to_owned(),
        }),
        alarm_raised(),
        alarm_cleared(),
        alarm_notified(vec![event_id(3)]),
        Event::AlarmFailed(failed(StageName::Notify, true)),
        summary_composed(),
        summary_sent(),
        Event::SummaryFailed(failed(StageName::Notify, true)),
        Event::KeyCreated(KeyCreated { key: OLD_KEY.to_owned() }),
        Event::KeyRotated(KeyRotated {
            key: NEW_KEY.to_owned(),
            previous: OLD_KEY.to_owned(),
            statement: format!(
                "strongroom key rotation\n{OLD_KEY}\n{NEW_KEY}\n\n\u{2014} strongroom/harbour AAAAAAAA\n"
            ),
        }),
        Event::WitnessAdded(WitnessAdded {
            key: WITNESS_KEY.to_owned(),
            url: "https://quay.example/witness".to_owned(),
        }),
        Event::WitnessRemoved(WitnessRemoved { key: WITNESS_KEY.to_owned() }),
        Event::DriveHandedOver(DriveHandedOver {
            to: "M. Okafor".to_owned(),
            place: "the client's safe".to_owned(),
            files: 12_431,
            bytes: ByteCount(412_000_000),
            receipt_sha256: digest("receipt").hex(),
        }),
        Event::DriveReturned(DriveReturned { from: Some("M. Okafor".to_owned()), place: "shelf 2".to_owned() }),
        Event::DriveRetired(DriveRetired { reason: "it is old".to_owned(), files: 12_431, elsewhere: 2 }),
        Event::DriveLost(DriveLost { reason: "it was stolen with the car".to_owned() }),
        Event::CopyMade(copy_with_everything()),
        Event::CopyProven(copy_with_everything()),
        copy_damaged(Found::Differs { sha256: digest("rot"), size_bytes: ByteCount(48_211) }),
        Event::CopyRepaired(copy_with_everything()),
        Event::CopyRestored(CopyRestored {
            booking: "B-1001".parse().unwrap(),
            drive: drive(),
            path: "kestrel/2026-11/data/B-1001/Zeiten.xlsx".to_owned(),
            request: act_id(),
            sha256: digest("timesheet"),
            to: "/home/desk/Zeiten.xlsx".to_owned(),
        }),
        custody_requested(Act::Copy {
            drive: mounted(drive(), "/mnt/backup"),
            to: vec![mounted(second_drive(), "/mnt/second")],
        }),
        custody_advanced(),
        Event::CustodyFinished(CustodyFinished { tally: tally() }),
        Event::CustodyCancelled(CustodyCancelled { reason: "the drive is needed elsewhere".to_owned() }),
        purge_proposed(),
        purge_approved(),
        purge_refused(),
        Event::PurgeRequested(PurgeRequested { drives_needed: 2 }),
        purge_advanced(),
        Event::PurgeFinished(PurgeFinished { tally: purge_tally() }),
        Event::WorkAttemptFailed(failed(StageName::Verify, true)),
        Event::WorkFailed(Failed { retry_at: None, ..failed(StageName::Verify, true) }),
        Event::WorkHeld(Held { stage: StageName::Verify, until: at(20) }),
    ];
    let bare = [
        Event::DriveReturned(DriveReturned { from: None, place: "shelf 2".to_owned() }),
        copy_made(),
        copy_proven(),
        copy_damaged(Found::Missing),
        custody_requested(Act::Restore {
            drive: mounted(drive(), "/mnt/backup"),
            to: RestoreTo::Folder { path: "/home/desk/restored".to_owned() },
            which: Selection::Bookings { ids: vec!["B-1001".parse().unwrap()] },
        }),
        Event::CustodyFinished(CustodyFinished { tally: Tally::default() }),
        Event::DriveUsed(DriveUsed { before: None, filesystem: None, serial: None, ..drive_used(1) }),
        drive_adopted(None),
        Event::TimesheetFailed(failed(StageName::Fetch, false)),
        Event::TimesheetRetried(Retried { stage: StageName::Archive, reason: None }),
        Event::RunEnumerated(RunEnumerated {
            waiting: 250,
            listed: 100,
            enumerated: 100,
            claimed: 0,
            forgotten: 0,
            unusable: 0,
            rejected: Vec::new(),
            zero_reason: None,
        }),
    ];
    let name_of = |event: &Event, variant: &str| format!("{}{variant}.json", event.type_name());
    let full = full.into_iter().chain(jobs::full());
    let bare = bare.into_iter().chain(jobs::bare());
    let full = full.map(|event| (name_of(&event, ""), with_every_attribute(event)));
    let bare = bare.map(|event| (name_of(&event, ".bare"), with_no_option(event)));
    // What earlier versions' fixtures lack.
    let approved = Purged {
        approved_by: Some("Grace".to_owned()),
        drives: vec![drive(), second_drive()],
        ..purged_by_earlier_versions()
    };
    let approved = Event::TimesheetPurged(approved);
    let later = [(name_of(&approved, ".approved"), with_every_attribute(approved))];
    full.chain(bare).chain(later).collect()
}

fn with_every_attribute(event: Event) -> NewEvent {
    let run = Some("019a9f6e-0000-7000-8000-000000000001".parse().unwrap());
    let (stream, actor) = (stream_of(&event), "fetch@backup-1".parse().unwrap());
    let new = NewEvent::new(stream, Expected::After(Version(2)), at(0), actor, event);
    NewEvent { id: event_id(7), cause: Some(event_id(6)), run, ..new }
}

fn with_no_option(event: Event) -> NewEvent {
    NewEvent { expected: Expected::New, cause: None, run: None, ..with_every_attribute(event) }
}

fn stream_of(event: &Event) -> StreamName {
    let run: RunId = "019a9f6e-0000-7000-8000-000000000001".parse().unwrap();
    match event.event_type().subject {
        Some(SubjectKind::Booking) => StreamName::booking(&"B-1001".parse().unwrap()),
        Some(SubjectKind::Run) => StreamName::run(run),
        Some(SubjectKind::Alarm) => format!("alarm/drive-missing.{}", drive()).parse().unwrap(),
        Some(SubjectKind::Summary) => StreamName::summary(17),
        Some(SubjectKind::Key) => StreamName::log_key(),
        Some(SubjectKind::Copy) => StreamName::copy(drive(), &"B-1001".parse().unwrap(), &digest("timesheet")),
        Some(SubjectKind::Custody) => StreamName::custody(act_id()),
        Some(SubjectKind::Purge) => StreamName::purge(&"2026-Q4".parse().unwrap()),
        Some(SubjectKind::Host) => StreamName::host(&jobs::host()),
        Some(SubjectKind::Job) => StreamName::job(&jobs::name()),
        Some(SubjectKind::JobRun) => StreamName::jobrun(jobs::run()),
        _ => StreamName::drive(drive()),
    }
}

/// A stream of these events.
pub(crate) fn history(events: &[Event]) -> Vec<Recorded> {
    (0..).zip(events).map(|(version, event)| recorded(version, event.clone())).collect()
}

pub(crate) fn folded<S: Fold>(events: &[Event]) -> S {
    fold(&history(events)).unwrap()
}

/// Events of all kinds of subjects, except those whose type's name contains `kind`.
pub(crate) fn foreign(kind: &str) -> impl Iterator<Item = (&'static str, Event)> {
    let foreign = all().into_iter().map(|(_, sample)| ("foreign", sample.event));
    foreign.filter(move |(_, event)| !event.type_name().contains(kind))
}

/// Each event after each state: it leads where the table says, or is refused.
pub(crate) fn check_table<S: Fold>(
    states: &[S],
    events: impl Iterator<Item = (&'static str, Event)>,
    table: &[(&str, &str, &str)],
) {
    for (name, event) in events {
        for state in states {
            let before = state.describe();
            let expected = table.iter().find(|(from, by, _)| *from == before && *by == name).map(|(_, _, to)| *to);
            let found = state.clone().next(&recorded(9, event.clone())).ok().map(|after| after.describe());
            assert_eq!(found.as_deref(), expected, "{before} by {name}");
        }
    }
}

/// The event as the log gives it back, at that version; its id and its time follow from the version.
pub(crate) fn recorded(version: u32, event: Event) -> Recorded {
    let actor: Actor = "test@host".parse().unwrap();
    Recorded {
        position: Position(u64::from(version)),
        version: Version(u64::from(version)),
        id: event_id(version),
        stream: stream_of(&event),
        time: at(i64::from(version)),
        actor,
        cause: None,
        run: None,
        event,
    }
}
