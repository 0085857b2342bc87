//! From text to an expression.

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use super::chain::{Chain, Item};
use super::{MICROSECONDS, OnCalendar, WHOLE_WEEK};

/// The longest expression that is read, in characters.
pub const MAX_ON_CALENDAR_CHARS: usize = 1_000;
/// How many alternatives a component may have (`CALENDARSPEC_COMPONENTS_MAX`).
const MAX_ALTERNATIVES: usize = 240;

/// What is wrong with a calendar expression of systemd. Texts of others are shown as Rust strings: escaped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnCalendarError {
    /// Nothing in it.
    #[error("a calendar expression is empty")]
    Empty,
    /// Longer than [`MAX_ON_CALENDAR_CHARS`].
    #[error("a calendar expression has at most 1000 characters")]
    TooLong,
    /// Neither a weekday nor a word such as `daily`.
    #[error(
        "unknown word {0:?}; expected weekdays (Mon..Fri,Sun) or one of minutely, hourly, daily, weekly, monthly, \
             quarterly, semiannually, yearly"
    )]
    Word(String),
    /// A zone that the database does not have.
    #[error("unknown time zone {0:?}; expected a name such as Europe/Berlin, or UTC")]
    Zone(String),
    /// A part with too many or too few components.
    #[error("{0:?} is neither a date such as *-*-01 nor a time such as 07:30")]
    Shape(String),
    /// A component that cannot be read or is out of range.
    #[error("{part} {value:?} cannot be read; allowed: {allowed}, lists, ranges a..b and repetitions a/step")]
    Component {
        /// Which.
        part: &'static str,
        /// Its text.
        value: String,
        /// What a number in it may be.
        allowed: &'static str,
    },
}

struct Kind {
    part: &'static str,
    low: i64,
    high: i64,
    allowed: &'static str,
}

const YEAR: Kind = Kind { part: "year", low: 1970, high: 2199, allowed: "1970-2199" };
const MONTH: Kind = Kind { part: "month", low: 1, high: 12, allowed: "1-12" };
const DAY: Kind = Kind { part: "day", low: 1, high: 31, allowed: "1-31" };
const DAY_FROM_END: Kind = Kind { part: "day from the end", low: 1, high: 28, allowed: "1-28" };
const HOUR: Kind = Kind { part: "hour", low: 0, high: 23, allowed: "0-23" };
const MINUTE: Kind = Kind { part: "minute", low: 0, high: 59, allowed: "0-59" };
const SECOND: Kind = Kind { part: "second", low: 0, high: 60 * MICROSECONDS - 1, allowed: "0-59.999999" };

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

pub(super) fn parse(text: &str) -> Result<OnCalendar, OnCalendarError> {
    if text.chars().count() > MAX_ON_CALENDAR_CHARS {
        return Err(OnCalendarError::TooLong);
    }
    let mut tokens: Vec<_> = text.split(' ').filter(|token| !token.is_empty()).collect();
    let whole = tokens.join(" ");
    let mut spec = blank(whole);
    if let Some(zone) = tokens.pop_if(|last| spec.text.contains(' ') && starts_with_letter(last)) {
        spec.zone = Some(zone_of(zone)?);
    }
    let mut rest = &tokens[..];
    match rest {
        [] => return Err(OnCalendarError::Empty),
        [word] if starts_with_letter(word) && shorthand(word).is_some() => {
            let meaning = shorthand(word).expect("it was just found");
            return parse(meaning).map(|found| OnCalendar { text: spec.text, zone: spec.zone, ..found });
        }
        [instant] if instant.starts_with('@') => return of_instant(instant, spec),
        [weekdays, others @ ..] if starts_with_letter(weekdays) => {
            spec.weekdays = parse_weekdays(weekdays)?;
            rest = others;
        }
        _ => {}
    }
    let (date, time) = match *rest {
        [] => (None, None),
        [time] if time.contains(':') => (None, Some(time)),
        [date] => (Some(date), None),
        [date, time] => (Some(date), Some(time)),
        _ => return Err(OnCalendarError::Shape(rest.join(" "))),
    };
    if let Some(date) = date {
        parse_date(date, &mut spec)?;
    }
    match time {
        Some(time) => parse_time(time, &mut spec)?,
        None => {
            let midnight = || Chain(vec![Item::number(0)]);
            (spec.hour, spec.minute, spec.second) = (midnight(), midnight(), midnight());
        }
    }
    Ok(spec)
}

fn blank(text: String) -> OnCalendar {
    let any = Chain::default;
    OnCalendar {
        text,
        weekdays: WHOLE_WEEK,
        year: any(),
        month: any(),
        day: any(),
        from_end: false,
        hour: any(),
        minute: any(),
        second: any(),
        zone: None,
    }
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn zone_of(name: &str) -> Result<TimeZone, OnCalendarError> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| OnCalendarError::Zone(name.to_owned()))
}

fn shorthand(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "minutely" => "*-*-* *:*:00",
        "hourly" => "*-*-* *:00:00",
        "daily" => "*-*-* 00:00:00",
        "monthly" => "*-*-01 00:00:00",
        "weekly" => "Mon *-*-* 00:00:00",
        "yearly" | "annually" | "anually" => "*-01-01 00:00:00",
        "quarterly" => "*-01,04,07,10-01 00:00:00",
        "biannually" | "bi-annually" | "semiannually" | "semi-annually" => "*-01,07-01 00:00:00",
        _ => return None,
    })
}

/// `@SECONDS`: one instant, in UTC.
fn of_instant(text: &str, spec: OnCalendar) -> Result<OnCalendar, OnCalendarError> {
    let bad = || OnCalendarError::Shape(text.to_owned());
    let seconds: u32 = text[1..].parse().map_err(|_| bad())?;
    let at: civil::DateTime =
        Timestamp::from_second(seconds.into()).map_err(|_| bad())?.to_zoned(TimeZone::UTC).datetime();
    let only = |number: i64| Chain(vec![Item::number(number)]);
    Ok(OnCalendar {
        year: only(at.year().into()),
        month: only(at.month().into()),
        day: only(at.day().into()),
        hour: only(at.hour().into()),
        minute: only(at.minute().into()),
        second: only(i64::from(at.second()) * MICROSECONDS),
        zone: Some(TimeZone::UTC),
        ..spec
    })
}

fn parse_weekdays(text: &str) -> Result<u8, OnCalendarError> {
    let unknown = || OnCalendarError::Word(text.to_owned());
    let day = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let found = WEEKDAYS.iter().position(|day| *day == lower || day[..3] == *lower);
        found.ok_or_else(unknown)
    };
    let mut bits = 0;
    // One comma at the end is allowed.
    for part in text.strip_suffix(',').unwrap_or(text).split(',') {
        let (first, last) = match part.split_once("..").or_else(|| part.split_once('-')) {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(part)?, day(part)?),
        };
        if first > last {
            return Err(unknown());
        }
        (first..=last).for_each(|day| bits |= 1 << day);
    }
    Ok(bits)
}

/// `year-month-day`, `month-day` or `*-day`; with `~` before the day.
fn parse_date(text: &str, spec: &mut OnCalendar) -> Result<(), OnCalendarError> {
    let shape = || OnCalendarError::Shape(text.to_owned());
    let (before, day, from_end) = match text.split_once('~') {
        Some((before, day)) => (before, day, true),
        None => text.rsplit_once('-').map(|(before, day)| (before, day, false)).ok_or_else(shape)?,
    };
    let (year, month) = match before.split_once('-') {
        Some((year, month)) => (Some(year), month),
        None => (None, before),
    };
    if month.contains('-') || day.contains(['-', '~']) {
        return Err(shape());
    }
    spec.from_end = from_end;
    if let Some(year) = year {
        spec.year = component(year, &YEAR)?;
    }
    spec.month = component(month, &MONTH)?;
    spec.day = component(day, if from_end { &DAY_FROM_END } else { &DAY })?;
    Ok(())
}

/// `hour:minute` or `hour:minute:second`.
fn parse_time(text: &str, spec: &mut OnCalendar) -> Result<(), OnCalendarError> {
    let parts: Vec<_> = text.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] => (hour, minute, "0"),
        [hour, minute, second] => (hour, minute, second),
        _ => return Err(OnCalendarError::Shape(text.to_owned())),
    };
    spec.hour = component(hour, &HOUR)?;
    spec.minute = component(minute, &MINUTE)?;
    spec.second = component(second, &SECOND)?;
    if spec.second.is_any() {
        spec.second = Chain(vec![Item { start: 0, stop: None, step: Some(MICROSECONDS) }]);
    }
    Ok(())
}

fn component(text: &str, kind: &Kind) -> Result<Chain, OnCalendarError> {
    if text == "*" {
        return Ok(Chain::default());
    }
    let bad = || OnCalendarError::Component { part: kind.part, value: text.to_owned(), allowed: kind.allowed };
    let items = text.split(',').take(MAX_ALTERNATIVES + 1).map(|part| item(part, kind).ok_or_else(bad));
    let mut items = items.collect::<Result<Vec<_>, _>>()?;
    if items.len() > MAX_ALTERNATIVES {
        return Err(bad());
    }
    items.sort_by_key(|item| (item.start, item.stop, item.step));
    items.dedup();
    Ok(Chain(items))
}

fn item(text: &str, kind: &Kind) -> Option<Item> {
    let one = if kind.high >= MICROSECONDS { MICROSECONDS } else { 1 };
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(number(step, one)?)),
        None => (text, None),
    };
    let (start, stop) = match range.split_once("..") {
        Some((start, stop)) => (number(start, one)?, Some(number(stop, one)?)),
        None => (number(range, one)?, None),
    };
    let year = |number: i64| match number {
        0..70 if kind.low == YEAR.low => number + 2000,
        70..100 if kind.low == YEAR.low => number + 1900,
        _ => number,
    };
    let (start, stop) = (year(start), stop.map(year));
    let step = step.or_else(|| stop.map(|_| one));
    let within = |number: i64| (kind.low..=kind.high).contains(&number);
    if !within(start) || step == Some(0) {
        return None;
    }
    match (stop, step) {
        (Some(stop), Some(step)) => {
            // The end is a number that the repetition meets: days from the end of a month are counted from it.
            let last = stop - (stop - start) % step;
            let range =
                if last == start { Item::number(start) } else { Item { start, stop: Some(last), step: Some(step) } };
            (stop >= start && within(stop)).then_some(range)
        }
        // A repetition without an end has room for at least one step (valid_chain).
        (_, Some(step)) => {
            let next = if kind.part == DAY_FROM_END.part { start - step } else { start + step };
            within(next).then_some(Item { start, stop: None, step: Some(step) })
        }
        _ => Some(Item::number(start)),
    }
}

/// A number of seconds may have up to six decimals, which are counted as `one` says.
fn number(text: &str, one: i64) -> Option<i64> {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if one > 1 => (whole, decimals),
        Some(_) => return None,
        None => (text, "0"),
    };
    let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 9) || !digits(decimals, 6) {
        return None;
    }
    let micros: i64 = format!("{decimals:0<6}").parse().ok()?;
    Some(whole.parse::<i64>().ok()? * one + if one > 1 { micros } else { 0 })
}
