use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use strongroom_model::text::printable;

/// A length of time, written `500ms`, `30s`, `2m`, `1h30m` or `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^([0-9]+(ms|s|m|h|d))+$"))]
pub struct Period(Duration);

/// The largest first, in milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Period {
    /// The length of time.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text.trim()).map(Self).ok_or_else(|| {
            let shown = printable(text, super::MAX_SHOWN_CHARS);
            format!("{shown:?} is not a length of time: write a number and ms, s, m, h or d, such as \"30s\", \"2m\" or \"1h30m\"")
        })
    }
}

fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total_ms: u64 = 0;
    while !rest.is_empty() || total_ms == 0 && rest.len() == text.len() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let (_, unit_ms) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        total_ms = number.parse::<u64>().ok()?.checked_mul(unit_ms)?.checked_add(total_ms)?;
        rest = after;
    }
    Some(Duration::from_millis(total_ms))
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest_ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest_ms == 0 {
            return f.write_str("0s");
        }
        for (unit, unit_ms) in UNITS {
            if rest_ms >= unit_ms {
                write!(f, "{}{unit}", rest_ms / unit_ms)?;
                rest_ms %= unit_ms;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_and_shown_as_people_write_it() {
        for (text, ms) in [("0s", 0), ("500ms", 500), ("30s", 30_000), ("1h30m", 5_400_000), ("7d", 604_800_000)] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.get(), Duration::from_millis(ms), "{text}");
            assert_eq!(period.to_string(), text);
        }
        assert_eq!("90s".parse::<Period>().unwrap().to_string(), "1m30s");
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for bad in ["", "2", "m", "-2m", "2 minutes", "2M", "1h 30m", "1.5h", "99999999999999999999s", "999999999999d"]
        {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
}
