use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{MAX_ON_CALENDAR_CHARS, OnCalendar};

fn spec(text: &str) -> OnCalendar {
    OnCalendar::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn next(text: &str, after: &str) -> String {
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    spec(text).next_after(after.parse().unwrap(), &berlin).unwrap().to_string()
}

#[test]
fn skipped_times_are_left_out_and_repeated_ones_come_once() {
    assert_eq!(next("02:30", "2026-03-28T12:00:00Z"), "2026-03-30T00:30:00Z");
    assert_eq!(next("02:30", "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
    assert_eq!(next("*:0/30", "2026-10-25T00:30:00Z"), "2026-10-25T02:00:00Z");
}

#[test]
fn a_zone_in_the_expression_counts_before_the_hosts() {
    assert_eq!(next("mon 9:0 America/New_York", "2026-01-01T00:00:00Z"), "2026-01-05T14:00:00Z");
    assert_eq!(next("12:00 utc", "2026-01-01T00:00:00Z"), "2026-01-01T12:00:00Z");
}

#[test]
fn fractions_of_seconds_are_kept() {
    assert_eq!(next("12:0:5.25 UTC", "2026-01-01T00:00:00Z"), "2026-01-01T12:00:05.25Z");
    assert_eq!(next("*:*:0/0.5 UTC", "2026-01-01T00:00:00Z"), "2026-01-01T00:00:00.5Z");
}

#[test]
fn a_date_that_never_comes_is_found() {
    for never in ["*-02-30", "*-4-31", "2027-02-29", "Mon 2026-01-06"] {
        assert!(spec(never).never_happens(), "{never}");
    }
    for not in ["@5", "*-02-29", "2030-1-1"] {
        assert!(!spec(not).never_happens(), "{not}");
    }
}

#[test]
fn errors_name_the_part() {
    for (text, message) in [
        ("", "a calendar expression is empty"),
        ("24:00", "hour \"24\" cannot be read; allowed: 0-23, lists, ranges a..b and repetitions a/step"),
        ("*-*~31", "day from the end \"31\" cannot be read; allowed: 1-28, lists, ranges a..b and repetitions a/step"),
        ("12", "\"12\" is neither a date such as *-*-01 nor a time such as 07:30"),
        (
            "Mondays",
            "unknown word \"Mondays\"; expected weekdays (Mon..Fri,Sun) or one of minutely, hourly, daily, weekly, \
             monthly, quarterly, semiannually, yearly",
        ),
        ("1:0 Mars/Utopia", "unknown time zone \"Mars/Utopia\"; expected a name such as Europe/Berlin, or UTC"),
    ] {
        assert_eq!(OnCalendar::parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(OnCalendar::parse(&"1".repeat(MAX_ON_CALENDAR_CHARS + 1)).is_err());
}

#[test]
fn words_are_plain() {
    for (text, words) in [
        ("daily", "at 00:00 every day"),
        ("hourly", "at minute 0 of every hour"),
        ("minutely", "every minute"),
        ("weekly", "at 00:00 on Monday"),
        ("quarterly", "at 00:00 on the 1st of January, April, July and October"),
        ("Mon..Fri 07:30", "at 07:30 on weekdays"),
        ("Sat,Sun 22:00", "at 22:00 on weekends"),
        ("*:0/15", "every 15 minutes"),
        ("0/2:30", "at minute 30 of every 2nd hour from 00:00"),
        ("8..18:0/15", "every 15 minutes of hour 8 to 18 every day"),
        ("*-*~1 18:00", "at 18:00 on the last day of every month"),
        ("Fri *-*~7/1 10:00", "at 10:00 on each of the last 7 days of every month, Friday only"),
        ("*-1..6/2~2,5 1:0", "at 01:00 on the 2nd and 5th last day of January to May in steps of 2"),
        ("*:*:*", "every second of every minute"),
        ("2026-5-1 6:0 UTC", "at 06:00 on the 1st of May, only in 2026 (UTC)"),
        ("*-02-30", "at 00:00 on the 30th of February, a date that never comes"),
    ] {
        assert_eq!(spec(text).words(), words, "{text}");
    }
}

#[test]
fn schedules_that_read_the_same_are_the_same() {
    let mut rng = fastrand::Rng::with_seed(6);
    let mut seen = std::collections::HashMap::new();
    for _ in 0..20_000 {
        let mut component = |low: u32, high: u32| match rng.u32(0..6) {
            0..=1 => "*".to_owned(),
            2 => format!("{low}/{}", rng.u32(1..=high / 2)),
            3 => format!("{}..{}", low, rng.u32(low + 1..=high)),
            4 => format!("{low}..{high}/{}", rng.u32(1..=high / 2)),
            _ => rng.u32(low..=high).to_string(),
        };
        let (month, day, hour) = (component(1, 12), component(1, 28), component(0, 23));
        let (minute, second) = (component(0, 59), component(0, 59));
        let weekdays = ["", "Mon..Fri ", "Sat "][rng.usize(0..3)];
        let (sign, zone) = (["-", "~"][rng.usize(0..2)], ["", " UTC", " Asia/Tokyo"][rng.usize(0..3)]);
        let text = format!("{weekdays}*-{month}{sign}{day} {hour}:{minute}:{second}{zone}");
        let Ok(spec) = OnCalendar::parse(&text) else { continue };
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let times: Vec<_> = spec.between(start, Timestamp::MAX, &berlin).take(4).collect();
        if let Some((other, before)) = seen.insert(spec.words(), (text.clone(), times.clone())) {
            assert_eq!(before, times, "{text} and {other}: {}", spec.words());
        }
    }
    assert!(seen.len() > 8_000, "{}", seen.len());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}|[0-9*/~,.:@a-z -]{0,30}") {
        if let Ok(spec) = OnCalendar::parse(&text) {
            let _ = (spec.words(), spec.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC));
        }
    }

    #[test]
    fn the_previous_and_the_next_are_neighbours(
        text in "(Mon,Wed )?\\*-([1-9]|\\*)[-~]([1-7]|[12][0-8]|[1-7]/2|\\*) ([0-9]|\\*|2):([0-5][0-9]|0/7)(:[0-9])?",
        second in 0..Timestamp::MAX.as_second(),
    ) {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        if let Ok(spec) = OnCalendar::parse(&text) {
            let at = Timestamp::from_second(second).unwrap();
            let (next, last) = (spec.next_after(at, &berlin), spec.at_or_before(at, &berlin));
            prop_assert!(next.is_none_or(|next| next > at) && last.is_none_or(|last| last <= at));
            if let (Some(next), Some(last)) = (next, last) {
                prop_assert_eq!(spec.next_after(last, &berlin), Some(next));
                prop_assert_eq!(spec.previous_before(next, &berlin), Some(last));
            }
        }
    }
}
