//! Durations as XML Schema writes them: `PT30M`, `P1DT12H`, `P1M`.

use std::fmt;

use jiff::SignedDuration;

/// A duration that is not negative, with months apart: a month has no fixed length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Years count as twelve.
    pub months: u32,
    /// All that is below a month; fractions of seconds are left out.
    pub seconds: u64,
}

/// A month, where a length is needed: what is compared with it lies minutes or hours off.
const SECONDS_PER_MONTH: u64 = 30 * 86_400;

impl Span {
    /// So many seconds.
    #[must_use]
    pub const fn of_seconds(seconds: u64) -> Self {
        Self { months: 0, seconds }
    }

    /// Whether it is `PT0S`, which stands for "without limit" in several places.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.months == 0 && self.seconds == 0
    }

    /// Its length, a month as 30 days.
    #[must_use]
    pub fn duration(self) -> SignedDuration {
        SignedDuration::from_secs(i64::try_from(self.length()).unwrap_or(i64::MAX))
    }

    /// As XML Schema writes it, in the shortest way: `PT1H30M`.
    #[must_use]
    pub fn iso(self) -> String {
        let part = |number: u64, unit: &str| if number == 0 { String::new() } else { format!("{number}{unit}") };
        let date = part(u64::from(self.months), "M") + &part(self.seconds / 86_400, "D");
        let rest = self.seconds % 86_400;
        let time = part(rest / 3_600, "H") + &part(rest / 60 % 60, "M") + &part(rest % 60, "S");
        match (date.is_empty(), time.is_empty()) {
            (true, true) => "PT0S".to_owned(),
            (_, true) => format!("P{date}"),
            _ => format!("P{date}T{time}"),
        }
    }

    fn length(self) -> u64 {
        self.seconds.saturating_add(u64::from(self.months) * SECONDS_PER_MONTH)
    }

    /// Reads `PnYnMnDTnHnMnS`; each part may be missing, but not all. Weeks are read as well. `None`: not one, or beyond
    /// nine digits a part.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.trim().strip_prefix('P')?;
        let (date, time) = match rest.split_once('T') {
            Some((date, time)) if !time.is_empty() => (date, time),
            Some(_) => return None,
            None => (rest, ""),
        };
        if date.is_empty() && time.is_empty() {
            return None;
        }
        let months = units(date, &[('Y', 12), ('M', 1), ('W', 0), ('D', 0)])?;
        let days = units(date, &[('Y', 0), ('M', 0), ('W', 7 * 86_400), ('D', 86_400)])?;
        let seconds = units(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
        Some(Self { months: u32::try_from(months).ok()?, seconds: days.checked_add(seconds)? })
    }
}

/// The sum of numbers, each with a unit, the units in this order.
fn units(text: &str, mut allowed: &[(char, u64)]) -> Option<u64> {
    let (mut rest, mut sum) = (text, 0_u64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let unit = rest[end..].chars().next()?;
        let (whole, decimals) = rest[..end].split_once('.').unwrap_or((&rest[..end], "0"));
        if !(1..=9).contains(&whole.len()) || decimals.is_empty() || decimals.contains('.') {
            return None;
        }
        // Only seconds have decimals.
        if rest[..end].contains('.') && unit != 'S' {
            return None;
        }
        let index = allowed.iter().position(|(name, _)| *name == unit)?;
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(allowed[index].1)?)?;
        allowed = &allowed[index + 1..];
        rest = &rest[end + unit.len_utf8()..];
    }
    Some(sum)
}

/// In words: `2 hours`, `1 day and 30 minutes`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.seconds;
        let parts = [
            (u64::from(self.months) / 12, "year"),
            (u64::from(self.months) % 12, "month"),
            (seconds / 86_400, "day"),
            (seconds / 3_600 % 24, "hour"),
            (seconds / 60 % 60, "minute"),
            (seconds % 60, "second"),
        ];
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let mut words: Vec<_> =
            parts.map(|(number, unit)| format!("{number} {unit}{}", if *number == 1 { "" } else { "s" })).collect();
        match words.pop() {
            None => f.write_str("0 seconds"),
            Some(last) if words.is_empty() => f.write_str(&last),
            Some(last) => write!(f, "{} and {last}", words.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_in_the_shortest_way() {
        for (text, iso) in
            [("PT90M", "PT1H30M"), ("PT72H", "P3D"), ("P1Y", "P12M"), ("PT0S", "PT0S"), ("P1DT5S", "P1DT5S")]
        {
            assert_eq!(Span::parse(text).unwrap().iso(), iso);
        }
    }

    #[test]
    fn durations_are_read_and_put_in_words() {
        for (text, words) in [
            ("PT30M", "30 minutes"),
            ("PT72H", "3 days"),
            ("P3DT12H", "3 days and 12 hours"),
            ("P1M", "1 month"),
            ("P1Y2M", "1 year and 2 months"),
            ("PT0S", "0 seconds"),
            ("PT1.5S", "1 second"),
            ("P99999999DT23H59M59S", "99999999 days 23 hours 59 minutes and 59 seconds"),
        ] {
            assert_eq!(Span::parse(text).map(|span| span.to_string()).as_deref(), Some(words), "{text}");
        }
        for text in ["", "P", "PT", "1D", "PD", "P1DT", "-PT1M", "PT1M1H", "PT1.5H", "P1234567890D", "PT.5S", "PT1ä"] {
            assert_eq!(Span::parse(text), None, "{text}");
        }
    }
}
