//! When a job's runs are due.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use strongroom_calendar::Cron;
use strongroom_model::event::JobSchedule;
use strongroom_model::text::printable;

use super::{Schedule, later};

/// How much of a bad value errors show.
const MAX_SHOWN_CHARS: usize = 60;

/// When a job's runs are due.
#[derive(Debug, Clone)]
pub enum JobTiming {
    /// Only when somebody asks.
    ByRequest,
    /// At the times that a cron expression names.
    Cron {
        /// The expression.
        cron: Box<Cron>,
        /// Its zone.
        zone: TimeZone,
    },
    /// At intervals, within windows.
    Every(Schedule),
}

impl JobTiming {
    /// Reads a schedule.
    ///
    /// # Errors
    /// In words: what it is that cannot be read, or that it never happens.
    pub fn of(schedule: &JobSchedule) -> Result<Self, String> {
        let shown = |text: &str| printable(text, MAX_SHOWN_CHARS);
        let zone = TimeZone::get(&schedule.zone)
            .map_err(|_| format!("{:?} is not a time zone of the IANA database", shown(&schedule.zone)))?;
        if let Some(text) = &schedule.cron {
            let cron = Cron::parse(text).map_err(|error| format!("cron = {:?}: {error}", shown(text)))?;
            if cron.is_reboot() {
                return Err("cron = \"@reboot\": a job has no start of the host; write when it is due".to_owned());
            }
            if cron.never_happens() {
                return Err(format!("cron = {:?}: no day is like that, so the job would never be done", shown(text)));
            }
            // What is random is settled once, so that every process finds the same times.
            return Ok(Self::Cron { cron: Box::new(cron.settled(|low, _| low)), zone });
        }
        let Some(every_s) = schedule.every_s else { return Ok(Self::ByRequest) };
        let between = schedule.between.as_deref().map(str::parse).transpose()?;
        let day = |number: &u8| {
            let number = i8::try_from(*number).ok()?;
            civil::Weekday::from_monday_one_offset(number).ok()
        };
        let days = schedule.days.iter().map(day).collect::<Option<Vec<_>>>();
        let days = days.ok_or_else(|| "days: a day is a number from 1, Monday, to 7".to_owned())?;
        Ok(Self::Every(Schedule { every: Duration::from_secs(every_s), between, days, zone }))
    }

    /// When the run was due that should have been requested by `now`; `None`: none. `last`: when the last one was
    /// requested; `defined`: since when the job is defined. However many were missed, one is due.
    #[must_use]
    pub fn due(&self, last: Option<Timestamp>, defined: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::ByRequest => None,
            Self::Cron { cron, zone } => {
                let since = sane(last, now).unwrap_or(defined);
                cron.at_or_before(now, zone).filter(|due| *due > since)
            }
            Self::Every(schedule) => Some(schedule.next_run(last, now)).filter(|next| *next <= now),
        }
    }

    /// When the next run is due; `now` or earlier if it is due already.
    #[must_use]
    pub fn next(&self, last: Option<Timestamp>, defined: Timestamp, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::ByRequest => None,
            Self::Cron { cron, zone } => self.due(last, defined, now).or_else(|| cron.next_after(now, zone)),
            Self::Every(schedule) => Some(schedule.next_run(last, now)),
        }
    }

    /// Since when a run should have been requested, and was not within `grace`.
    #[must_use]
    pub fn overdue(
        &self,
        last: Option<Timestamp>,
        defined: Timestamp,
        now: Timestamp,
        grace: Duration,
    ) -> Option<Timestamp> {
        let since = sane(last, now).unwrap_or(defined);
        match self {
            Self::ByRequest => None,
            Self::Cron { cron, zone } => cron.next_after(since, zone).filter(|due| later(*due, grace) < now),
            Self::Every(schedule) => schedule.overdue(since, now, grace),
        }
    }
}

/// A time that a wrong clock recorded is no reason to wait for it.
fn sane(last: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let most = now.checked_add(SignedDuration::try_from(super::MAX_SKEW).ok()?).ok()?;
    last.filter(|last| *last <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> JobSchedule {
        JobSchedule { zone: "Europe/Berlin".to_owned(), ..JobSchedule::default() }
    }

    fn cron(text: &str) -> JobTiming {
        JobTiming::of(&JobSchedule { cron: Some(text.to_owned()), ..berlin() }).unwrap()
    }

    const DEFINED: &str = "2026-11-20T12:00:00Z";
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn however_many_runs_were_missed_one_is_due() {
        let nightly = cron("0 22 * * *");
        let due = |last: Option<&str>, now| nightly.due(last.map(at), at(DEFINED), at(now));
        assert_eq!(due(None, "2026-11-20T20:59:59Z"), None, "not before the first time after it was defined");
        assert_eq!(due(None, "2026-11-20T21:00:00Z"), Some(at("2026-11-20T21:00:00Z")));
        assert_eq!(due(None, "2026-11-23T08:00:00Z"), Some(at("2026-11-22T21:00:00Z")));
        assert_eq!(due(Some("2026-11-22T21:00:05Z"), "2026-11-23T08:00:00Z"), None);
        assert_eq!(due(Some("2030-01-01T00:00:00Z"), "2026-11-23T08:00:00Z"), Some(at("2026-11-22T21:00:00Z")));
    }

    #[test]
    fn r8_a_run_that_nobody_requested_is_overdue_since_it_was_due() {
        let nightly = cron("0 22 * * *");
        let overdue = |last: Option<&str>, now| nightly.overdue(last.map(at), at(DEFINED), at(now), HOUR);
        assert_eq!(overdue(None, "2026-11-20T22:00:00Z"), None, "within the grace");
        assert_eq!(overdue(None, "2026-11-20T22:00:01Z"), Some(at("2026-11-20T21:00:00Z")));
        assert_eq!(overdue(None, "2026-11-25T00:00:00Z"), Some(at("2026-11-20T21:00:00Z")), "the first of all missed");
        assert_eq!(overdue(Some("2026-11-24T21:00:09Z"), "2026-11-25T00:00:00Z"), None);
    }

    #[test]
    fn an_interval_waits_for_its_window_and_its_day() {
        let weekdays = JobSchedule {
            every_s: Some(86_400),
            between: Some("22:00-05:00".to_owned()),
            days: vec![1, 2, 3, 4, 5],
            ..berlin()
        };
        let weekdays = JobTiming::of(&weekdays).unwrap();
        let friday_night = Some(at("2026-11-20T21:00:00Z"));
        let next = weekdays.next(friday_night, at(DEFINED), at("2026-11-21T08:00:00Z"));
        assert_eq!(next, Some(at("2026-11-23T21:00:00Z")), "Saturday and Sunday have no window");
        let early = weekdays.next(Some(at("2026-11-19T20:00:00Z")), at(DEFINED), at("2026-11-21T01:00:00Z"));
        assert_eq!(early, Some(at("2026-11-21T01:00:00Z")), "Friday's night lasts until Saturday morning");
    }

    #[test]
    fn a_job_without_a_schedule_is_never_due_nor_overdue() {
        let timing = JobTiming::of(&berlin()).unwrap();
        let now = at("2027-11-20T12:00:00Z");
        assert_eq!(timing.due(None, at(DEFINED), now), None);
        assert_eq!(timing.next(None, at(DEFINED), now), None);
        assert_eq!(timing.overdue(None, at(DEFINED), now, HOUR), None);
    }

    #[test]
    fn a_schedule_that_cannot_be_or_never_happens_is_refused_in_words() {
        let error = |change: fn(&mut JobSchedule)| {
            let mut schedule = berlin();
            change(&mut schedule);
            JobTiming::of(&schedule).unwrap_err()
        };
        let messages = [
            error(|schedule| schedule.cron = Some("0 22 30 2 *".to_owned())),
            error(|schedule| schedule.cron = Some("0 25 * * *".to_owned())),
            error(|schedule| schedule.cron = Some("@reboot".to_owned())),
            error(|schedule| schedule.zone = "Europe/Berln".to_owned()),
            error(|schedule| (schedule.every_s, schedule.days) = (Some(60), vec![9])),
            error(|schedule| (schedule.every_s, schedule.between) = (Some(60), Some("22-5".to_owned()))),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }
}
