use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::{Cron, MAX_CRON_CHARS};

fn cron(text: &str) -> Cron {
    Cron::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").unwrap()
}

/// The next times in Berlin, as its wall clock and offset show them.
fn shown(cron: &Cron, after: &str, count: usize) -> Vec<String> {
    let zone = berlin();
    let mut at: Timestamp = after.parse().unwrap();
    let mut shown = Vec::new();
    for _ in 0..count {
        at = cron.next_after(at, &zone).unwrap();
        shown.push(at.to_zoned(zone.clone()).strftime("%m-%d %H:%M %:z").to_string());
    }
    shown
}

#[test]
fn a_time_is_strictly_after_the_instant_and_a_previous_one_strictly_before() {
    let (daily, zone) = (cron("30 2 * * *"), TimeZone::UTC);
    let at: Timestamp = "2026-05-01T02:30:00Z".parse().unwrap();
    assert_eq!(daily.next_after(at, &zone), Some("2026-05-02T02:30:00Z".parse().unwrap()));
    assert_eq!(daily.at_or_before(at, &zone), Some(at));
    assert_eq!(daily.previous_before(at, &zone), Some("2026-04-30T02:30:00Z".parse().unwrap()));
    let few: Vec<_> = daily.between(at, "2026-05-04T02:30:00Z".parse().unwrap(), &zone).collect();
    assert_eq!(few.len(), 3, "the first is left out, the last is not: {few:?}");
}

#[test]
fn days_are_either_unless_one_field_begins_with_a_star() {
    assert_eq!(
        shown(&cron("30 4 1,15 * 5"), "2026-05-01T00:00:00Z", 4),
        ["05-01 04:30 +02:00", "05-08 04:30 +02:00", "05-15 04:30 +02:00", "05-22 04:30 +02:00"]
    );
    // `*/2` begins with one: odd days that are Mondays.
    assert_eq!(
        shown(&cron("0 0 */2 * 1"), "2026-05-01T00:00:00Z", 3),
        ["05-11 00:00 +02:00", "05-25 00:00 +02:00", "06-01 00:00 +02:00"]
    );
}

#[test]
fn a_job_at_a_fixed_time_runs_once_when_the_clock_changes() {
    let night = cron("30 2 * * *");
    assert_eq!(shown(&night, "2026-03-28T12:00:00Z", 2), ["03-29 03:00 +02:00", "03-30 02:30 +02:00"]);
    assert_eq!(shown(&night, "2026-10-24T12:00:00Z", 2), ["10-25 02:30 +02:00", "10-26 02:30 +01:00"]);
    // From within the repeated hour, too.
    assert_eq!(shown(&night, "2026-10-25T01:10:00Z", 1), ["10-26 02:30 +01:00"]);
}

#[test]
fn a_job_with_a_star_follows_the_clock() {
    let half_hourly = cron("*/30 * * * *");
    assert_eq!(
        shown(&half_hourly, "2026-03-29T00:00:00Z", 3),
        ["03-29 01:30 +01:00", "03-29 03:00 +02:00", "03-29 03:30 +02:00"]
    );
    assert_eq!(
        shown(&half_hourly, "2026-10-25T00:00:00Z", 4),
        ["10-25 02:30 +02:00", "10-25 02:00 +01:00", "10-25 02:30 +01:00", "10-25 03:00 +01:00"]
    );
}

#[test]
fn below_a_zone_of_its_own_a_skipped_time_never_matches_and_a_repeated_one_does_twice() {
    let night = cron("30 2 * * *").in_other_zone();
    assert_eq!(shown(&night, "2026-03-28T12:00:00Z", 1), ["03-30 02:30 +02:00"]);
    assert_eq!(shown(&night, "2026-10-24T12:00:00Z", 2), ["10-25 02:30 +02:00", "10-25 02:30 +01:00"]);
}

#[test]
fn a_clock_may_change_by_half_an_hour() {
    let zone = TimeZone::get("Australia/Lord_Howe").unwrap();
    let next = |text: &str, after: &str| cron(text).next_after(after.parse().unwrap(), &zone).unwrap().to_string();
    // 02:00 becomes 02:30 on 4 October 2026, at 15:30 UTC of the day before.
    assert_eq!(next("15 2 * * *", "2026-10-03T12:00:00Z"), "2026-10-03T15:30:00Z");
    assert_eq!(next("*/15 2 * * *", "2026-10-03T12:00:00Z"), "2026-10-03T15:30:00Z");
    assert_eq!(next("*/15 * * * *", "2026-10-03T15:15:00Z"), "2026-10-03T15:30:00Z");
    // 02:00 becomes 01:30 on 5 April, at 15:00 UTC.
    assert_eq!(next("45 1 * * *", "2026-04-04T14:45:00Z"), "2026-04-05T15:15:00Z");
    assert_eq!(next("*/45 1 * * *", "2026-04-04T14:45:00Z"), "2026-04-04T15:15:00Z");
}

#[test]
fn names_sundays_steps_words_and_random_ranges_are_read() {
    for (one, other) in [
        ("0 0 * jan mon-fri", "0 0 * 1 1-5"),
        ("0 0 * * 7", "0 0 * * SUN"),
        ("\t0   0 * *  0 ", "0 0 * * 7"),
        ("@weekly", "0 0 * * 0"),
        ("@annually", "0 0 1 1 *"),
        ("@midnight", "@daily"),
        ("1-10/3 * * * *", "1,4,7,10 * * * *"),
    ] {
        let start = "2026-05-01T00:00:00Z";
        assert_eq!(shown(&cron(one), start, 5), shown(&cron(other), start, 5), "{one}, {other}");
    }
    let random = cron("~ 1~3 * * *");
    assert!(random.is_random());
    assert_eq!(shown(&random, "2026-05-01T00:00:00Z", 1), ["05-01 03:59 +02:00"]);
    let settled = random.settled(|low, _| low);
    assert!(!settled.is_random());
    assert_eq!(shown(&settled, "2026-05-01T00:00:00Z", 1), ["05-02 01:00 +02:00"]);
}

#[test]
fn reboot_has_no_next_time_and_is_not_never() {
    let reboot = cron("@reboot");
    assert!(reboot.is_reboot() && !reboot.never_happens());
    assert_eq!(reboot.next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
}

#[test]
fn a_date_that_never_comes_is_found_and_a_rare_one_is_not() {
    for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31 4 */2"] {
        assert!(cron(never).never_happens(), "{never}");
        assert_eq!(cron(never).next_after(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }
    assert!(!cron("0 0 30 2 1").never_happens(), "Mondays in February");
    let rare = cron("0 0 29 2 */7");
    let at = rare.next_after("2096-03-01T00:00:00Z".parse().unwrap(), &TimeZone::UTC).unwrap();
    assert_eq!(at.to_string(), "2128-02-29T00:00:00Z");
    assert_eq!(rare.at_or_before(at, &TimeZone::UTC), Some(at));
}

#[test]
fn errors_name_the_field_its_text_and_what_it_may_hold() {
    for (text, message) in [
        ("61 * * * *", "minute \"61\": a number is out of range; allowed: 0-59"),
        ("0 1,x * * *", "hour \"1,x\": this is neither a number, nor a name, nor `*`; allowed: 0-23"),
        ("0 0 0 * *", "day of month \"0\": a number is out of range; allowed: 1-31"),
        ("0 0 * 1, *", "month \"1,\": a number is missing; allowed: 1-12 or jan-dec"),
        (
            "0 0 * * fri-sun",
            "day of week \"fri-sun\": the range runs backwards; write it as two, separated by a comma; \
             allowed: 0-7 (0 and 7 are Sunday) or sun-sat",
        ),
        ("5/10 * * * *", "minute \"5/10\": a step needs a range or `*` before it, as in 5-59/10; allowed: 0-59"),
        ("*/0 * * * *", "minute \"*/0\": the step is zero; allowed: 0-59"),
        ("*/+5 * * * *", "minute \"*/+5\": the step is not a number; allowed: 0-59"),
        (
            "0 0 * *",
            "a cron expression has five fields (minute, hour, day of month, month, day of week) or is a word such as \
             @daily; this one has 4",
        ),
        (
            "@nightly",
            "unknown word \"@nightly\"; expected @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or \
             @reboot",
        ),
    ] {
        assert_eq!(Cron::parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert!(Cron::parse(&"1".repeat(MAX_CRON_CHARS + 1)).is_err());
}

#[test]
fn words_are_plain() {
    for (text, words) in [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/5 8-17 * * 1-5", "every 5 minutes of the hours from 08:00 to 17:00 on weekdays"),
        ("17 * * * *", "at minute 17 of every hour"),
        ("0 */2 * * *", "at minute 0 of every 2nd hour from 00:00 every day"),
        ("30 2 * * *", "at 02:30 every day"),
        ("0 6,18 * * *", "at 06:00 and 18:00 every day"),
        ("30 7 * * 1-5", "at 07:30 on weekdays"),
        ("0 22 * * sat,sun", "at 22:00 on weekends"),
        ("0 6 1,15 * *", "at 06:00 on the 1st and 15th of every month"),
        ("0 6 1 3,9 *", "at 06:00 on the 1st of March and September"),
        ("30 4 1,15 * 5", "at 04:30 on the 1st and 15th of every month, and also on Friday"),
        (
            "0 0 */2 * 1",
            "at 00:00 on the 1st, 3rd, 5th, 7th, 9th, 11th, 13th, 15th, 17th, 19th, 21st, 23rd, 25th, \
         27th, 29th and 31st of every month if that day is Monday",
        ),
        ("@yearly", "at 00:00 on the 1st of January"),
        ("@reboot", "when the computer starts"),
        ("~ 3 * * *", "at 03:59 every day, minute chosen by cron from 0 to 59, here the last"),
        ("0 0 30 2 *", "at 00:00 on the 30th of February, a date that never comes"),
    ] {
        assert_eq!(cron(text).words(), words, "{text}");
    }
}

#[test]
fn schedules_that_read_the_same_are_the_same() {
    let mut rng = fastrand::Rng::with_seed(5);
    let mut seen = std::collections::HashMap::new();
    for _ in 0..20_000 {
        let mut field = |low: u32, high: u32| match rng.u32(0..6) {
            0..=2 => "*".to_owned(),
            3 => format!("*/{}", rng.u32(1..high)),
            4 => format!("{},{}", rng.u32(low..=high), rng.u32(low..=high)),
            _ => rng.u32(low..=high).to_string(),
        };
        let text = format!("{} {} {} {} {}", field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
        let cron = cron(&text);
        let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let times: Vec<_> = cron.between(start, Timestamp::MAX, &TimeZone::UTC).take(4).collect();
        if let Some((other, before)) = seen.insert(cron.words(), (text.clone(), times.clone())) {
            assert_eq!(before, times, "{text} and {other}: {}", cron.words());
        }
    }
    assert!(seen.len() > 10_000, "{}", seen.len());
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = Cron::parse(&text);
    }

    #[test]
    fn no_expression_panics_at_any_instant(
        text in "([0-9*/~,@a-z-]{1,6} ){4}[0-9*/~,a-z-]{1,6}|[0-5*] [0-2*] [1-3*] [1-9*] [0-7*]",
        second in Timestamp::MIN.as_second()..Timestamp::MAX.as_second(),
    ) {
        if let Ok(cron) = Cron::parse(&text) {
            let at = Timestamp::from_second(second).unwrap();
            let next = cron.next_after(at, &berlin());
            prop_assert!(next.is_none_or(|next| next > at));
            let last = cron.at_or_before(at, &berlin());
            prop_assert!(last.is_none_or(|last| last <= at));
            if let (Some(next), Some(last)) = (next, last) {
                prop_assert_eq!(cron.next_after(last, &berlin()), Some(next));
                prop_assert_eq!(cron.previous_before(next, &berlin()), Some(last));
            }
            prop_assert!(!cron.words().is_empty());
        }
    }
}
