//! A small site's weeks: every kind of subject, in every state that a log can leave it in.

use jiff::Timestamp;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmNotified, AlarmRaised, Archived, BackedUp, DiskOf, DriveAttached, DriveInitialised,
    DriveUsed, Enumerated, Failed, Fetched, Held, Purged, ReadBack, Rejected, Retried, RunEnumerated, RunRequested,
    SummaryComposed, SummarySent, SyncMethod, Trigger,
};
use strongroom_model::{
    AlarmKind, Algorithm, ByteCount, Digest, Event, EventId, Expected, FailureKind, NewEvent, Position, RunId, SiteId,
    StageName, StreamName, Version,
};

pub(crate) const DRIVE: &str = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11";

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn uuid(n: u64) -> String {
    format!("0199a000-0000-7000-8000-{n:012}")
}

/// The events, one after the other, with the versions that their streams have by then.
#[derive(Default)]
pub(crate) struct Story {
    pub(crate) events: Vec<NewEvent>,
}

impl Story {
    fn record(&mut self, part: &str, stream: &StreamName, event: Event) {
        let version = self.events.iter().filter(|event| event.stream == *stream).count() as u64;
        let n = self.events.len() as u64;
        let expected = version.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last)));
        let (time, actor) = (at(n.try_into().unwrap()), format!("{part}@backup-1").parse().unwrap());
        let event = NewEvent::new(stream.clone(), expected, time, actor, event);
        self.events.push(NewEvent { id: uuid(n).parse().unwrap(), ..event });
    }

    fn last_id(&self) -> EventId {
        self.events.last().unwrap().id
    }
}

pub(crate) fn booking(n: u64) -> StreamName {
    StreamName::booking(&format!("B-{n}").parse().unwrap())
}

pub(crate) fn run(n: u64) -> StreamName {
    StreamName::run(RunId(uuid(900 + n).parse().unwrap()))
}

pub(crate) fn alarm(kind: AlarmKind, subject: &str) -> StreamName {
    StreamName::alarm(&AlarmKey::new(kind, subject))
}

pub(crate) fn drive() -> StreamName {
    StreamName::drive(DRIVE.parse().unwrap())
}

fn digest(n: u64) -> Digest {
    Digest::of(Algorithm::Sha256, format!("timesheet {n}").as_bytes())
}

fn path(n: u64) -> String {
    format!("harbour/2026-11/data/B-{n}/KW 47.pdf")
}

fn enumerated(n: u64) -> Event {
    Event::TimesheetEnumerated(Enumerated {
        filename: "KW 47.pdf".to_owned(),
        size_bytes: ByteCount(14_000 + n),
        digest: digest(n),
        signed_off_at: at(-86_400),
    })
}

fn fetched(n: u64) -> Event {
    Event::TimesheetFetched(Fetched {
        drive: DRIVE.parse().unwrap(),
        path: path(n),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_000 + n),
        sha256: digest(n),
        in_flight: digest(n),
        sync: SyncMethod::Syncfs,
        resumed_from_bytes: ByteCount(0),
        elapsed_ms: 12,
    })
}

fn backed_up(n: u64) -> Event {
    Event::TimesheetBackedUp(BackedUp {
        drive: DRIVE.parse().unwrap(),
        path: path(n),
        month: "2026-11".parse().unwrap(),
        size_bytes: ByteCount(14_000 + n),
        sha256: digest(n),
        digest: digest(n),
        read_back: ReadBack::Direct,
    })
}

fn archived(n: u64) -> Event {
    let path = format!("archived/2026-11/B-{n}.pdf");
    Event::TimesheetArchived(Archived { month: "2026-11".parse().unwrap(), path })
}

fn failed(stage: StageName, kind: FailureKind, retry_at: Option<Timestamp>) -> Failed {
    Failed {
        stage,
        kind,
        message: "4096 of 14001 bytes came".to_owned(),
        attempt: 1,
        retry_at,
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    }
}

fn raised(kind: AlarmKind, subject: &str) -> Event {
    Event::AlarmRaised(AlarmRaised {
        kind,
        subject: subject.to_owned(),
        message: "the drive is full".to_owned(),
        next_step: "put in another".to_owned(),
    })
}

fn composed(number: u64, from: u64, to: u64) -> Event {
    Event::SummaryComposed(SummaryComposed {
        number,
        from: Position(from),
        to: Position(to),
        root: "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=".to_owned(),
        title: "the night of 2026-11-20".to_owned(),
        message_id: format!("{number}@harbour"),
    })
}

pub(crate) fn requested() -> Event {
    Event::RunRequested(RunRequested { trigger: Trigger::Schedule, oldest: 100 })
}

/// All that happened at the site.
pub(crate) fn story() -> Story {
    let mut story = Story::default();
    first_night(&mut story);
    bookings(&mut story);
    alarms(&mut story);
    summaries(&mut story);
    let later = run(2);
    story.record("cron", &later, requested());
    let no_answer = failed(StageName::Enumerate, FailureKind::NoAnswer, Some(at(4000)));
    story.record("enumerate", &later, Event::RunFailed(no_answer));
    story.record("cron", &run(3), requested());
    story
}

fn first_night(story: &mut Story) {
    let label = "Blue 1".to_owned();
    story.record("operator", &drive(), Event::DriveInitialised(DriveInitialised { label }));
    let own = DriveAttached { disk: DiskOf::Own, cached_is_proven: false };
    story.record("fetch", &drive(), Event::DriveAttached(own));
    let used = DriveUsed {
        before: None,
        filesystem: Some("ext4".to_owned()),
        generation: 1,
        serial: None,
        token: uuid(990).parse().unwrap(),
    };
    story.record("fetch", &drive(), Event::DriveUsed(used));
    story.record("cron", &run(1), requested());
    let found = RunEnumerated {
        waiting: 15,
        listed: 15,
        enumerated: 14,
        claimed: 0,
        forgotten: 0,
        unusable: 1,
        rejected: vec![Rejected { booking: "../x".to_owned(), reason: "it is not a booking id".to_owned() }],
        zero_reason: None,
    };
    story.record("enumerate", &run(1), Event::RunEnumerated(found));
}

fn bookings(story: &mut Story) {
    (1..=14).for_each(|n| story.record("enumerate", &booking(n), enumerated(n)));
    (1..=9).for_each(|n| story.record("fetch", &booking(n), fetched(n)));
    (1..=5).for_each(|n| story.record("verify", &booking(n), backed_up(n)));
    (1..=4).for_each(|n| story.record("archive", &booking(n), archived(n)));
    let proofs = vec![story.last_id()];
    // As the released version wrote it.
    let purged = Purged { approved_by: None, drives: Vec::new(), proofs, purge: "2026-11".to_owned() };
    story.record("purge", &booking(4), Event::TimesheetPurged(purged));
    // The 5th waits to be archived, the 6th to be proven; proving the 7th takes long.
    let held = |until| Event::TimesheetHeld(Held { stage: StageName::Verify, until: at(until) });
    story.record("verify", &booking(7), held(1000));
    story.record("verify", &booking(7), held(2000));
    // The 8th could not be proven and is fetched anew; the 9th, at the third time, needs a person.
    let changed = |retry_at| Event::TimesheetFailed(failed(StageName::Verify, FailureKind::DriveChanged, retry_at));
    story.record("verify", &booking(8), changed(Some(at(3000))));
    story.record("verify", &booking(9), changed(None));
    // The 10th waits for a retry, the 11th needs a person, the 12th was given back by one.
    let cut = |retry_at| Event::TimesheetFailed(failed(StageName::Fetch, FailureKind::CutShort, retry_at));
    story.record("fetch", &booking(10), cut(Some(at(3000))));
    story.record("fetch", &booking(11), cut(None));
    story.record("fetch", &booking(12), cut(None));
    let retried = Retried { stage: StageName::Enumerate, reason: Some("uploaded again".to_owned()) };
    story.record("operator", &booking(12), Event::TimesheetRetried(retried));
    // Fetching the 13th takes long; nothing has happened to the 14th yet.
    let held = Held { stage: StageName::Fetch, until: at(1500) };
    story.record("fetch", &booking(13), Event::TimesheetHeld(held));
}

fn alarms(story: &mut Story) {
    let full = alarm(AlarmKind::DriveFull, "backup-1");
    story.record("fetch", &full, raised(AlarmKind::DriveFull, "backup-1"));
    let missing = alarm(AlarmKind::DriveMissing, "backup-1");
    story.record("fetch", &missing, raised(AlarmKind::DriveMissing, "backup-1"));
    let mut about = vec![story.last_id()];
    story.record("fetch", &missing, Event::AlarmCleared(AlarmCleared { message: "it is back".to_owned() }));
    about.push(story.last_id());
    let notified = AlarmNotified { about, message_id: "a1@harbour".to_owned(), receipt: "250 ok".to_owned() };
    story.record("notify", &missing, Event::AlarmNotified(notified));
    let low = alarm(AlarmKind::DriveFull, "backup-2");
    story.record("fetch", &low, raised(AlarmKind::DriveFull, "backup-2"));
    let refused = failed(StageName::Notify, FailureKind::MailUnreachable, Some(at(2500)));
    story.record("notify", &low, Event::AlarmFailed(refused));
}

fn summaries(story: &mut Story) {
    story.record("notify", &StreamName::summary(1), composed(1, 0, 20));
    let sent = SummarySent { message_id: "1@harbour".to_owned(), receipt: "250 ok".to_owned() };
    story.record("notify", &StreamName::summary(1), Event::SummarySent(sent));
    story.record("notify", &StreamName::summary(2), composed(2, 20, 40));
    let unreachable = failed(StageName::Notify, FailureKind::MailUnreachable, Some(at(2600)));
    story.record("notify", &StreamName::summary(2), Event::SummaryFailed(unreachable));
}
