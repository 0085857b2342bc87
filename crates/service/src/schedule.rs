//! When runs are due and nights end: pure functions of instants and a time zone.

mod job;
mod wall;
mod window;

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

pub use self::job::JobTiming;
pub(crate) use self::window::Opening;
pub use self::window::Window;
pub(crate) use self::window::time_of_day;

/// How much two hosts' clocks may differ before one counts as wrong.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// A window in an hour that the zone skips has no opening that day, but never for two weeks.
const SEARCH_DAYS: i64 = 15;

/// When runs start.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The time between two starts.
    pub every: Duration,
    /// When runs may start; `None` for always.
    pub between: Option<Window>,
    /// The days of the week on which windows open; empty: all.
    pub days: Vec<civil::Weekday>,
    /// The zone of days and nights.
    pub zone: TimeZone,
}

impl Schedule {
    /// When the next run starts: `now` if it is due.
    ///
    /// A last start beyond [`Schedule::is_of_a_wrong_clock`] is ignored: it was recorded while the clock was ahead,
    /// and no run would start until then. One slightly ahead, from another host, counts as `now`.
    pub fn next_run(&self, last_started: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let earliest = match last_started.filter(|last| !self.is_of_a_wrong_clock(*last, now)) {
            None => now,
            Some(last) => later(last.min(now), self.every).max(now),
        };
        self.opening_at_or_after(earliest)
    }

    /// Whether a recorded instant is more than an interval and [`MAX_SKEW`] ahead.
    pub fn is_of_a_wrong_clock(&self, recorded: Timestamp, now: Timestamp) -> bool {
        recorded > later(now, self.every.max(MAX_SKEW))
    }

    /// Since when a run is overdue by more than `grace`. `last_started`: the last start or, if there is none or it is
    /// ahead, when runs were first expected.
    pub fn overdue(&self, last_started: Timestamp, now: Timestamp, grace: Duration) -> Option<Timestamp> {
        if last_started > now {
            return None;
        }
        let due = self.opening_at_or_after(later(last_started, self.every));
        (later(due, grace) < now).then_some(due)
    }

    /// The opening that contains `at`; without a window, the calendar day.
    #[cfg(test)]
    pub(crate) fn opening_containing(&self, at: Timestamp) -> Option<Opening> {
        self.openings_around(at).find(|opening| opening.contains(at))
    }

    /// The first and last opening (or day) that ended after `since` and by `now`.
    pub fn ended_between(&self, since: Timestamp, now: Timestamp) -> Option<(Opening, Opening)> {
        let ended = |opening: &Opening| opening.closes > since && opening.closes <= now;
        let first = self.openings_around(since).find(ended)?;
        let last = self.openings_around(now).filter(ended).last().unwrap_or_else(|| first.clone());
        Some((first, last))
    }

    /// The last instant after `since` and by `now` at which clocks reached `at`.
    pub fn passed_daily(&self, at: civil::Time, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        [today, today.yesterday().ok()?]
            .into_iter()
            .map(|date| wall::first_reading(&self.zone, date.to_datetime(at)))
            .find(|passed| *passed <= now)
            .filter(|passed| *passed > since)
    }

    fn opening_at_or_after(&self, at: Timestamp) -> Timestamp {
        if self.between.is_none() && self.days.is_empty() {
            return at;
        }
        self.openings_around(at).find(|opening| opening.closes > at).map_or(at, |opening| opening.opens.max(at))
    }

    fn openings_around(&self, at: Timestamp) -> impl Iterator<Item = Opening> {
        let window = self.between.unwrap_or(Window::WHOLE_DAY);
        let today = at.to_zoned(self.zone.clone()).date();
        (-2..SEARCH_DAYS).filter_map(move |day| {
            let date = today.checked_add(jiff::Span::new().days(day)).ok()?;
            let is_open = self.days.is_empty() || self.days.contains(&date.weekday());
            window.opening(date, &self.zone).filter(|_| is_open)
        })
    }
}

fn later(at: Timestamp, step: Duration) -> Timestamp {
    SignedDuration::try_from(step).ok().and_then(|step| at.checked_add(step).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
