//! Calendar expressions of systemd (systemd.time(7), "Calendar Events"; calendarspec.c).

mod chain;
mod parse;
mod say;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use self::chain::Chain;
pub use self::parse::{MAX_ON_CALENDAR_CHARS, OnCalendarError};
use crate::search::{Occurrences, at_or_before};
use crate::wall::{ClockChange, Wall};

/// One `OnCalendar=` expression: weekdays, date, time and zone, each with lists, ranges and repetitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCalendar {
    text: String,
    /// Bit 0 is Monday.
    weekdays: u8,
    year: Chain,
    month: Chain,
    day: Chain,
    /// `~`: days count from the end of the month, whose last day is 1.
    from_end: bool,
    hour: Chain,
    minute: Chain,
    /// In microseconds.
    second: Chain,
    zone: Option<TimeZone>,
}

const WHOLE_WEEK: u8 = 0x7f;
const MICROSECONDS: i64 = 1_000_000;
const MAX_YEAR: i16 = 2199;

impl OnCalendar {
    /// Reads an expression. A zone is looked up in the time zone database by its name.
    ///
    /// # Errors
    ///
    /// [`OnCalendarError`], which names the part and its text.
    pub fn parse(text: &str) -> Result<Self, OnCalendarError> {
        parse::parse(text)
    }

    /// The zone that the expression names itself.
    #[must_use]
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// Whether no time will ever match, as of `*-02-30`; a date in the past is not one of these.
    #[must_use]
    pub fn never_happens(&self) -> bool {
        let start = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        self.next_match(start).is_none()
    }

    /// The first time after an instant, in the expression's own zone, else in `zone`. `None`: not before 2200.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.step(&mut self.wall(zone), after)
    }

    /// The last time at or before an instant.
    #[must_use]
    pub fn at_or_before(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut wall = self.wall(zone);
        at_or_before(at, |after| self.step(&mut wall, after))
    }

    /// The last time before an instant.
    #[must_use]
    pub fn previous_before(&self, before: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.at_or_before(before.checked_sub(1.nanosecond()).ok()?, zone)
    }

    /// The times after `after`, up to and with `until`, in order.
    pub fn between<'a>(
        &'a self,
        after: Timestamp,
        until: Timestamp,
        zone: &'a TimeZone,
    ) -> impl Iterator<Item = Timestamp> + 'a {
        let mut wall = self.wall(zone);
        Occurrences { next_after: move |after| self.step(&mut wall, after), after, until }
    }

    /// The schedule in plain English: `at 07:30 on weekdays`.
    #[must_use]
    pub fn words(&self) -> String {
        say::words(self)
    }

    fn wall<'a>(&'a self, zone: &'a TimeZone) -> Wall<'a> {
        Wall::new(self.zone.as_ref().unwrap_or(zone), ClockChange::FirstOnly)
    }

    fn step(&self, wall: &mut Wall<'_>, after: Timestamp) -> Option<Timestamp> {
        wall.next_after(after, |from| self.next_match(from))
    }

    /// The first match at or after a wall-clock time, to the microsecond.
    fn next_match(&self, from: DateTime) -> Option<DateTime> {
        let rest = i64::from(from.subsec_nanosecond() % 1_000);
        let from = if rest == 0 { from } else { from.checked_add((1_000 - rest).nanoseconds()).ok()? };
        let mut date = self.next_date(from.date())?;
        if date == from.date() {
            if let Some(found) = self.next_time(date, from) {
                return Some(found);
            }
            date = self.next_date(date.tomorrow().ok()?)?;
        }
        self.next_time(date, date.at(0, 0, 0, 0))
    }

    fn next_date(&self, from: Date) -> Option<Date> {
        let mut date = from;
        while date.year() <= MAX_YEAR {
            let year = self.year.next(i64::from(date.year()))?;
            let year = i16::try_from(year).ok().filter(|year| *year <= MAX_YEAR)?;
            if year != date.year() {
                date = Date::new(year, 1, 1).ok()?;
            }
            let Some(month) = self.month.next(i64::from(date.month())).filter(|month| *month <= 12) else {
                date = Date::new(date.year() + 1, 1, 1).ok()?;
                continue;
            };
            let month = i8::try_from(month).expect("a month is at most 12");
            if month != date.month() {
                date = Date::new(date.year(), month, 1).ok()?;
            }
            if let Some(found) = self.next_day(date) {
                return Some(found);
            }
            date = date.last_of_month().tomorrow().ok()?;
        }
        None
    }

    /// The first day that matches, from `from` to the end of its month.
    fn next_day(&self, from: Date) -> Option<Date> {
        let mut least = i64::from(from.day());
        let last = i64::from(from.days_in_month());
        loop {
            let day = if self.from_end { self.day.next_from_end(least, last)? } else { self.day.next(least)? };
            if day > last {
                return None;
            }
            let date = Date::new(from.year(), from.month(), i8::try_from(day).ok()?).ok()?;
            if self.weekdays >> date.weekday().to_monday_zero_offset() & 1 == 1 {
                return Some(date);
            }
            least = day + 1;
        }
    }

    fn next_time(&self, date: Date, from: DateTime) -> Option<DateTime> {
        let second = i64::from(from.second()) * MICROSECONDS + i64::from(from.subsec_nanosecond() / 1_000);
        let mut least = (i64::from(from.hour()), i64::from(from.minute()), second);
        loop {
            let hour = self.hour.next(least.0).filter(|hour| *hour < 24)?;
            if hour != least.0 {
                least = (hour, 0, 0);
            }
            let Some(minute) = self.minute.next(least.1).filter(|minute| *minute < 60) else {
                least = (hour + 1, 0, 0);
                continue;
            };
            if minute != least.1 {
                least = (hour, minute, 0);
            }
            let Some(second) = self.second.next(least.2).filter(|second| *second < 60 * MICROSECONDS) else {
                least = (hour, minute + 1, 0);
                continue;
            };
            let (whole, fraction) = (second / MICROSECONDS, second % MICROSECONDS * 1_000);
            let small = |number: i64| i8::try_from(number).expect("a time's part is below 60");
            let fraction = i32::try_from(fraction).expect("a fraction is below a second");
            return Some(date.at(small(hour), small(minute), small(whole), fraction));
        }
    }
}

impl FromStr for OnCalendar {
    type Err = OnCalendarError;

    fn from_str(text: &str) -> Result<Self, OnCalendarError> {
        Self::parse(text)
    }
}

/// The expression as it was written, with single blanks.
impl fmt::Display for OnCalendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
