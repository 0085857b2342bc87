//! The dates of a calendar trigger.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::moment::instant;
use crate::task::{Days, Months, Schedule, Weekdays, Weeks};

/// How far a date is looked for, in days: 29 February may be eight years away.
const MAX_SEARCH_DAYS: i32 = 3_000;

/// Dates from a first one on, at one time of day.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    first: Date,
    time: Time,
    zone: TimeZone,
    rule: Rule,
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Days(i32),
    Weeks(i32, Weekdays),
    Months(Days, Months),
    MonthWeekdays(Weeks, Weekdays, Months),
}

impl Dates {
    pub(super) fn new(schedule: &Schedule, start: DateTime, zone: TimeZone) -> Option<Self> {
        let every = |number: u32| i32::try_from(number.clamp(1, 10_000)).ok();
        let rule = match schedule {
            Schedule::Daily(days) => Rule::Days(every(*days)?),
            Schedule::Weekly(weeks, days) => Rule::Weeks(every(*weeks)?, *days),
            Schedule::Monthly(days, months) => Rule::Months(*days, *months),
            Schedule::MonthlyWeekday(weeks, days, months) => Rule::MonthWeekdays(*weeks, *days, *months),
            _ => return None,
        };
        Some(Self { first: start.date(), time: start.time(), zone, rule })
    }

    /// Whether no date ever comes: the 30th of February, no weekday.
    pub(super) fn is_empty(&self) -> bool {
        self.date_from(self.first).is_none()
    }

    pub(super) fn after(&self, at: Timestamp) -> Option<Timestamp> {
        let mut date = self.date_from(self.zone.to_datetime(at).date().max(self.first))?;
        loop {
            let found = instant(date.to_datetime(self.time), &self.zone)?;
            if found > at {
                return Some(found);
            }
            date = self.date_from(date.tomorrow().ok()?)?;
        }
    }

    pub(super) fn at_or_before(&self, at: Timestamp) -> Option<Timestamp> {
        let mut date = self.date_until(self.zone.to_datetime(at).date())?;
        loop {
            let found = instant(date.to_datetime(self.time), &self.zone)?;
            if found <= at {
                return Some(found);
            }
            date = self.date_until(date.yesterday().ok()?)?;
        }
    }

    /// Which day a week begins with is documented nowhere. It makes a difference for every second week, say, where a
    /// Sunday is among the days or is the first day.
    pub(super) fn is_off_by_a_week(&self) -> bool {
        let sunday = self.first.weekday() == jiff::civil::Weekday::Sunday;
        matches!(self.rule, Rule::Weeks(2.., days) if days.has(0) || sunday)
    }

    /// The first date at or after one that is not before the first.
    fn date_from(&self, from: Date) -> Option<Date> {
        if let Rule::Days(every) = self.rule {
            let passed = days_between(self.first, from);
            return from.checked_add(((every - passed % every) % every).days()).ok();
        }
        self.search(from, 1)
    }

    /// The last date at or before one.
    fn date_until(&self, until: Date) -> Option<Date> {
        if until < self.first {
            return None;
        }
        if let Rule::Days(every) = self.rule {
            return until.checked_sub((days_between(self.first, until) % every).days()).ok();
        }
        self.search(until, -1).filter(|found| *found >= self.first)
    }

    fn search(&self, from: Date, step: i32) -> Option<Date> {
        let most = match self.rule {
            Rule::Weeks(weeks, _) => weeks.saturating_mul(7) + 7,
            _ => MAX_SEARCH_DAYS,
        };
        let mut date = from;
        for _ in 0..most {
            if date < self.first {
                return None;
            }
            if self.matches(date) {
                return Some(date);
            }
            date = if step > 0 { date.tomorrow().ok()? } else { date.yesterday().ok()? };
        }
        None
    }

    fn matches(&self, date: Date) -> bool {
        let weekday = || date.weekday().to_sunday_zero_offset().cast_unsigned();
        let month = |months: Months| months.has(date.month().cast_unsigned());
        match self.rule {
            Rule::Days(_) => true,
            Rule::Weeks(every, days) => {
                let from_sunday = i32::from(self.first.weekday().to_sunday_zero_offset());
                days.has(weekday()) && (days_between(self.first, date) + from_sunday) / 7 % every == 0
            }
            Rule::Months(days, months) => {
                let last = days.last && date.day() == date.days_in_month();
                month(months) && (last || days.bits >> date.day() & 1 == 1)
            }
            Rule::MonthWeekdays(weeks, days, months) => {
                let week = (date.day() - 1) / 7 + 1;
                let last = weeks.last && date.day() + 7 > date.days_in_month();
                days.has(weekday()) && month(months) && (last || week <= 4 && weeks.bits >> week & 1 == 1)
            }
        }
    }
}

fn days_between(first: Date, second: Date) -> i32 {
    let days = second.duration_since(first).as_hours() / 24;
    i32::try_from(days).expect("all dates lie within 20,000 years")
}
