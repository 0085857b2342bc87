//! `Content-Range` (RFC 9110, section 14.4) with one range of bytes.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    /// First and last byte, from 0; absent in a 416.
    pub(crate) bytes: Option<(u64, u64)>,
    /// The whole file's length, if given.
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    /// `None` for anything but a sensible range of bytes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
        let total = if total == "*" { None } else { Some(number(total)?) };
        if range == "*" {
            return Some(Self { bytes: None, total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let sensible = first <= last && total.is_none_or(|total| last < total);
        sensible.then_some(Self { bytes: Some((first, last)), total })
    }

    /// Whether it is the rest, from `from` on, of a file of `size` bytes, or the beginning of it.
    pub(crate) fn fits(self, from: u64, size: u64) -> bool {
        self.total == Some(size) && self.bytes.is_some_and(|(first, _)| first == from)
    }
}

/// `u64::from_str` would accept a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_rest_of_the_right_file_fits() {
        let fits = |text: &str| ContentRange::parse(text).is_some_and(|range| range.fits(10, 100));
        assert!(fits("bytes 10-99/100"));
        assert!(fits("bytes 10-49/100"), "a server may send less than was asked for");
        for text in ["bytes 0-99/100", "bytes 11-99/100", "bytes 10-98/99", "bytes 10-99/*", "bytes */100"] {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_no_range() {
        for text in [
            "",
            "bytes",
            "bytes 10-99",
            "bytes 99-10/100",
            "bytes 10-100/100",
            "bytes -5/100",
            "bytes +1-2/3",
            "items 0-1/2",
            "bytes 0-1,3-4/9",
            "bytes 0-99999999999999999999/100",
        ] {
            assert_eq!(ContentRange::parse(text), None, "{text}");
        }
    }
}
