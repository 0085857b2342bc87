//! A small log in which something of each kind happens.

use strongroom_eventlog::EventLog;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmRaised, DriveInitialised, DriveUsed, Failed, Held, RunEnumerated, RunRequested,
    SummaryComposed, SummarySent, Trigger,
};
use strongroom_model::{
    AlarmKind, DriveId, Event, Expected, FailureKind, NewEvent, Position, RunId, SiteId, StageName, StreamName,
    UseToken, Version,
};
use strongroom_service::Clock;
use strongroom_stage_rig::{sample, stream_of};

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

pub(crate) fn run(n: u8) -> StreamName {
    StreamName::run(fixed::<RunId>(n))
}

pub(crate) fn drive() -> DriveId {
    fixed(0xd1)
}

fn fixed<T: std::str::FromStr<Err: std::fmt::Debug>>(last: u8) -> T {
    format!("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a{last:02x}").parse().unwrap()
}

pub(crate) fn requested() -> Event {
    Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest: 9 })
}

pub(crate) fn alarm() -> StreamName {
    StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, "/mnt/backup"))
}

pub(crate) fn raised() -> Event {
    Event::AlarmRaised(AlarmRaised {
        kind: AlarmKind::DriveFull,
        subject: "/mnt/backup".to_owned(),
        message: "the drive is full".to_owned(),
        next_step: "make room on it".to_owned(),
    })
}

pub(crate) fn cleared() -> Event {
    Event::AlarmCleared(AlarmCleared { message: "there is room".to_owned() })
}

fn failed(stage: StageName, retries: bool) -> Failed {
    Failed {
        stage,
        kind: FailureKind::CutShort,
        message: "4096 of 14541 bytes".to_owned(),
        attempt: 1,
        retry_at: retries.then(|| "2026-11-21T00:00:00Z".parse().unwrap()),
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    }
}

fn used(generation: u64) -> Event {
    let token: UseToken = fixed(u8::try_from(generation).unwrap());
    Event::DriveUsed(DriveUsed { generation, token, before: None, filesystem: None, serial: Some("WX4".to_owned()) })
}

fn composed() -> Event {
    Event::SummaryComposed(SummaryComposed {
        number: 1,
        from: Position(0),
        to: Position(1),
        root: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned(),
        title: "a night".to_owned(),
        message_id: "summary-1.harbour@strongroom".to_owned(),
    })
}

fn sent() -> Event {
    let receipt = "250 2.0.0 Ok".to_owned();
    Event::SummarySent(SummarySent { message_id: "summary-1.harbour@strongroom".to_owned(), receipt })
}

fn enumerated_run() -> Event {
    Event::RunEnumerated(RunEnumerated {
        waiting: 3,
        listed: 3,
        enumerated: 3,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason: None,
    })
}

/// The events, in order.
pub(crate) fn events() -> Vec<(StreamName, Event)> {
    let (one, two, three) = (stream_of("B-1"), stream_of("B-2"), stream_of("B-3"));
    let sum = sample::sha256(b"x");
    let held = Held { stage: StageName::Verify, until: "2026-11-20T23:40:00Z".parse().unwrap() };
    let on_drive = |name: &str| sample::fetched(drive(), name, 1, &sum);
    vec![
        (StreamName::drive(drive()), Event::DriveInitialised(DriveInitialised { label: "blue 1".to_owned() })),
        (StreamName::drive(drive()), used(1)),
        (run(1), requested()),
        (run(1), Event::RunFailed(failed(StageName::Enumerate, true))),
        (run(1), enumerated_run()),
        (one.clone(), sample::enumerated("a.pdf", 1, sum.clone())),
        (two.clone(), sample::enumerated("b.pdf", 1, sum.clone())),
        (three.clone(), sample::enumerated("c.pdf", 1, sum.clone())),
        (one.clone(), on_drive("a")),
        (alarm(), raised()),
        (two.clone(), Event::TimesheetFailed(failed(StageName::Fetch, true))),
        (alarm(), Event::AlarmFailed(failed(StageName::Notify, true))),
        (one.clone(), Event::TimesheetHeld(held)),
        (three, on_drive("c")),
        (one.clone(), sample::backed_up(drive(), "a", 1, &sum)),
        (alarm(), cleared()),
        (two, Event::TimesheetFailed(failed(StageName::Fetch, false))),
        (StreamName::drive(drive()), used(2)),
        (one, sample::archived("archived/a.pdf")),
        (alarm(), raised()),
        (StreamName::summary(1), composed()),
        (StreamName::summary(1), Event::SummaryFailed(failed(StageName::Notify, true))),
        (StreamName::summary(1), sent()),
        (run(2), requested()),
        (run(2), Event::RunFailed(failed(StageName::Enumerate, false))),
    ]
}

/// Appends each event by itself, at times a second apart.
pub(crate) async fn append(log: &EventLog, n: usize, stream: &StreamName, event: Event) {
    let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
    clock.advance(std::time::Duration::from_secs(n as u64));
    strongroom_stage_rig::append(log, &clock, stream, event).await;
}

/// The same, where `n` events are in the stream and nowhere else: it is not read before.
pub(crate) async fn append_next(log: &EventLog, n: usize, stream: &StreamName, event: Event) {
    let time = "2026-11-20T23:00:00Z".parse().unwrap();
    let expected = n.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last as u64)));
    let new = NewEvent::new(stream.clone(), expected, time, "test@rig".parse().unwrap(), event);
    log.append(vec![new]).await.unwrap();
}

pub(crate) async fn fill(log: &EventLog) {
    for (n, (stream, event)) in events().into_iter().enumerate() {
        append(log, n, &stream, event).await;
    }
}
