//! cron expressions, with the semantics of cronie (crontab.5, cron.8, entry.c, cron.c).

mod error;
mod field;
mod say;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

pub use self::error::{CronError, FieldProblem};
use self::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};
use crate::search::{Occurrences, at_or_before};
use crate::wall::{ClockChange, MAX_SEARCH_YEARS, Wall};

/// The longest expression that is read, in characters: cronie's own limit for a whole line is 1,000.
pub const MAX_CRON_CHARS: usize = 1_000;

/// Five fields (minute, hour, day of month, month, day of week) or a word such as `@daily`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cron {
    text: String,
    /// `None`: `@reboot`, which names no time.
    grid: Option<Grid>,
    literal: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Grid {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Cron {
    /// Reads an expression. Fields are separated by blanks; names are read in either case.
    ///
    /// # Errors
    ///
    /// [`CronError`], which names the field, its text and what it may hold.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        if text.chars().count() > MAX_CRON_CHARS {
            return Err(CronError::TooLong);
        }
        let fields: Vec<_> = text.split([' ', '\t']).filter(|field| !field.is_empty()).collect();
        let grid = match fields[..] {
            [word] if word.starts_with('@') => Grid::of_word(word)?,
            [minute, hour, day, month, weekday] => Some(Grid {
                minute: Field::parse(minute, &MINUTE)?,
                hour: Field::parse(hour, &HOUR)?,
                day: Field::parse(day, &DAY)?,
                month: Field::parse(month, &MONTH)?,
                weekday: Field::parse(weekday, &WEEKDAY)?,
            }),
            _ => return Err(CronError::FieldCount(fields.len())),
        };
        Ok(Self { text: fields.join(" "), grid, literal: false })
    }

    /// As below a line `CRON_TZ=` in a crontab: skipped times never match and repeated ones match twice, for every
    /// job ("there will be jobs missed or run twice during the DST change in the job timezone", cron.c).
    #[must_use]
    pub fn in_other_zone(mut self) -> Self {
        self.literal = true;
        self
    }

    /// What a change of the clock means: jobs with `*` in the minute or hour follow the clock, jobs at fixed times
    /// run once (cron.8, "Daylight Saving Time and other time changes").
    #[must_use]
    pub fn clock_change(&self) -> ClockChange {
        let follows_clock = self.grid.as_ref().is_none_or(|grid| grid.minute.star || grid.hour.star);
        if self.literal || follows_clock { ClockChange::Literal } else { ClockChange::Once }
    }

    /// Whether it is `@reboot`: it runs when the daemon starts, and has no next time.
    #[must_use]
    pub fn is_reboot(&self) -> bool {
        self.grid.is_none()
    }

    /// Whether a field has a `~`: cron takes one number of the range each time it reads the table. Until it is
    /// [`Cron::settled`], the greatest counts.
    #[must_use]
    pub fn is_random(&self) -> bool {
        self.grid.as_ref().is_some_and(|grid| grid.fields().iter().any(|field| field.random.is_some()))
    }

    /// With each `~` replaced by the number that `choose(low, high)` takes, bounds included.
    #[must_use]
    pub fn settled(mut self, mut choose: impl FnMut(u32, u32) -> u32) -> Self {
        if let Some(grid) = &mut self.grid {
            for field in [&mut grid.minute, &mut grid.hour, &mut grid.day, &mut grid.month, &mut grid.weekday] {
                *field = field.settled(&mut choose);
            }
        }
        self
    }

    /// Whether no date will ever match, as of `0 0 30 2 *`. `@reboot` is not one of these.
    #[must_use]
    pub fn never_happens(&self) -> bool {
        self.grid.as_ref().is_some_and(Grid::never_happens)
    }

    /// The first time after an instant. `None`: `@reboot`, never, or not within 50 years.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.step(&mut Wall::new(zone, self.clock_change()), after)
    }

    /// The last time at or before an instant.
    #[must_use]
    pub fn at_or_before(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut wall = Wall::new(zone, self.clock_change());
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
        let mut wall = Wall::new(zone, self.clock_change());
        Occurrences { next_after: move |after| self.step(&mut wall, after), after, until }
    }

    /// The schedule in plain English, without its zone: `at 02:30 on weekdays`.
    #[must_use]
    pub fn words(&self) -> String {
        self.grid.as_ref().map_or_else(|| "when the computer starts".to_owned(), say::grid)
    }

    fn step(&self, wall: &mut Wall<'_>, after: Timestamp) -> Option<Timestamp> {
        let grid = self.grid.as_ref().filter(|grid| !grid.never_happens())?;
        wall.next_after(after, |from| grid.next_match(from))
    }
}

impl FromStr for Cron {
    type Err = CronError;

    fn from_str(text: &str) -> Result<Self, CronError> {
        Self::parse(text)
    }
}

/// The expression as it was written, with single blanks.
impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Grid {
    fn of_word(word: &str) -> Result<Option<Self>, CronError> {
        let zero = Field::of(1, false);
        let first = Field::of(2, false);
        let (minute, any_hour) = (zero, Field::of(HOUR.all(), true));
        let (any_day, any_month, any_weekday) =
            (Field::of(DAY.all(), true), Field::of(MONTH.all(), true), Field::of(WEEKDAY.all(), true));
        let (hour, day, month, weekday) = match word {
            "@reboot" => return Ok(None),
            "@yearly" | "@annually" => (zero, first, first, any_weekday),
            "@monthly" => (zero, first, any_month, any_weekday),
            "@weekly" => (zero, any_day, any_month, zero),
            "@daily" | "@midnight" => (zero, any_day, any_month, any_weekday),
            "@hourly" => (any_hour, any_day, any_month, any_weekday),
            _ => return Err(CronError::Word(word.to_owned())),
        };
        Ok(Some(Self { minute, hour, day, month, weekday }))
    }

    fn fields(&self) -> [Field; 5] {
        [self.minute, self.hour, self.day, self.month, self.weekday]
    }

    /// If either day field begins with `*`, both must match; otherwise one is enough.
    fn both_days(&self) -> bool {
        self.day.star || self.weekday.star
    }

    /// With Sunday as 0 only.
    fn weekdays(&self) -> u64 {
        let bits = self.weekday.effective();
        (bits | bits >> 7) & 0x7f
    }

    fn never_happens(&self) -> bool {
        let first = self.day.effective().trailing_zeros();
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let months = self.month.effective();
        self.both_days() && (1..=12).filter(|month| months >> month & 1 == 1).all(|month| longest(month) < first)
    }

    fn matches_day(&self, date: Date) -> bool {
        let day = self.day.effective() >> date.day() & 1 == 1;
        let weekday = self.weekdays() >> date.weekday().to_sunday_zero_offset() & 1 == 1;
        if self.both_days() { day && weekday } else { day || weekday }
    }

    /// The first match at or after a wall-clock time.
    fn next_match(&self, from: DateTime) -> Option<DateTime> {
        let on_minute = from.second() == 0 && from.subsec_nanosecond() == 0;
        let from = if on_minute { from } else { from.checked_add(1.minute()).ok()? };
        let mut date = self.next_day(from.date())?;
        if date == from.date() {
            if let Some((hour, minute)) = self.next_time(from.hour(), from.minute()) {
                return Some(date.at(hour, minute, 0, 0));
            }
            date = self.next_day(date.tomorrow().ok()?)?;
        }
        let (hour, minute) = self.next_time(0, 0)?;
        Some(date.at(hour, minute, 0, 0))
    }

    fn next_time(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let (hours, minutes) = (self.hour.effective(), self.minute.effective());
        if hours >> hour & 1 == 1
            && let Some(minute) = at_or_above(minutes, minute)
        {
            return Some((hour, minute));
        }
        Some((at_or_above(hours, hour + 1)?, at_or_above(minutes, 0)?))
    }

    fn next_day(&self, from: Date) -> Option<Date> {
        let last = from.checked_add(MAX_SEARCH_YEARS.years()).unwrap_or(Date::MAX);
        let months = self.month.effective();
        let mut date = from;
        while date <= last {
            if months >> date.month() & 1 == 0 {
                date = date.last_of_month().tomorrow().ok()?;
            } else if self.matches_day(date) {
                return Some(date);
            } else {
                date = date.tomorrow().ok()?;
            }
        }
        None
    }
}

fn at_or_above(bits: u64, least: i8) -> Option<i8> {
    let rest = bits.checked_shr(u32::try_from(least).ok()?)? << least;
    (rest != 0).then(|| i8::try_from(rest.trailing_zeros()).expect("a bit's number is below 64"))
}
