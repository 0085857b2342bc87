use jiff::civil::date;

use super::*;
use crate::Span;
use crate::task::{Days, Months, Repetition, Weekdays, Weeks};

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

fn trigger(schedule: Schedule, start: &str) -> Trigger {
    Trigger { start: Some(Moment::parse(start)), ..Trigger::new(schedule) }
}

fn grid(trigger: &Trigger) -> Grid {
    match expectation(trigger, &berlin()) {
        Expectation::Times(grid) => *grid,
        other => panic!("{other:?}"),
    }
}

fn repeated(schedule: Schedule, start: &str, interval: &str, duration: &str) -> Trigger {
    let interval = Span::parse(interval).unwrap();
    let repetition = Repetition { interval, duration: Span::parse(duration), stop_at_end: false };
    Trigger { repetition: Some(repetition), ..trigger(schedule, start) }
}

/// The times after an instant, by Berlin's clock.
fn shown(trigger: &Trigger, after: &str, count: usize) -> Vec<String> {
    let grid = grid(trigger);
    let times = grid.between(after.parse().unwrap(), Timestamp::MAX);
    times.take(count).map(|at| at.to_zoned(berlin()).strftime("%m-%d %H:%M").to_string()).collect()
}

#[test]
fn a_repetition_includes_its_end() {
    let minutes = repeated(Schedule::Once, "2026-01-01T00:00:00", "PT1M", "PT4M");
    assert_eq!(
        shown(&minutes, "2025-01-01T00:00:00Z", 9),
        ["01-01 00:00", "01-01 00:01", "01-01 00:02", "01-01 00:03", "01-01 00:04"]
    );
    let hour = repeated(Schedule::Once, "2026-01-01T00:00:00", "PT25M", "PT1H");
    assert_eq!(shown(&hour, "2025-01-01T00:00:00Z", 9), ["01-01 00:00", "01-01 00:25", "01-01 00:50"]);
    let late: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let last = |at: Option<Timestamp>| at.unwrap().to_string();
    assert_eq!(last(grid(&minutes).at_or_before(late)), "2025-12-31T23:04:00Z");
    assert_eq!(last(grid(&minutes).surely_at_or_before(late)), "2025-12-31T23:03:00Z");
}

#[test]
fn a_skipped_time_runs_at_the_first_that_exists() {
    let night = trigger(Schedule::Daily(1), "2024-01-01T02:30:00");
    assert_eq!(shown(&night, "2026-03-28T12:00:00Z", 2), ["03-29 03:00", "03-30 02:30"]);
    assert_eq!(shown(&night, "2026-10-24T12:00:00Z", 2), ["10-25 02:30", "10-26 02:30"]);
    let fixed = trigger(Schedule::Daily(1), "2024-01-01T02:30:00+01:00");
    assert_eq!(shown(&fixed, "2026-03-28T12:00:00Z", 2), ["03-29 03:30", "03-30 03:30"]);
}

#[test]
fn days_weeks_and_months_are_counted_from_the_start() {
    let third = trigger(Schedule::Daily(3), "2026-01-01T06:00:00");
    assert_eq!(shown(&third, "2026-01-02T00:00:00Z", 2), ["01-04 06:00", "01-07 06:00"]);
    // 1 January 2026 is a Thursday.
    let second = trigger(Schedule::Weekly(2, Weekdays(0b10)), "2026-01-01T06:00:00");
    assert_eq!(shown(&second, "2026-01-01T00:00:00Z", 2), ["01-12 06:00", "01-26 06:00"]);
    assert!(!grid(&second).is_off_by_a_week());
    assert!(grid(&trigger(Schedule::Weekly(2, Weekdays(1)), "2026-01-01T06:00:00")).is_off_by_a_week());
    let days = Days { bits: 1 << 31, last: false };
    let long = trigger(Schedule::Monthly(days, Months::ALL), "2026-01-01T06:00:00");
    assert_eq!(shown(&long, "2026-01-31T12:00:00Z", 2), ["03-31 06:00", "05-31 06:00"]);
    let last = trigger(Schedule::Monthly(Days { bits: 0, last: true }, Months::ALL), "2026-01-01T06:00:00");
    assert_eq!(shown(&last, "2026-01-31T12:00:00Z", 2), ["02-28 06:00", "03-31 06:00"]);
    let friday = Schedule::MonthlyWeekday(Weeks { bits: 0, last: true }, Weekdays(1 << 5), Months::ALL);
    assert_eq!(
        shown(&trigger(friday, "2026-01-01T06:00:00"), "2026-01-31T12:00:00Z", 2),
        ["02-27 06:00", "03-27 06:00"]
    );
}

#[test]
fn a_repeating_day_goes_on_past_midnight_and_ends_at_the_end() {
    let mut night = repeated(Schedule::Daily(1), "2026-01-01T23:00:00", "PT2H", "PT6H");
    assert_eq!(
        shown(&night, "2026-01-02T21:00:00Z", 5),
        ["01-02 23:00", "01-03 01:00", "01-03 03:00", "01-03 05:00", "01-03 23:00"]
    );
    night.end = Some(Moment::parse("2026-01-03T02:00:00"));
    assert_eq!(shown(&night, "2026-01-02T21:00:00Z", 5), ["01-02 23:00", "01-03 01:00"]);
    let at = grid(&night).at_or_before("2027-01-01T00:00:00Z".parse().unwrap()).unwrap();
    assert_eq!(at.to_string(), "2026-01-03T00:00:00Z");
}

#[test]
fn what_cannot_be_told_says_why() {
    let why = |trigger: &Trigger| match expectation(trigger, &berlin()) {
        Expectation::CannotTell(why) | Expectation::Never(why) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&Trigger::new(Schedule::Logon(None))), "nobody can tell when a user logs on");
    assert_eq!(why(&trigger(Schedule::Daily(1), "soon")), "the trigger's start cannot be read");
    assert_eq!(why(&Trigger::new(Schedule::Once)), "the trigger has no start");
    let never = Schedule::Monthly(Days { bits: 1 << 30, last: false }, Months(1 << 2));
    assert_eq!(why(&trigger(never, "2026-01-01T00:00:00")), "its days name no date that ever comes");
    let leap = Schedule::Monthly(Days { bits: 1 << 29, last: false }, Months(1 << 2));
    assert_eq!(shown(&trigger(leap, "2096-03-01T00:00:00"), "2096-03-01T00:00:00Z", 1), ["02-29 00:00"]);
}

#[test]
fn stepping_and_looking_up_agree() {
    let mut rng = fastrand::Rng::with_seed(23);
    let schedules = [
        Schedule::Once,
        Schedule::Daily(2),
        Schedule::Weekly(2, Weekdays(0b1010)),
        Schedule::Monthly(Days { bits: 1 << 30, last: true }, Months(0b1_0110_1010)),
        Schedule::MonthlyWeekday(Weeks { bits: 0b100, last: true }, Weekdays(0b11), Months::ALL),
    ];
    for round in 0..200 {
        let schedule = schedules[round % schedules.len()].clone();
        let mut trigger = trigger(schedule, "2025-12-30T02:30:00");
        if rng.bool() {
            let span = |hours: u64| Span::of_seconds(hours * 3_600);
            let duration = if rng.bool() { Some(span(rng.u64(1..30))) } else { None };
            trigger.repetition = Some(Repetition { interval: span(rng.u64(1..9)), duration, stop_at_end: false });
        }
        let grid = grid(&trigger);
        let from =
            date(2026, 1, 1).to_zoned(berlin()).unwrap().timestamp() + SignedDuration::from_hours(rng.i64(0..9_000));
        let times: Vec<_> = grid.between(from, Timestamp::MAX).take(20).collect();
        let mut at = from;
        for time in &times {
            assert_eq!(grid.next_after(at), Some(*time), "{trigger:?}");
            assert_eq!(grid.at_or_before(*time), Some(*time), "{trigger:?}");
            at = *time;
        }
    }
}

/// Ten thousand tasks over a year. What is counted is the work: each start is found once, none is looked for twice. The
/// time is printed for whoever runs this with optimisation: `cargo test --release -p strongroom-tasks -- --nocapture`.
#[test]
fn ten_thousand_tasks_over_a_year() {
    let kinds = [
        Schedule::Daily(1),
        Schedule::Weekly(1, Weekdays(0b011_1110)),
        Schedule::Monthly(Days { bits: 1 << 1 | 1 << 15, last: false }, Months::ALL),
        Schedule::MonthlyWeekday(Weeks { bits: 0, last: true }, Weekdays(1 << 5), Months::ALL),
    ];
    let grids: Vec<_> = kinds.iter().map(|kind| grid(&trigger(kind.clone(), "2020-01-01T22:30:00"))).collect();
    let from: Timestamp = "2025-12-31T23:00:00Z".parse().unwrap();
    let until = from + SignedDuration::from_hours(365 * 24);
    let started = std::time::Instant::now();
    let starts: usize = (0..10_000).map(|task| grids[task % grids.len()].between(from, until).count()).sum();
    println!("{starts} starts of 10,000 tasks in {:?}", started.elapsed());
    assert_eq!(starts, 2_500 * (365 + 261 + 24 + 12));
}
