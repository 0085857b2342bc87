//! Points in time as task definitions write them.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A boundary of a trigger, or the date of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moment {
    /// Without an offset: the host's wall clock.
    Local(DateTime),
    /// With one: a fixed instant, whatever the host's zone does.
    Fixed(DateTime, Offset),
    /// What cannot be read, as it was written.
    Unreadable(String),
}

impl Moment {
    /// Reads `2018-01-01T23:00:00`, with a fraction and with `Z` or `+01:00`, or without.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::read(text.trim()).unwrap_or_else(|| Self::Unreadable(text.to_owned()))
    }

    fn read(text: &str) -> Option<Self> {
        let is_date = text.is_ascii() && text.len() >= 10 && text.as_bytes()[4] == b'-';
        if !is_date || text.contains('[') {
            return None;
        }
        if let Some(civil) = text.strip_suffix(['Z', 'z']) {
            return Some(Self::Fixed(civil.parse().ok()?, Offset::UTC));
        }
        match text.get(10..).and_then(|time| time.rfind(['+', '-'])) {
            Some(sign) => {
                let (civil, offset) = text.split_at(10 + sign);
                let (hours, minutes) = offset[1..].split_once(':')?;
                let number = |text: &str| (text.len() == 2).then(|| text.parse::<u8>().ok()).flatten();
                let seconds = i32::from(number(hours)?) * 3_600 + i32::from(number(minutes)?) * 60;
                let seconds = if offset.starts_with('-') { -seconds } else { seconds };
                Some(Self::Fixed(civil.parse().ok()?, Offset::from_seconds(seconds).ok()?))
            }
            None => Some(Self::Local(text.parse().ok()?)),
        }
    }

    /// The wall clock that was written.
    #[must_use]
    pub fn civil(&self) -> Option<DateTime> {
        match self {
            Self::Local(civil) | Self::Fixed(civil, _) => Some(*civil),
            Self::Unreadable(_) => None,
        }
    }

    /// The zone that its wall clock runs in.
    #[must_use]
    pub fn zone(&self, host: &TimeZone) -> TimeZone {
        match self {
            Self::Fixed(_, offset) => TimeZone::fixed(*offset),
            Self::Local(_) | Self::Unreadable(_) => host.clone(),
        }
    }

    /// The instant on a host of that zone.
    #[must_use]
    pub fn instant(&self, host: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Local(civil) => instant(*civil, host),
            Self::Fixed(civil, offset) => offset.to_timestamp(*civil).ok(),
            Self::Unreadable(_) => None,
        }
    }
}

/// When a wall clock shows that time: a skipped time is the first that exists after it (ITrigger, "daylight saving time"),
/// of a repeated one it is the first.
pub(crate) fn instant(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => {
            // With the offset before the gap the time lies after the change by less than the gap is long.
            let later = ambiguous.later().ok()?;
            zone.preceding(later.checked_add(SignedDuration::from_nanos(1)).ok()?)
                .next()
                .map(|change| change.timestamp())
        }
        _ => ambiguous.earlier().ok(),
    }
}

/// As people read it: `2027-01-01 23:00`, with `UTC+08:00` where it is fixed.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(civil) => f.write_str(&shown(*civil)),
            Self::Fixed(civil, offset) => write!(f, "{} {}", shown(*civil), fixed_zone(*offset)),
            Self::Unreadable(text) => write!(f, "{:?} (not a date)", strongroom_model::text::printable(text, 40)),
        }
    }
}

/// `UTC+08:00`.
pub(crate) fn fixed_zone(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60);
    if seconds == 0 { "UTC".to_owned() } else { format!("UTC{sign}{hours:02}:{minutes:02}") }
}

fn shown(civil: DateTime) -> String {
    format!("{} {}", civil.date(), time_of_day(civil))
}

/// `23:00`, `23:00:05`.
pub(crate) fn time_of_day(civil: DateTime) -> String {
    let seconds = if civil.second() == 0 { String::new() } else { format!(":{:02}", civil.second()) };
    format!("{:02}:{:02}{seconds}", civil.hour(), civil.minute())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_read_and_shown() {
        for (text, shown) in [
            ("2018-01-01T23:00:00", "2018-01-01 23:00"),
            ("2010-09-30T14:53:37.9516706", "2010-09-30 14:53:37"),
            ("2024-01-07T02:00:00+08:00", "2024-01-07 02:00 UTC+08:00"),
            ("2024-01-07T02:00:00-03:30", "2024-01-07 02:00 UTC-03:30"),
            ("2024-01-07T02:00:00Z", "2024-01-07 02:00 UTC"),
            ("2023-02-30T02:00:00", "\"2023-02-30T02:00:00\" (not a date)"),
            ("gestern", "\"gestern\" (not a date)"),
        ] {
            assert_eq!(Moment::parse(text).to_string(), shown);
        }
    }

    #[test]
    fn a_skipped_time_is_the_first_that_exists_and_a_repeated_one_the_first_of_both() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| Moment::parse(text).instant(&berlin).unwrap().to_string();
        assert_eq!(at("2026-03-29T02:30:00"), "2026-03-29T01:00:00Z");
        assert_eq!(at("2026-10-25T02:30:00"), "2026-10-25T00:30:00Z");
        assert_eq!(at("2026-03-29T02:30:00+01:00"), "2026-03-29T01:30:00Z");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|[0-9T:+Z.-]{8,30}") {
            let _ = Moment::parse(&text).instant(&TimeZone::UTC);
        }
    }
}
