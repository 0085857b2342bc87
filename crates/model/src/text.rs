//! Text made safe to print, instants, errors with their causes.

use std::error::Error;
use std::iter::successors;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Whether a character is invisible but changes how text reads: bidirectional controls, line separators,
/// `Default_Ignorable_Code_Point` (UAX #44), blank fillers, noncharacters.
#[must_use]
pub const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fdd0}'..='\u{fdef}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || c as u32 & 0xfffe == 0xfffe
}

/// `text` on one line, control and invisible characters escaped; `…` replaces what exceeds `most` characters.
#[must_use]
pub fn printable(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if c.is_control() || is_unseen(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`printable`], for a sentence: it is cut off between two words.
#[must_use]
pub fn clipped(sentence: &str, most: usize) -> String {
    let text = printable(sentence, most);
    match text.strip_suffix('…').filter(|_| sentence.chars().count() > most) {
        // A word that fills nearly all of it is cut off where it has to be.
        Some(kept) => match kept.rsplit_once(' ') {
            Some((words, _)) if words.len() > kept.len() / 2 => format!("{words} …"),
            _ => text,
        },
        None => text,
    }
}

/// `1204` as `1,204`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 file`, `1,204 files`.
#[must_use]
pub fn files(number: u64) -> String {
    format!("{} {}", grouped(number), if number == 1 { "file" } else { "files" })
}

/// A sentence, perhaps of somebody else, that another one may follow: with a full stop, if it has no end of its own.
#[must_use]
pub fn with_full_stop(sentence: &str) -> String {
    let trimmed = sentence.trim_end();
    let end = trimmed.trim_end_matches(['"', '\'', ')', '”', '»']);
    let has_end = end.is_empty() || end.ends_with(['.', '!', '?', '…']);
    if has_end { sentence.to_owned() } else { format!("{trimmed}.") }
}

/// An instant in that zone: `2026-11-21 04:58:07 CET`.
#[must_use]
pub fn shown(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// An instant to the minute: `2026-11-21 04:58 CET`.
#[must_use]
pub fn shown_to_the_minute(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// An error and its causes on one line, without repetition.
#[must_use]
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    successors(error.source(), |&cause| cause.source()).fold(error.to_string(), |mut text, cause| {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_sentence_is_cut_off_between_two_words() {
        assert_eq!(clipped("2 files failed.", 15), "2 files failed.");
        assert_eq!(clipped("2 files failed: no room", 20), "2 files failed: no …");
        assert_eq!(clipped("Donaudampfschifffahrt", 8), "Donaudam…");
        assert_eq!(clipped("A Donaudampfschifffahrt", 10), "A Donaudam…");
    }

    #[test]
    fn a_sentence_gets_the_full_stop_that_it_lacks() {
        for (text, whole) in [
            ("2 files failed", "2 files failed."),
            ("2 files failed ", "2 files failed."),
            ("2 files failed.", "2 files failed."),
            ("it said \"no room!\"", "it said \"no room!\""),
            ("(cut off)", "(cut off)."),
            ("", ""),
        ] {
            assert_eq!(with_full_stop(text), whole);
        }
    }

    #[test]
    fn control_and_direction_characters_are_shown_not_obeyed() {
        assert_eq!(printable("a\r\nBcc: x\u{202e}fdp", 40), r"a\r\nBcc: x\u{202e}fdp");
        assert_eq!(
            printable("a\u{ad}b\u{3164}\u{e0041}\u{fe0f}\u{ffff}", 40),
            r"a\u{ad}b\u{3164}\u{e0041}\u{fe0f}\u{ffff}"
        );
    }

    #[test]
    fn an_instant_has_its_zone() {
        let at = "2026-11-21T03:58:07Z".parse().unwrap();
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(shown(at, &zone), "2026-11-21 04:58:07 +01");
        assert_eq!(shown_to_the_minute(at, &TimeZone::UTC), "2026-11-21 03:58 UTC");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Unreachable(#[source] Repeated);

    /// An error that repeats its cause, and names it as well.
    #[derive(Debug, thiserror::Error)]
    #[error("reading: {0}")]
    struct Repeated(#[source] io::Error);

    #[test]
    fn each_cause_is_named_once() {
        let error = Unreachable(Repeated(io::Error::other("refused")));
        assert_eq!(with_causes(&error), "no connection: reading: refused");
        assert_eq!(with_causes(&io::Error::other("refused")), "refused");
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }
}
