use std::time::Duration;

use strongroom_model::ByteCount;
pub(crate) use strongroom_model::text::grouped as count;
use strongroom_model::text::printable;

/// Enough to recognise a file.
const NAME_CHARS: usize = 100;
/// As much as the log keeps of a failure.
const MESSAGE_CHARS: usize = 500;
/// Two lines on a screen.
const SHORT_CHARS: usize = 140;

/// `1 file`, `1,204 files`.
pub(crate) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

pub(crate) fn files(number: u64) -> String {
    plural(number, "file", "files")
}

/// By its two largest units: `5 h 12 min`, `3 min 20 s`, `0.8 s`.
pub(crate) fn duration(length: Duration) -> String {
    let s = length.as_secs();
    match s {
        0..10 => format!("{:.1} s", length.as_secs_f64()),
        10..60 => format!("{s} s"),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        _ => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

/// `12.3 MiB/s`; `None` if the time is too short.
pub(crate) fn rate(bytes: ByteCount, length: Duration) -> Option<String> {
    let ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
    let each_second = u128::from(bytes.0) * 1000 / u128::from(ms.max(1));
    (ms >= 1000).then(|| format!("{}/s", ByteCount(u64::try_from(each_second).unwrap_or(u64::MAX))))
}

/// On one line, without misleading characters (R9).
pub(crate) fn name(text: &str) -> String {
    printable(text, NAME_CHARS)
}

/// In quotes if it is not one word.
pub(crate) fn label(text: &str) -> String {
    let shown = name(text);
    if shown.contains(char::is_whitespace) { format!("“{shown}”") } else { shown }
}

/// Cut to stand beside other things.
pub(crate) fn short(text: &str) -> String {
    printable(&sentence(text), SHORT_CHARS)
}

pub(crate) fn is_short(text: &str) -> bool {
    text.chars().count() <= SHORT_CHARS
}

/// One line, with a capital.
pub(crate) fn sentence(text: &str) -> String {
    let shown = printable(text.trim(), MESSAGE_CHARS);
    let mut chars = shown.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Adds a full stop.
pub(crate) fn full_stop(text: &str) -> String {
    let text = sentence(text);
    if text.ends_with(['.', '!', '?', '…', '`']) || text.is_empty() { text } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((files(1), files(2)), ("1 file".to_owned(), "2 files".to_owned()));
    }

    #[test]
    fn lengths_of_time_show_two_units() {
        for (ms, text) in [(800, "0.8 s"), (20_000, "20 s"), (200_000, "3 min 20 s"), (18_720_000, "5 h 12 min")] {
            assert_eq!(duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(rate(ByteCount(3 << 20), Duration::from_secs(2)).as_deref(), Some("1.5 MiB/s"));
        assert_eq!(rate(ByteCount(3 << 20), Duration::from_millis(900)), None);
    }

    #[test]
    fn a_sentence_from_outside_stays_on_its_line() {
        assert_eq!(full_stop("no drive\r\nBcc: x"), r"No drive\r\nBcc: x.");
        assert_eq!(full_stop(""), "");
    }
}
