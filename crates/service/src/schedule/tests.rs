use proptest::prelude::*;

use super::*;

fn schedule(every_s: u64, between: &str, zone: &str) -> Schedule {
    Schedule {
        every: Duration::from_secs(every_s),
        between: (!between.is_empty()).then(|| between.parse().unwrap()),
        days: Vec::new(),
        zone: TimeZone::get(zone).unwrap(),
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn the_next_run_is_one_interval_after_the_last_but_only_within_the_window() {
    // The window, the last start, now, the next run; Berlin is UTC+1 in November.
    let table = [
        ("", None, "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
        ("", Some("2026-11-20T11:59:00Z"), "2026-11-20T12:00:00Z", "2026-11-20T12:01:00Z"),
        ("", Some("2026-11-20T09:00:00Z"), "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"),
        ("23:00-05:00", None, "2026-11-20T12:00:00Z", "2026-11-20T22:00:00Z"),
        ("23:00-05:00", None, "2026-11-20T22:00:00Z", "2026-11-20T22:00:00Z"),
        ("23:00-05:00", None, "2026-11-21T03:59:59Z", "2026-11-21T03:59:59Z"),
        ("23:00-05:00", None, "2026-11-21T04:00:00Z", "2026-11-21T22:00:00Z"),
        ("23:00-05:00", Some("2026-11-21T03:59:00Z"), "2026-11-21T03:59:30Z", "2026-11-21T22:00:00Z"),
        ("08:00-17:30", None, "2026-11-20T06:00:00Z", "2026-11-20T07:00:00Z"),
        ("08:00-17:30", None, "2026-11-20T16:30:00Z", "2026-11-21T07:00:00Z"),
        ("00:00-24:00", Some("2026-11-20T22:59:00Z"), "2026-11-20T22:59:30Z", "2026-11-20T23:01:00Z"),
        ("12:00-12:00", None, "2026-11-20T11:00:00Z", "2026-11-20T11:00:00Z"),
    ];
    for (between, last, now, next) in table {
        let schedule = schedule(120, between, "Europe/Berlin");
        assert_eq!(schedule.next_run(last.map(at), at(now)), at(next), "{between} {last:?} {now}");
    }
}

#[test]
fn r8_a_last_start_far_in_the_future_counts_as_none_and_one_a_little_ahead_as_now() {
    let schedule = schedule(120, "", "UTC");
    let now = at("2026-11-20T12:00:00Z");
    for ahead in ["2027-11-20T12:00:00Z", "9999-01-01T00:00:00Z", "2026-11-20T12:05:01Z"] {
        assert_eq!(schedule.next_run(Some(at(ahead)), now), now, "{ahead}");
    }
    assert_eq!(schedule.next_run(Some(at("2026-11-20T12:04:00Z")), now), at("2026-11-20T12:02:00Z"));
    let daily = Schedule { every: Duration::from_secs(86_400), ..schedule };
    assert_eq!(daily.next_run(Some(at("2026-11-21T11:00:00Z")), now), at("2026-11-21T12:00:00Z"));
    assert_eq!(daily.overdue(at("2027-01-01T00:00:00Z"), now, Duration::ZERO), None);
}

/// In Berlin, 02:00 to 03:00 is skipped on 2026-03-29 and passes twice on 2026-10-25.
#[test]
fn both_nights_of_a_change_of_the_clocks_open_and_close_where_a_person_expects() {
    let table = [
        ("23:00-05:00", "2026-03-28", "2026-03-28T22:00:00Z", "2026-03-29T03:00:00Z"),
        ("23:00-05:00", "2026-10-24", "2026-10-24T21:00:00Z", "2026-10-25T04:00:00Z"),
        // A skipped reading counts as the end of the gap.
        ("23:00-02:30", "2026-03-28", "2026-03-28T22:00:00Z", "2026-03-29T01:00:00Z"),
        ("02:30-05:00", "2026-03-29", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"),
        // A repeated one opens the first time and closes the last time.
        ("02:30-05:00", "2026-10-25", "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"),
        ("23:00-02:30", "2026-10-24", "2026-10-24T21:00:00Z", "2026-10-25T01:30:00Z"),
        // A whole day that begins at a repeated reading still ends where the next begins.
        ("02:30-02:30", "2026-10-24", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
    ];
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    for (window, date, opens, closes) in table {
        let opening = window.parse::<Window>().unwrap().opening(date.parse().unwrap(), &zone).unwrap();
        assert_eq!((opening.opens, opening.closes), (at(opens), at(closes)), "{window} {date}");
    }
}

#[test]
fn a_window_that_the_zone_skips_does_not_open_that_day() {
    let schedule = schedule(120, "02:00-03:00", "Europe/Berlin");
    let evening = at("2026-03-28T20:00:00Z");
    assert_eq!(schedule.next_run(None, evening), at("2026-03-30T00:00:00Z"));
}

#[test]
fn a_run_is_overdue_once_the_grace_after_its_start_is_over() {
    let grace = Duration::from_secs(600);
    let night = schedule(120, "23:00-05:00", "Europe/Berlin");
    let last = at("2026-11-20T03:59:00Z");
    let table = [
        // By day nothing is due.
        ("2026-11-20T12:00:00Z", None),
        ("2026-11-20T22:10:00Z", None),
        ("2026-11-20T22:10:01Z", Some("2026-11-20T22:00:00Z")),
        // A night without a run stays an alarm by day.
        ("2026-11-21T12:00:00Z", Some("2026-11-20T22:00:00Z")),
    ];
    for (now, since) in table {
        assert_eq!(night.overdue(last, at(now), grace), since.map(at), "{now}");
    }
}

#[test]
fn a_night_is_named_by_its_evening() {
    let night = schedule(120, "23:00-05:00", "Europe/Berlin");
    let opening = night.opening_containing(at("2026-11-21T02:00:00Z")).unwrap();
    assert_eq!(opening.title(), "the night of 2026-11-20");
    assert_eq!(night.opening_containing(at("2026-11-21T12:00:00Z")), None);
    let day = schedule(120, "", "Europe/Berlin").opening_containing(at("2026-11-20T23:30:00Z")).unwrap();
    assert_eq!(day.title(), "the day of 2026-11-21");
}

#[test]
fn what_ended_is_told_once_and_nights_that_were_missed_are_told_together() {
    let night = schedule(120, "23:00-05:00", "Europe/Berlin");
    let ended = |since, now| night.ended_between(at(since), at(now)).map(|(first, last)| first.title_through(&last));
    let closes = "2026-11-21T04:00:00Z";
    assert_eq!(ended("2026-11-20T12:00:00Z", "2026-11-21T03:59:59Z"), None);
    assert_eq!(ended("2026-11-20T12:00:00Z", closes).unwrap(), "the night of 2026-11-20");
    assert_eq!(ended(closes, "2026-11-21T12:00:00Z"), None);
    assert_eq!(ended("2026-09-01T12:00:00Z", closes).unwrap(), "the nights of 2026-09-01 to 2026-11-20");
}

#[test]
fn a_daily_hour_passes_once_a_day() {
    let daily = schedule(120, "", "Europe/Berlin");
    let seven = window::time_of_day("07:00").unwrap();
    let passed = |since, now| daily.passed_daily(seven, at(since), at(now));
    assert_eq!(passed("2026-11-20T12:00:00Z", "2026-11-21T05:59:59Z"), None);
    assert_eq!(passed("2026-11-20T12:00:00Z", "2026-11-21T06:00:00Z"), Some(at("2026-11-21T06:00:00Z")));
    assert_eq!(passed("2026-11-21T06:00:00Z", "2026-11-21T12:00:00Z"), None);
}

#[test]
fn what_is_no_window_is_refused() {
    for bad in ["", "23:00", "23-05", "23:00-25:00", "24:01-05:00", "9:00-10:00", "23:00-05:60", "-1:00-02:00"] {
        assert!(bad.parse::<Window>().is_err(), "{bad}");
    }
    assert_eq!("23:00 - 05:00".parse::<Window>().unwrap().to_string(), "23:00-05:00");
}

const ZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"];

prop_compose! {
    fn any_schedule()(zone in 0..ZONES.len(), start in 0..1440_u32, end in 0..1440_u32, every_s in 1..100_000_u64)
        -> Schedule {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        schedule(every_s, &format!("{}-{}", clock(start), clock(end)), ZONES[zone])
    }
}

proptest! {
    /// Around the years 2020 to 2030, in seconds.
    #[test]
    fn the_next_run_is_never_in_the_past_never_too_early_and_always_in_an_open_window(
        schedule in any_schedule(),
        now in 1_577_836_800..1_893_456_000_i64,
        last_ago in -1_000_000..1_000_000_i64,
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let last = now.checked_sub(SignedDuration::from_secs(last_ago)).unwrap();
        let next = schedule.next_run(Some(last), now);
        prop_assert!(next >= now);
        prop_assert!(schedule.is_of_a_wrong_clock(last, now) || next >= later(last.min(now), schedule.every));
        prop_assert!(schedule.opening_containing(next).is_some());
    }

    #[test]
    fn every_end_of_a_window_is_told_exactly_once_whenever_one_looks(
        schedule in any_schedule(),
        start in 1_577_836_800..1_893_456_000_i64,
        steps in proptest::collection::vec(1..400_000_i64, 1..20),
    ) {
        let mut since = Timestamp::from_second(start).unwrap();
        let mut told = since;
        for step in steps {
            let now = since.checked_add(SignedDuration::from_secs(step)).unwrap();
            if let Some((first, last)) = schedule.ended_between(told, now) {
                prop_assert!(first.closes > told && last.closes <= now && first.closes <= last.closes);
                // What was told last is not told again, and nothing that ended is left.
                prop_assert!(schedule.ended_between(last.closes, now).is_none());
                told = now;
            }
            since = now;
        }
    }
}
