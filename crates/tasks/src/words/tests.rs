use fastrand::Rng;

use super::*;
use crate::Span;
use crate::task::{Monotonic, MonotonicBase};

fn trigger(schedule: Schedule, start: &str) -> Trigger {
    Trigger { start: Some(Moment::parse(start)), ..Trigger::new(schedule) }
}

fn repeating(mut trigger: Trigger, interval: &str, duration: &str) -> Trigger {
    let span = |text: &str| Span::parse(text);
    trigger.repetition =
        Some(Repetition { interval: span(interval).unwrap(), duration: span(duration), stop_at_end: false });
    trigger
}

#[test]
fn triggers_read_as_people_say_them() {
    let workdays = Weekdays(0b011_1110);
    let night = "2024-01-01T23:00:00";
    let friday = Weekdays(1 << 5);
    let last = Weeks { bits: 0, last: true };
    let event = EventQuery {
        channel: Some("System".to_owned()),
        provider: Some("User32".to_owned()),
        ids: vec!["1074".to_owned()],
        ..EventQuery::default()
    };
    let mut later = trigger(Schedule::Daily(1), "2024-01-01T06:00:00+08:00");
    later.random_delay = Span::parse("PT30M");
    later.end = Some(Moment::parse("2027-01-01T00:00:00"));
    later.enabled = false;
    let mut boot = Trigger::new(Schedule::Boot);
    boot.delay = Span::parse("PT30S");
    let triggers = [
        trigger(Schedule::Once, night),
        repeating(trigger(Schedule::Once, "2018-01-01T00:00:00"), "PT5M", ""),
        repeating(trigger(Schedule::Once, "2018-01-01T00:00:00"), "PT1H", "P1D"),
        trigger(Schedule::Daily(1), night),
        trigger(Schedule::Daily(3), night),
        repeating(trigger(Schedule::Daily(1), night), "PT2M", "PT6H"),
        repeating(trigger(Schedule::Daily(1), "2024-01-01T00:00:00"), "PT1H", "P1D"),
        repeating(trigger(Schedule::Daily(1), "2024-01-01T00:15:00"), "PT1H", "P1D"),
        trigger(Schedule::Weekly(1, workdays), "2024-01-01T07:30:00"),
        trigger(Schedule::Weekly(1, Weekdays(0b100_0001)), "2024-01-01T07:30:00"),
        trigger(Schedule::Weekly(1, Weekdays(0x7f)), "2024-01-01T07:30:00"),
        trigger(Schedule::Weekly(1, Weekdays(0b1_0010)), "2024-01-01T07:30:00"),
        trigger(Schedule::Weekly(2, Weekdays(2)), "2024-01-01T06:00:00"),
        trigger(Schedule::Monthly(Days { bits: 1 << 1 | 1 << 15, last: true }, Months::ALL), "2024-01-01T18:00:00"),
        trigger(Schedule::Monthly(Days { bits: 1 << 1, last: false }, Months(1 << 3 | 1 << 9)), "2024-01-01T18:00:00"),
        trigger(Schedule::MonthlyWeekday(last, friday, Months::ALL), "2024-01-01T10:00:00"),
        trigger(
            Schedule::MonthlyWeekday(Weeks { bits: 0b1010, last: false }, Weekdays(1), Months(2)),
            "2024-01-01T10:00:00",
        ),
        boot,
        Trigger::new(Schedule::Logon(Some("CORP\\x".to_owned()))),
        Trigger::new(Schedule::Logon(None)),
        Trigger::new(Schedule::Idle),
        Trigger::new(Schedule::Session(SessionChange::Unlock, None)),
        Trigger::new(Schedule::Registration),
        Trigger::new(Schedule::Event(event)),
        Trigger::new(Schedule::Signal("418A".to_owned(), None)),
        Trigger::new(Schedule::Monotonic(Monotonic { base: MonotonicBase::Boot, after: Span::of_seconds(900) })),
        Trigger::new(Schedule::Anacron(Some(7))),
        later,
    ];
    insta::assert_snapshot!(triggers.iter().map(trigger_words).collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_task_without_triggers_runs_by_hand_or_in_maintenance() {
    let mut task = Task::new("\\A", crate::Scheduler::Windows, crate::task::Origin::default());
    assert_eq!(task_words(&task), "only by hand");
    let maintenance = crate::task::Maintenance { period: Span::of_seconds(86_400), deadline: None, exclusive: false };
    task.settings.maintenance = Some(maintenance);
    assert_eq!(task_words(&task), "in automatic maintenance, every day");
    task.triggers = vec![Trigger::new(Schedule::Boot), Trigger::new(Schedule::Idle)];
    assert_eq!(task_words(&task), "when the computer starts; also when the computer is idle");
}

fn span(rng: &mut Rng) -> Span {
    Span::of_seconds([60, 90, 3_600, 5_400, 86_400, 90_000, 172_800][rng.usize(0..7)])
}

fn random(rng: &mut Rng) -> Trigger {
    let user = [None, Some("CORP\\a".to_owned()), Some("b".to_owned())][rng.usize(0..3)].clone();
    let every = rng.u32(1..4);
    let days = Weekdays(rng.u8(1..0x7f));
    let months = if rng.bool() { Months::ALL } else { Months(rng.u16(1..0xfff) << 1) };
    let weeks = Weeks { bits: rng.u8(1..16) << 1, last: rng.bool() };
    let schedule = match rng.u32(0..9) {
        0 => Schedule::Once,
        1 => Schedule::Daily(every),
        2 => Schedule::Weekly(every, days),
        3 => Schedule::Monthly(Days { bits: rng.u32(1..u32::MAX / 2) << 1, last: rng.bool() }, months),
        4 => Schedule::MonthlyWeekday(weeks, days, months),
        5 => Schedule::Logon(user),
        6 => Schedule::Boot,
        7 => Schedule::Session([SessionChange::Lock, SessionChange::RemoteConnect][rng.usize(0..2)].clone(), user),
        _ => Schedule::Idle,
    };
    let starts = ["2024-01-01T00:00:00", "2024-01-02T00:00:00", "2024-01-01T07:30:00", "2024-01-01T07:30:00+01:00"];
    let mut found = trigger(schedule, starts[rng.usize(0..4)]);
    found.enabled = rng.u32(0..5) > 0;
    if rng.bool() {
        let duration = if rng.bool() { Some(span(rng)) } else { None };
        found.repetition = Some(Repetition { interval: span(rng), duration, stop_at_end: rng.bool() });
    }
    found.random_delay = rng.bool().then(|| span(rng));
    found.delay = (rng.u32(0..4) == 0).then(|| span(rng));
    found.time_limit = (rng.u32(0..4) == 0).then(|| span(rng));
    found.end = (rng.u32(0..4) == 0).then(|| Moment::parse(starts[rng.usize(0..4)]));
    found
}

/// What the words leave out on purpose: the first day of a schedule that repeats every day, week or month.
fn essence(trigger: &Trigger) -> Trigger {
    let mut essence = trigger.clone();
    let free = matches!(
        trigger.schedule,
        Schedule::Daily(1) | Schedule::Weekly(1, _) | Schedule::Monthly(..) | Schedule::MonthlyWeekday(..)
    );
    let epoch = |civil: jiff::civil::DateTime| jiff::civil::date(2000, 1, 1).to_datetime(civil.time());
    essence.start = match essence.start {
        Some(Moment::Local(civil)) if free => Some(Moment::Local(epoch(civil))),
        Some(Moment::Fixed(civil, offset)) if free => Some(Moment::Fixed(epoch(civil), offset)),
        other => other,
    };
    essence
}

#[test]
fn different_triggers_never_read_the_same() {
    let mut rng = Rng::with_seed(17);
    let mut seen = std::collections::HashMap::new();
    for _ in 0..60_000 {
        let trigger = essence(&random(&mut rng));
        let words = trigger_words(&trigger);
        if let Some(other) = seen.insert(words.clone(), trigger.clone()) {
            assert_eq!(other, trigger, "{words}");
        }
    }
    assert!(seen.len() > 30_000, "{} different", seen.len());
}
