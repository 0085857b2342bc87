use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::wall;
use strongroom_model::text::printable;

/// When runs may start: from one time of day until before another. An end not after the start is on the next day:
/// `23:00-05:00` is a night, `00:00-00:00` a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    start: Time,
    end: Time,
}

impl Window {
    /// From midnight to midnight.
    pub(crate) const WHOLE_DAY: Self = Self { start: Time::midnight(), end: Time::midnight() };

    /// Whether it goes past midnight.
    pub(crate) fn crosses_midnight(self) -> bool {
        self.end <= self.start && self.end != Time::midnight()
    }

    /// The opening that begins on `date`. A skipped time counts as the end of the gap; a repeated one opens the first
    /// time and closes the last time. `None` if the window is skipped.
    pub fn opening(self, date: Date, zone: &TimeZone) -> Option<Opening> {
        let tomorrow = date.tomorrow().ok()?;
        let last_day = if self.end <= self.start { tomorrow } else { date };
        let opens = wall::first_reading(zone, date.to_datetime(self.start));
        let closes = wall::last_reading(zone, last_day.to_datetime(self.end));
        // A whole-day window with a repeated end must not overlap the next.
        let next_opens = wall::first_reading(zone, tomorrow.to_datetime(self.start));
        let closes = closes.min(next_opens);
        (opens < closes).then_some(Opening { window: self, date, opens, closes })
    }
}

/// One opening of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    window: Window,
    /// The date on which it opens.
    pub date: Date,
    /// The first instant in it.
    pub opens: Timestamp,
    /// The first instant after it.
    pub closes: Timestamp,
}

impl Opening {
    /// Whether it contains that instant.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.opens <= at && at < self.closes
    }

    /// Its name for people: `the night of 2026-11-20`, by its evening.
    pub fn title(&self) -> String {
        format!("the {} of {}", self.noun(), self.date)
    }

    /// The name of all openings to `last`.
    pub fn title_through(&self, last: &Self) -> String {
        if self.date == last.date {
            return self.title();
        }
        format!("the {}s of {} to {}", self.noun(), self.date, last.date)
    }

    fn noun(&self) -> &'static str {
        if self.window.crosses_midnight() { "night" } else { "day" }
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start.strftime("%H:%M"), self.end.strftime("%H:%M"))
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shown = printable(text, 40);
        let error = || format!("{shown:?} is not a window: write it from start to end, such as \"23:00-05:00\"");
        let (start, end) = text.split_once('-').ok_or_else(error)?;
        Ok(Self {
            start: time_of_day(start.trim()).ok_or_else(error)?,
            end: time_of_day(end.trim()).ok_or_else(error)?,
        })
    }
}

/// `HH:MM`; `24:00` is midnight.
pub(crate) fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let number = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten().filter(|n| *n >= 0);
    match (number(hour)?, number(minute)?) {
        (24, 0) => Some(Time::midnight()),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}
