//! Time spans of systemd (systemd.time(7)): `15min`, `1h 30min`, `90`, `1d12h`.

use crate::Span;

const UNITS: [(&str, u64); 26] = [
    ("usec", 0),
    ("us", 0),
    ("msec", 0),
    ("ms", 0),
    ("seconds", 1),
    ("second", 1),
    ("sec", 1),
    ("s", 1),
    ("minutes", 60),
    ("minute", 60),
    ("min", 60),
    ("m", 60),
    ("hours", 3_600),
    ("hour", 3_600),
    ("hr", 3_600),
    ("h", 3_600),
    ("days", 86_400),
    ("day", 86_400),
    ("d", 86_400),
    ("weeks", 604_800),
    ("week", 604_800),
    ("w", 604_800),
    // A month is 30.44 days, a year 365.25.
    ("months", 2_630_016),
    ("M", 2_630_016),
    ("years", 31_557_600),
    ("y", 31_557_600),
];

/// `None`: not a span. Parts below a second are left out, as Windows' spans have none.
pub(super) fn parse(text: &str) -> Option<Span> {
    let mut rest = text.trim();
    if rest.is_empty() || rest == "infinity" {
        return None;
    }
    let mut seconds = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let whole = rest[..end].split('.').next().filter(|digits| (1..=12).contains(&digits.len()))?;
        let after = rest[end..].trim_start();
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let factor = match &after[..unit_end] {
            "" => 1,
            "month" => 2_630_016,
            "year" => 31_557_600,
            unit => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        seconds = seconds.checked_add(whole.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = after[unit_end..].trim_start();
    }
    Some(Span::of_seconds(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_systemd_are_read() {
        for (text, seconds) in [
            ("90", Some(90)),
            ("15min", Some(900)),
            ("1h 30min", Some(5_400)),
            ("1d12h", Some(129_600)),
            ("2 weeks", Some(1_209_600)),
            ("500ms", Some(0)),
            ("1.5s", Some(1)),
            ("infinity", None),
            ("soon", None),
            ("", None),
            ("1h-", None),
        ] {
            assert_eq!(parse(text), seconds.map(Span::of_seconds), "{text}");
        }
    }
}
