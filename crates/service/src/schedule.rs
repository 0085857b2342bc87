//! When runs are due, and when a night is over: pure functions of instants.
//!
//! Nothing here reads a clock or waits. The time zone's rules are the only outside
//! knowledge, so that both nights of a change to and from summer time can be shown to be
//! right in a test.

mod wall;
mod window;

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

pub(crate) use self::window::time_of_day;
pub use self::window::{Opening, ParseWindowError, Window};

/// By how much the clocks of two hosts may differ before one of them is taken to be wrong.
pub const MAX_SKEW: Duration = Duration::from_secs(5 * 60);

/// How many openings a search for the next or the latest looks at, at most: a window that
/// falls into the hour which a time zone skips has none that day, never for two weeks.
const SEARCH_DAYS: i64 = 15;

/// When runs are to start.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// The time from one run's start to the next one's.
    pub every: Duration,
    /// When runs may start; always, where it is absent.
    pub between: Option<Window>,
    /// Whose days and nights these are.
    pub zone: TimeZone,
}

impl Schedule {
    /// When the next run is to start: `now` where one is due, else an instant after it.
    ///
    /// A last start that lies in the future by more than [`Schedule::is_of_a_wrong_clock`] allows counts as none: it
    /// was recorded while the clock was ahead, and waiting for that day would be silence. One that lies a little
    /// ahead, seen by another host, counts as one at `now`.
    #[must_use]
    pub fn next_run(&self, last_started: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let earliest = match last_started.filter(|last| !self.is_of_a_wrong_clock(*last, now)) {
            None => now,
            Some(last) => later(last.min(now), self.every).max(now),
        };
        self.opening_at_or_after(earliest)
    }

    /// Whether an instant that was recorded lies further in the future than two hosts' clocks may differ: by more than
    /// one interval, and by more than five minutes.
    #[must_use]
    pub fn is_of_a_wrong_clock(&self, recorded: Timestamp, now: Timestamp) -> bool {
        recorded > later(now, self.every.max(MAX_SKEW))
    }

    /// Since when a run has been overdue: the instant at which it was to start, where that
    /// is more than `grace` ago. `last_started` is the last run's start; where there never
    /// was one, or it lies in the future, the instant from which runs were expected.
    #[must_use]
    pub fn overdue(&self, last_started: Timestamp, now: Timestamp, grace: Duration) -> Option<Timestamp> {
        if last_started > now {
            return None;
        }
        let due = self.opening_at_or_after(later(last_started, self.every));
        (later(due, grace) < now).then_some(due)
    }

    /// The window's opening that contains `at`, if it is open then. Without a window, the
    /// calendar day.
    #[must_use]
    pub fn opening_containing(&self, at: Timestamp) -> Option<Opening> {
        self.openings_around(at).find(|opening| opening.contains(at))
    }

    /// The openings that ended after `since` and no later than `now`: the first and the
    /// last of them. Without a window, calendar days.
    #[must_use]
    pub fn ended_between(&self, since: Timestamp, now: Timestamp) -> Option<(Opening, Opening)> {
        let ended = |opening: &Opening| opening.closes > since && opening.closes <= now;
        let first = self.openings_around(since).find(ended)?;
        let last = self.openings_around(now).filter(ended).last().unwrap_or_else(|| first.clone());
        Some((first, last))
    }

    /// The latest instant, after `since` and no later than `now`, at which a clock in the
    /// schedule's zone came to show `at`.
    #[must_use]
    pub fn passed_daily(&self, at: civil::Time, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(self.zone.clone()).date();
        [today, today.yesterday().ok()?]
            .into_iter()
            .map(|date| wall::first_reading(&self.zone, date.to_datetime(at)))
            .find(|passed| *passed <= now)
            .filter(|passed| *passed > since)
    }

    fn opening_at_or_after(&self, at: Timestamp) -> Timestamp {
        if self.between.is_none() {
            return at;
        }
        self.openings_around(at).find(|opening| opening.closes > at).map_or(at, |opening| opening.opens.max(at))
    }

    /// The openings from two days before `at` to two weeks after it, in order.
    fn openings_around(&self, at: Timestamp) -> impl Iterator<Item = Opening> {
        let window = self.between.unwrap_or(Window::WHOLE_DAY);
        let today = at.to_zoned(self.zone.clone()).date();
        (-2..SEARCH_DAYS).filter_map(move |day| {
            let date = today.checked_add(jiff::Span::new().days(day)).ok()?;
            window.opening(date, &self.zone)
        })
    }
}

/// The instant `step` later; the calendar's end where that is beyond it.
fn later(at: Timestamp, step: Duration) -> Timestamp {
    SignedDuration::try_from(step).ok().and_then(|step| at.checked_add(step).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
