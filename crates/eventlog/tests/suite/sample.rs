//! Events for the tests.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmKind, AlarmNotified, AlarmRaised, Archived, BackedUp, Enumerated, Failed, Fetched,
    Held, ReadBack, Retried, RunEnumerated, RunRequested, SummaryComposed, SummarySent, SyncMethod, Trigger,
    ZeroReason,
};
use strongroom_model::{
    Algorithm, ByteCount, Digest, DriveId, Event, EventId, Expected, FailureKind, NewEvent, Position, RunId, StageName,
    StreamName, Version,
};

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub(crate) fn booking(n: u64) -> StreamName {
    StreamName::booking(&format!("B-{n}").parse().unwrap())
}

pub(crate) fn run(n: u64) -> StreamName {
    StreamName::run(RunId(format!("00000000-0000-7000-8000-{n:012}").parse().unwrap()))
}

pub(crate) fn alarm(n: u64) -> StreamName {
    StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, n))
}

/// An id that no other event has.
pub(crate) fn id() -> EventId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("00000000-0000-7000-8000-{:012}", NEXT.fetch_add(1, Ordering::Relaxed)).parse().unwrap()
}

pub(crate) fn expected(version: u64) -> Expected {
    version.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last)))
}

/// The event as its stream's `version`-th.
pub(crate) fn new(stream: StreamName, version: u64, event: Event) -> NewEvent {
    let (time, actor) = (at(version.try_into().unwrap()), "fetch@backup-1".parse().unwrap());
    NewEvent { id: id(), ..NewEvent::new(stream, expected(version), time, actor, event) }
}

fn digest() -> Digest {
    Digest::of(Algorithm::Sha256, b"a timesheet")
}

pub(crate) fn drive(n: usize) -> DriveId {
    format!("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a1{n}").parse().unwrap()
}

pub(crate) fn enumerated() -> Event {
    Event::TimesheetEnumerated(Enumerated {
        filename: "KW 47 \u{202e}<b>.pdf\n".to_owned(),
        size_bytes: ByteCount(14_541),
        digest: digest(),
        signed_off_at: at(-86_400),
    })
}

pub(crate) fn fetched(onto: usize) -> Event {
    Event::TimesheetFetched(Fetched {
        drive: drive(onto),
        path: "harbour/2026-11/data/B-1/KW 47.pdf".to_owned(),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_541),
        sha256: digest(),
        in_flight: digest(),
        sync: SyncMethod::Syncfs,
        resumed_from_bytes: ByteCount(0),
        elapsed_ms: 12,
    })
}

pub(crate) fn backed_up() -> Event {
    Event::TimesheetBackedUp(BackedUp {
        drive: drive(0),
        path: "harbour/2026-11/data/B-1/KW 47.pdf".to_owned(),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_541),
        sha256: digest(),
        digest: digest(),
        read_back: ReadBack::Direct,
    })
}

pub(crate) fn archived() -> Event {
    Event::TimesheetArchived(Archived { month: "2026-11".parse().unwrap(), path: "archived/2026-11/x.pdf".to_owned() })
}

pub(crate) fn failed(stage: StageName, retry_at: Option<Timestamp>) -> Failed {
    Failed {
        stage,
        kind: FailureKind::CutShort,
        message: "4096 of 14541 bytes came".to_owned(),
        attempt: 1,
        retry_at,
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    }
}

pub(crate) fn retried(stage: StageName) -> Event {
    Event::TimesheetRetried(Retried { stage, reason: None })
}

pub(crate) fn requested() -> Event {
    Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest: 100 })
}

pub(crate) fn run_enumerated() -> Event {
    Event::RunEnumerated(RunEnumerated {
        waiting: 0,
        listed: 0,
        enumerated: 0,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason: Some(ZeroReason::NothingWaiting),
    })
}

pub(crate) fn raised() -> Event {
    Event::AlarmRaised(AlarmRaised {
        kind: AlarmKind::DriveFull,
        subject: "1".to_owned(),
        message: "the drive is full".to_owned(),
        next_step: "put in another".to_owned(),
    })
}

pub(crate) fn cleared() -> Event {
    Event::AlarmCleared(AlarmCleared { message: "there is room again".to_owned() })
}

pub(crate) fn notified() -> Event {
    let receipt = "250 ok".to_owned();
    Event::AlarmNotified(AlarmNotified { about: Vec::new(), message_id: "a@harbour".to_owned(), receipt })
}

pub(crate) fn held(stage: StageName, until: Timestamp) -> Event {
    Event::TimesheetHeld(Held { stage, until })
}

pub(crate) fn composed(number: u64) -> Event {
    Event::SummaryComposed(SummaryComposed {
        number,
        from: Position(0),
        to: Position(1),
        root: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned(),
        title: "the night of 2026-11-20".to_owned(),
        message_id: format!("{number}@harbour"),
    })
}

pub(crate) fn sent() -> Event {
    Event::SummarySent(SummarySent { message_id: "1@harbour".to_owned(), receipt: "250 ok".to_owned() })
}

/// So many new bookings from `first` on, one event each.
pub(crate) fn bookings(first: u64, count: u64) -> Vec<NewEvent> {
    (first..first + count).map(|n| new(booking(n), 0, enumerated())).collect()
}

/// A booking's life from enumerated to archived, one event after the other.
pub(crate) fn life(n: u64) -> Vec<NewEvent> {
    let events = [enumerated(), fetched(0), backed_up(), archived()];
    events.into_iter().zip(0..).map(|(event, version)| new(booking(n), version, event)).collect()
}
