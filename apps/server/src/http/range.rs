//! Range and conditional requests (RFC 9110, sections 13 and 14).

use http::{HeaderMap, HeaderValue, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selected {
    /// The whole file (200).
    Whole,
    /// A part, both ends included (206).
    Part { first: u64, last: u64 },
    /// The range is beyond the end (416).
    Nothing,
}

/// The result of a request's conditions (RFC 9110, section 13.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Holds,
    /// The client has it already (304).
    NotModified,
    /// It is not the version that the client means (412).
    Failed,
}

/// What to send of a file with `size` bytes and that strong `etag`.
///
/// Several ranges are answered with the whole file, as section 14.2 allows: nobody needs them for a document, and
/// they have been an attack (CVE-2011-3192).
pub(crate) fn select(headers: &HeaderMap, etag: &HeaderValue, size: u64) -> Selected {
    let mut ranges = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Selected::Whole };
    // Neither a date, since no Last-Modified is sent, nor a weak tag ever matches.
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag != etag) {
        return Selected::Whole;
    }
    range.to_str().ok().and_then(|range| parse(range, size)).unwrap_or(Selected::Whole)
}

/// Evaluates `If-Match` and `If-None-Match`.
pub(crate) fn condition(headers: &HeaderMap, etag: &HeaderValue) -> Condition {
    let etag = etag.to_str().unwrap_or_default();
    if headers.contains_key(header::IF_MATCH) && !tags(headers, header::IF_MATCH).any(|tag| tag == "*" || tag == etag) {
        return Condition::Failed;
    }
    let weakly = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag;
    if tags(headers, header::IF_NONE_MATCH).any(weakly) { Condition::NotModified } else { Condition::Holds }
}

/// The tags of a list. Ours hold no comma, so splitting others at one is harmless.
fn tags(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(',').map(str::trim))
}

/// `None` if it is not a range of bytes: then it is ignored.
fn parse(range: &str, size: u64) -> Option<Selected> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => None,
        (Some(first), last) if last.is_some() || spec.trim().ends_with('-') => {
            let last = last.unwrap_or(u64::MAX).min(size.saturating_sub(1));
            Some(if first < size { Selected::Part { first, last } } else { Selected::Nothing })
        }
        (None, Some(suffix)) if first.is_empty() => {
            let first = size.saturating_sub(suffix);
            Some(if suffix > 0 && size > 0 { Selected::Part { first, last: size - 1 } } else { Selected::Nothing })
        }
        _ => None,
    }
}

/// A number too large for any file equals the largest.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn selected(range: &'static str, size: u64) -> Selected {
        select(&headers(&[(header::RANGE, range)]), &HeaderValue::from_static("\"sha256-00\""), size)
    }

    #[test]
    fn one_range_of_bytes_is_cut_to_the_file() {
        let part = |first, last| Selected::Part { first, last };
        for (range, size, expected) in [
            ("bytes=0-4", 10, part(0, 4)),
            ("bytes=0-0", 10, part(0, 0)),
            ("bytes=5-", 10, part(5, 9)),
            ("bytes=0-", 10, part(0, 9)),
            ("bytes=9-99", 10, part(9, 9)),
            ("bytes=-3", 10, part(7, 9)),
            ("bytes=-30", 10, part(0, 9)),
            ("bytes=0-99999999999999999999999", 10, part(0, 9)),
            ("Bytes=1-2", 10, part(1, 2)),
            ("bytes=10-", 10, Selected::Nothing),
            ("bytes=99999999999999999999999-", 10, Selected::Nothing),
            ("bytes=-0", 10, Selected::Nothing),
            ("bytes=0-", 0, Selected::Nothing),
            ("bytes=-5", 0, Selected::Nothing),
        ] {
            assert_eq!(selected(range, size), expected, "{range} of {size}");
        }
    }

    #[test]
    fn what_is_no_single_range_gives_the_whole() {
        for range in [
            "bytes=0-1,3-4",
            "bytes=4-2",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1",
            "items=0-4",
            "bytes=+1-2",
            "0-4",
            "bytes=1-x",
        ] {
            assert_eq!(selected(range, 10), Selected::Whole, "{range}");
        }
        let twice = headers(&[(header::RANGE, "bytes=0-1"), (header::RANGE, "bytes=2-3")]);
        let mut appended = twice.clone();
        appended.append(header::RANGE, HeaderValue::from_static("bytes=0-1"));
        assert_eq!(select(&appended, &HeaderValue::from_static("\"x\""), 10), Selected::Whole);
    }

    #[test]
    fn if_range_wants_the_very_same_strong_tag() {
        let etag = HeaderValue::from_static("\"sha256-00\"");
        let with = |tag| select(&headers(&[(header::RANGE, "bytes=5-"), (header::IF_RANGE, tag)]), &etag, 10);
        assert_eq!(with("\"sha256-00\""), Selected::Part { first: 5, last: 9 });
        for other in ["\"sha256-01\"", "W/\"sha256-00\"", "Fri, 20 Nov 2026 12:00:00 GMT", "*"] {
            assert_eq!(with(other), Selected::Whole, "{other}");
        }
    }

    #[test]
    fn conditions_compare_tags() {
        let etag = HeaderValue::from_static("\"sha256-00\"");
        for (name, value, expected) in [
            (header::IF_MATCH, "\"sha256-00\"", Condition::Holds),
            (header::IF_MATCH, "\"x\", \"sha256-00\"", Condition::Holds),
            (header::IF_MATCH, "*", Condition::Holds),
            (header::IF_MATCH, "W/\"sha256-00\"", Condition::Failed),
            (header::IF_MATCH, "\"x\"", Condition::Failed),
            (header::IF_NONE_MATCH, "W/\"sha256-00\"", Condition::NotModified),
            (header::IF_NONE_MATCH, "\"x\"", Condition::Holds),
        ] {
            assert_eq!(condition(&headers(&[(name.clone(), value)]), &etag), expected, "{name}: {value}");
        }
    }
}
