//! What is due: a summary, an alarm about a run. Pure.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_model::text::shown_to_the_minute;
use strongroom_service::Schedule;
use strongroom_service::config::{ClockTime, SummaryMode};

const A_DAY: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The title of the summary that is due, if one is.
///
/// It waits for the last run's bookings (`settled`), but no longer than `grace`: one slow file must not keep a
/// night's mail from leaving. `since` is when the last one was composed.
pub(crate) fn summary(
    mode: SummaryMode,
    at: ClockTime,
    schedule: &Schedule,
    since: Timestamp,
    now: Timestamp,
    settled: bool,
    grace: Duration,
) -> Option<String> {
    // Recorded while the clock was ahead: no summary would be due before that day.
    let since = if schedule.is_of_a_wrong_clock(since, now) { now.checked_sub(A_DAY).unwrap_or(now) } else { since };
    let (title, due) = match mode {
        // Composed when a run ends.
        SummaryMode::Run => return None,
        SummaryMode::Window => {
            let (first, last) = schedule.ended_between(since, now)?;
            (first.title_through(&last), last.closes)
        }
        SummaryMode::Daily => {
            let passed = schedule.passed_daily(at.0, since, now)?;
            let day = shown_to_the_minute(passed, &schedule.zone);
            (format!("the day up to {day}"), passed)
        }
    };
    let waited = Duration::try_from(now.duration_since(due)).unwrap_or_default();
    (settled || waited >= grace).then_some(title)
}

pub(crate) fn run_title(schedule: &Schedule, now: Timestamp) -> String {
    format!("the run of {}", shown_to_the_minute(now, &schedule.zone))
}

/// What is wrong with the runs, if something is.
///
/// `last` is when the last run was requested; `moved`, when the log last grew. A run that takes long but makes
/// progress is not overdue.
pub(crate) fn overdue(
    schedule: &Schedule,
    last: Timestamp,
    moved: Timestamp,
    now: Timestamp,
    grace: Duration,
) -> Option<String> {
    // Requested while the clock was ahead: this says nothing of the next one.
    let last = if schedule.is_of_a_wrong_clock(last, now) { moved.min(now) } else { last };
    let due = schedule.overdue(last, now, grace)?;
    let still = Duration::try_from(now.duration_since(moved)).unwrap_or_default();
    if still < grace {
        return None;
    }
    let local = |time: Timestamp| shown_to_the_minute(time, &schedule.zone);
    Some(format!("a run was due at {}, but none has begun since {}", local(due), local(last)))
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    const GRACE: Duration = Duration::from_secs(15 * 60);

    fn nightly() -> Schedule {
        Schedule {
            every: Duration::from_secs(120),
            between: Some("23:00-05:00".parse().unwrap()),
            days: Vec::new(),
            zone: TimeZone::UTC,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn due(mode: SummaryMode, since: &str, now: &str, settled: bool) -> Option<String> {
        let hour = "07:00".parse().unwrap();
        summary(mode, hour, &nightly(), at(since), at(now), settled, GRACE)
    }

    #[test]
    fn a_nights_summary_is_due_once_the_night_is_over_and_its_work_done() {
        let since = "2026-11-20T12:00:00Z";
        assert_eq!(due(SummaryMode::Window, since, "2026-11-21T04:59:59Z", true), None);
        let night = Some("the night of 2026-11-20".to_owned());
        assert_eq!(due(SummaryMode::Window, since, "2026-11-21T05:00:00Z", true), night);
        assert_eq!(due(SummaryMode::Window, since, "2026-11-21T05:00:00Z", false), None);
        assert_eq!(due(SummaryMode::Window, since, "2026-11-21T05:15:00Z", false), night, "it does not wait for ever");
        assert_eq!(due(SummaryMode::Window, "2026-11-21T05:00:01Z", "2026-11-21T12:00:00Z", true), None);
    }

    #[test]
    fn r7_nights_that_nobody_was_up_for_are_one_summary() {
        let title = due(SummaryMode::Window, "2026-11-18T12:00:00Z", "2026-11-21T12:00:00Z", true).unwrap();
        assert_eq!(title, "the nights of 2026-11-18 to 2026-11-20");
    }

    #[test]
    fn a_daily_summary_is_due_at_its_hour() {
        let since = "2026-11-20T07:00:01Z";
        assert_eq!(due(SummaryMode::Daily, since, "2026-11-21T06:59:00Z", true), None);
        let title = due(SummaryMode::Daily, since, "2026-11-21T07:00:00Z", true).unwrap();
        assert_eq!(title, "the day up to 2026-11-21 07:00 UTC");
    }

    #[test]
    fn r8_a_run_that_did_not_happen_is_an_alarm() {
        let last = at("2026-11-20T04:58:00Z");
        let check = |moved: &str, now: &str| overdue(&nightly(), last, at(moved), at(now), GRACE);
        assert_eq!(check("2026-11-20T04:58:00Z", "2026-11-20T12:00:00Z"), None, "nothing is due by day");
        assert_eq!(check("2026-11-20T04:58:00Z", "2026-11-20T23:15:00Z"), None, "the grace is not over");
        let told = check("2026-11-20T04:58:00Z", "2026-11-20T23:15:01Z").unwrap();
        assert_eq!(told, "a run was due at 2026-11-20 23:00 UTC, but none has begun since 2026-11-20 04:58 UTC");
    }

    #[test]
    fn r8_a_clock_that_was_a_year_ahead_silences_neither_summaries_nor_the_alarm() {
        let ahead = "2027-11-20T23:00:00Z";
        let title = due(SummaryMode::Window, ahead, "2026-11-21T05:00:00Z", true).unwrap();
        assert_eq!(title, "the night of 2026-11-20");
        assert!(due(SummaryMode::Daily, ahead, "2026-11-21T07:30:00Z", true).is_some());
        let check = |now: &str| overdue(&nightly(), at(ahead), at("2026-11-20T23:30:00Z"), at(now), GRACE);
        assert_eq!(check("2026-11-20T23:40:00Z"), None);
        assert!(check("2026-11-21T00:30:00Z").is_some(), "none has begun since it was looked at");
    }

    #[test]
    fn a_run_that_takes_long_but_goes_on_is_no_alarm() {
        let last = at("2026-11-20T23:00:00Z");
        let now = at("2026-11-21T01:00:00Z");
        assert_eq!(overdue(&nightly(), last, at("2026-11-21T00:59:00Z"), now, GRACE), None);
        assert!(overdue(&nightly(), last, at("2026-11-21T00:30:00Z"), now, GRACE).is_some());
    }
}
