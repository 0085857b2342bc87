use super::*;
use crate::Span;
use crate::moment::Moment;
use crate::task::{Days, LogonType, Maintenance, Months, Origin, Principal, Repetition, Schedule, Trigger};

const NOW: &str = "2026-05-06T10:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn nightly() -> Task {
    task(Trigger { start: Some(Moment::parse("2024-01-01T02:00:00")), ..Trigger::new(Schedule::Daily(1)) })
}

fn task(trigger: Trigger) -> Task {
    let mut task = Task::new("\\A", Scheduler::Windows, Origin::default());
    task.settings.not_on_battery = false;
    task.triggers = vec![trigger];
    task
}

fn ran(last: &str) -> RunState {
    let last_run = if last == "never" { LastRun::Never } else { LastRun::At(at(last)) };
    RunState { state: State::Ready, last_run, result: Some(0), ..RunState::unknown("") }
}

fn verdict(task: &Task, run: &RunState, change: impl FnOnce(&mut Watch<'_>)) -> Verdict {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let mut watch = Watch::new(at(NOW), &zone);
    change(&mut watch);
    assess(task, run, &watch)
}

fn said(task: &Task, run: &RunState, change: impl FnOnce(&mut Watch<'_>)) -> String {
    let verdict = verdict(task, run, change);
    format!("{}: {}", verdict.overdue.name(), verdict.reason)
}

#[test]
fn a_task_that_started_when_it_was_due_is_in_order() {
    let found = verdict(&nightly(), &ran("2026-05-06T00:00:03Z"), |_| {});
    assert_eq!((found.overdue, found.reason.as_str()), (Overdue::No, "it started when it was due"));
    assert_eq!(found.previous_expected, Some(at("2026-05-06T00:00:00Z")));
    assert_eq!(found.next_expected, Some(at("2026-05-07T00:00:00Z")));
    assert_eq!((found.outcome, found.notes.len()), (Outcome::Ok, 0));
}

#[test]
fn a_task_that_did_not_start_is_overdue_since_the_first_that_it_missed() {
    let found = verdict(&nightly(), &ran("2026-05-03T00:00:01Z"), |_| {});
    assert_eq!((found.overdue, found.since), (Overdue::Yes, Some(at("2026-05-04T00:00:00Z"))));
    assert_eq!(found.reason, "was due at 2026-05-06 02:00 CEST and did not start");
    assert_eq!(said(&nightly(), &ran("never"), |_| {}), "yes: has never run though due since 2026-05-06 02:00 CEST");
    // Not before it was first seen, registered or restored.
    let seen = |watch: &mut Watch<'_>| watch.first_seen = Some(at("2026-05-06T08:00:00Z"));
    assert_eq!(said(&nightly(), &ran("2026-05-03T00:00:01Z"), seen), "no: it started when it was due");
    let restored = |watch: &mut Watch<'_>| watch.restored_at = Some(at("2026-05-06T08:00:00Z"));
    assert_eq!(verdict(&nightly(), &ran("never"), restored).overdue, Overdue::No);
}

#[test]
fn a_start_may_be_late_by_its_grace_and_never_by_more_than_half_a_period() {
    let soon = |watch: &mut Watch<'_>| watch.now = at("2026-05-06T00:14:00Z");
    assert_eq!(verdict(&nightly(), &ran("2026-05-05T00:00:01Z"), soon).overdue, Overdue::No);
    let later = |watch: &mut Watch<'_>| watch.now = at("2026-05-06T00:16:00Z");
    assert_eq!(verdict(&nightly(), &ran("2026-05-05T00:00:01Z"), later).overdue, Overdue::Yes);
    let mut random = nightly();
    random.triggers[0].random_delay = Span::parse("PT2H");
    assert_eq!(verdict(&random, &ran("2026-05-05T00:00:01Z"), later).overdue, Overdue::No);
    let mut often = nightly();
    often.triggers[0].repetition =
        Some(Repetition { interval: Span::of_seconds(300), duration: None, stop_at_end: false });
    let four = |watch: &mut Watch<'_>| watch.now = at("2026-05-06T00:08:00Z");
    assert_eq!(verdict(&often, &ran("2026-05-06T00:00:01Z"), four).overdue, Overdue::Yes);
}

#[test]
fn what_is_switched_off_or_by_hand_is_not_overdue() {
    let mut off = nightly();
    off.settings.enabled = false;
    assert_eq!(said(&off, &ran("never"), |_| {}), "no: it is switched off");
    let mut triggers_off = nightly();
    triggers_off.triggers[0].enabled = false;
    assert_eq!(said(&triggers_off, &ran("never"), |_| {}), "no: all of its triggers are switched off");
    let mut by_hand = nightly();
    by_hand.triggers.clear();
    assert_eq!(said(&by_hand, &ran("never"), |_| {}), "no: it is started by hand only");
    let mut to_come = nightly();
    to_come.triggers[0].start = Some(Moment::parse("2027-01-01T02:00:00"));
    assert_eq!(said(&to_come, &ran("never"), |_| {}), "no: its first start is still to come");
}

#[test]
fn what_cannot_be_told_says_why_and_is_never_no() {
    let logon = task(Trigger::new(Schedule::Logon(None)));
    assert_eq!(said(&logon, &ran("never"), |_| {}), "cannot tell: nobody can tell when a user logs on");
    let weekly = |watch: &mut Watch<'_>| watch.at_least_every = Some(SignedDuration::from_hours(7 * 24));
    assert_eq!(said(&logon, &ran("2026-05-05T00:00:00Z"), weekly), "no: it started often enough");
    assert_eq!(
        said(&logon, &ran("2026-04-05T00:00:00Z"), weekly),
        "yes: should have run by 2026-04-12 02:00 CEST, and did not"
    );
    assert_eq!(
        said(&logon, &ran("never"), weekly),
        "cannot tell: it has never run, and since when it should is not known"
    );
    let seen = |watch: &mut Watch<'_>| {
        weekly(watch);
        watch.first_seen = Some(at("2026-04-01T00:00:00Z"));
    };
    assert_eq!(said(&logon, &ran("never"), seen), "yes: has never run though due since 2026-04-08 02:00 CEST");
    let unknown = RunState { last_run: LastRun::Unknown("03/09 fits two readings".to_owned()), ..ran("never") };
    assert_eq!(said(&nightly(), &unknown, |_| {}), "cannot tell: its last run is not known: 03/09 fits two readings");
    assert_eq!(
        said(&nightly(), &ran("2026-05-07T00:00:00Z"), |_| {}),
        "cannot tell: its last run, 2026-05-07 02:00:00 CEST, lies after the collection: a clock is wrong"
    );
    let boot = task(Trigger::new(Schedule::Boot));
    assert_eq!(said(&boot, &ran("never"), |_| {}), "cannot tell: when the computer started is not known");
}

#[test]
fn a_start_at_boot_is_held_against_the_last_boot() {
    let boot = task(Trigger::new(Schedule::Boot));
    let booted = |watch: &mut Watch<'_>| watch.boot = Some(at("2026-05-06T05:00:00Z"));
    assert_eq!(said(&boot, &ran("2026-05-06T05:00:20Z"), booted), "no: it started when it was due");
    assert_eq!(
        said(&boot, &ran("2026-05-01T05:00:20Z"), booted),
        "yes: was due at 2026-05-06 07:00 CEST and did not start"
    );
}

#[test]
fn a_computer_that_was_off_is_the_reason_for_what_it_missed() {
    let booted = |watch: &mut Watch<'_>| watch.boot = Some(at("2026-05-06T05:00:00Z"));
    assert_eq!(
        said(&nightly(), &ran("2026-05-05T00:00:00Z"), booted),
        "yes: missed its start at 2026-05-06 02:00 CEST: the computer was off"
    );
    let once = task(Trigger { start: Some(Moment::parse("2026-05-05T02:00:00")), ..Trigger::new(Schedule::Once) });
    assert_eq!(
        said(&once, &ran("never"), |_| {}),
        "yes: missed its only start at 2026-05-05 02:00 CEST, which does not come again"
    );
}

#[test]
fn a_running_instance_holds_others_until_it_is_stuck() {
    let running = |last: &str| RunState { state: State::Running, result: Some(267_009), ..ran(last) };
    let found = verdict(&nightly(), &running("2026-05-05T00:00:00Z"), |_| {});
    assert_eq!((found.overdue, found.outcome), (Overdue::No, Outcome::Running));
    assert_eq!(found.reason, "a start is held by the instance that runs since 2026-05-05 02:00 CEST");
    let stuck = verdict(&nightly(), &running("2026-05-01T00:00:00Z"), |_| {});
    assert_eq!(stuck.stuck_since, Some(at("2026-05-01T00:00:00Z")));
    assert_eq!(stuck.reason, "has been running since 2026-05-01 02:00:00 CEST, longer than it may");
}

#[test]
fn conditions_and_users_that_may_hold_a_task_back_are_named() {
    let mut held = nightly();
    held.settings.only_if_idle = true;
    held.settings.not_on_battery = true;
    held.principals = vec![Principal {
        user: Some("CORP\\jo".to_owned()),
        logon: Some(LogonType::InteractiveToken),
        ..Principal::default()
    }];
    let nobody = |watch: &mut Watch<'_>| watch.logged_on = Some(&[]);
    assert_eq!(
        verdict(&held, &ran("2026-05-03T00:00:00Z"), nobody).notes,
        [
            "it may be held back: the computer must be idle and the computer must not run on battery",
            "it needs CORP\\jo to be logged on, who was not"
        ]
    );
}

#[test]
fn a_next_start_that_the_scheduler_sees_elsewhere_is_a_warning() {
    let run = RunState { next_reported: Some(at("2026-05-07T08:00:00Z")), ..ran("2026-05-06T00:00:00Z") };
    assert_eq!(
        verdict(&nightly(), &run, |_| {}).notes,
        [
            "the scheduler reports its next start for 2026-05-07 10:00 CEST, its triggers say 2026-05-07 02:00 CEST: the \
          host's zone may be another"
        ]
    );
}

#[test]
fn maintenance_is_due_by_its_deadline() {
    let mut task = nightly();
    task.triggers.clear();
    let day = Span::of_seconds(86_400);
    task.settings.maintenance = Some(Maintenance { period: day, deadline: None, exclusive: false });
    assert_eq!(verdict(&task, &ran("2026-05-05T00:00:00Z"), |_| {}).overdue, Overdue::No);
    assert_eq!(verdict(&task, &ran("2026-05-01T00:00:00Z"), |_| {}).overdue, Overdue::Yes);
}

#[test]
fn a_trigger_that_never_comes_is_said_to_be_so() {
    let days = Days { bits: 1 << 31, last: false };
    let never = Trigger {
        start: Some(Moment::parse("2026-01-01T00:00:00")),
        ..Trigger::new(Schedule::Monthly(days, Months(1 << 2)))
    };
    assert_eq!(said(&task(never), &ran("never"), |_| {}), "no: its days name no date that ever comes");
}

#[test]
fn without_the_hosts_zone_no_local_time_is_compared_with_an_instant() {
    let unknown = |watch: &mut Watch<'_>| watch.zone_known = false;
    let words = "cannot tell: the host's zone is not known, so neither is when it should start: name the zone";
    assert_eq!(said(&nightly(), &ran("2026-05-01T00:00:03Z"), unknown), words);
    // At 10:00 UTC it is still the 6th or already the 7th: the next 02:00 may be of either day.
    let found = verdict(&nightly(), &ran("2026-05-06T00:00:03Z"), unknown);
    assert_eq!((found.previous_expected, found.next_expected, found.next_local), (None, None, None));
    // The first of a month is the same day everywhere.
    let monthly = |start: &str| {
        let mut trigger = Trigger::new(Schedule::Monthly(Days { bits: 1 << 1, last: false }, Months::ALL));
        trigger.start = Some(Moment::parse(start));
        task(trigger)
    };
    let found = verdict(&monthly("2024-01-01T02:00:00"), &ran("2026-05-06T00:00:03Z"), unknown);
    assert_eq!((found.next_expected, found.next_local), (None, Some("2026-06-01T02:00:00".parse().unwrap())));
    // A trigger with an offset of its own needs no zone of the host.
    let fixed = verdict(&monthly("2024-01-01T02:00:00+08:00"), &ran("2026-03-01T00:00:03Z"), unknown);
    assert_eq!((fixed.overdue, fixed.next_expected), (Overdue::Yes, Some(at("2026-05-31T18:00:00Z"))));
}
