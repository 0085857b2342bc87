//! Quantities; a field's last word is its unit.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::macros::serde_as_text;

macro_rules! quantity {
    ($(#[$meta:meta])* $name:ident, shown) => {
        quantity!($(#[$meta])* $name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The next one.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }
    };
}

quantity!(
    /// An event's place in its log, gapless from 0: a Merkle leaf's index. As a cursor, the first unread event.
    Position, shown
);
quantity!(
    /// An event's place in its stream, gapless from 0.
    Version, shown
);
quantity!(
    /// A size in bytes.
    ByteCount
);

/// `812 B`, `1.4 MiB`: powers of 1024 (IEC 80000-13).
impl fmt::Display for ByteCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut scaled = self.0 as f64 / 1024.0;
        let mut unit = 0;
        // 1023.95 would be printed as 1024.0.
        while scaled >= 1023.95 && unit + 1 < UNITS.len() {
            scaled /= 1024.0;
            unit += 1;
        }
        write!(f, "{scaled:.1} {}", UNITS[unit])
    }
}

/// A text that is not a size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size: write a number of bytes, or one with KiB, MiB, GiB or TiB, such as \"2GiB\"")]
pub struct ParseByteCountError(String);

impl FromStr for ByteCount {
    type Err = ParseByteCountError;

    fn from_str(text: &str) -> Result<Self, ParseByteCountError> {
        let error = || ParseByteCountError(crate::text::printable(text, 40));
        let trimmed = text.trim();
        let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = trimmed[..digits].parse().map_err(|_| error())?;
        let shift = match trimmed[digits..].trim() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "TiB" => 40,
            _ => return Err(error()),
        };
        number.checked_mul(1 << shift).map(Self).ok_or_else(error)
    }
}

impl std::ops::Add for ByteCount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for ByteCount {
    fn sum<I: Iterator<Item = Self>>(sizes: I) -> Self {
        sizes.fold(Self(0), |total, size| total + size)
    }
}

/// A calendar month, written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-9]{4}-[0-9]{2}$"))]
pub struct Month {
    year: i16,
    month: i8,
}

impl Month {
    /// An instant's month in that zone.
    #[must_use]
    pub fn of(instant: jiff::Timestamp, zone: &jiff::tz::TimeZone) -> Self {
        let local = instant.to_zoned(zone.clone());
        Self { year: local.year(), month: local.month() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// A text that is not a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a month: write the year and the month, such as 2026-11")]
pub struct ParseMonthError(String);

impl FromStr for Month {
    type Err = ParseMonthError;

    fn from_str(text: &str) -> Result<Self, ParseMonthError> {
        let error = || ParseMonthError(crate::text::printable(text, 40));
        let (year, month) = text.split_once('-').ok_or_else(error)?;
        let all_digits = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(year, 4) || !all_digits(month, 2) {
            return Err(error());
        }
        let parsed = Self { year: year.parse().map_err(|_| error())?, month: month.parse().map_err(|_| error())? };
        if (1..=12).contains(&parsed.month) { Ok(parsed) } else { Err(error()) }
    }
}

serde_as_text!(Month);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_read_as_people_write_them() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_048_575, "1.0 MiB"), (5 << 30, "5.0 GiB")]
        {
            assert_eq!(ByteCount(bytes).to_string(), text);
        }
        assert_eq!("2GiB".parse(), Ok(ByteCount(2 << 30)));
        assert_eq!("17".parse(), Ok(ByteCount(17)));
        for bad in ["", "GiB", "2GB", "-1", "99999999TiB"] {
            assert!(bad.parse::<ByteCount>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_month_is_four_digits_and_two() {
        assert_eq!("2026-11".parse::<Month>().unwrap().to_string(), "2026-11");
        for bad in ["2026-13", "2026-1", "26-11", "2026/11", "+026-11", "2026-00"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }
}
