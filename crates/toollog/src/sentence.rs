//! Sentences: how counts and sizes are said.

use strongroom_model::text::{files, grouped, printable};

use crate::outcome::Outcome;
use crate::report::Verdict;

/// A sentence fits on a phone and in the subject of a mail.
pub(crate) const MAX_SENTENCE_CHARS: usize = 300;
/// Words of a tool within a sentence.
pub(crate) const MAX_QUOTE_CHARS: usize = 140;

/// `1 file was`, `2 files were`.
pub(crate) fn files_were(number: u64) -> String {
    format!("{} {}", files(number), if number == 1 { "was" } else { "were" })
}

/// `1 file could not`, said with `and 2 folders` where folders failed too.
pub(crate) fn files_and_folders(file_count: u64, folder_count: u64) -> String {
    let folders = format!("{} {}", grouped(folder_count), if folder_count == 1 { "folder" } else { "folders" });
    match (file_count, folder_count) {
        (_, 0) => files(file_count),
        (0, _) => folders,
        _ => format!("{} and {folders}", files(file_count)),
    }
}

/// `512 B`, `48.9 MiB`: with 1024-based units, as the tools print them.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if scaled < 1023.95 {
            break;
        }
        scaled /= 1024.0;
        unit = next;
    }
    format!("{scaled:.1} {unit}")
}

/// A dry run is not a copy, however well it ended.
pub(crate) fn not_a_copy(mut verdict: Verdict) -> Verdict {
    if verdict.outcome == Outcome::Done {
        verdict.outcome = Outcome::Nothing;
    }
    verdict.sentence = bounded(&format!("A dry run: nothing was copied. {}", verdict.sentence));
    verdict
}

/// Words from outside, within a sentence: printable, short, without a full stop of their own.
pub(crate) fn quote(text: &str) -> String {
    printable(text.trim().trim_end_matches('.'), MAX_QUOTE_CHARS)
}

/// What ends up in a verdict: at most [`MAX_SENTENCE_CHARS`], printable.
pub(crate) fn bounded(sentence: &str) -> String {
    printable(sentence, MAX_SENTENCE_CHARS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_1024_based_units() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1_536), "1.5 KiB");
        assert_eq!(size(1_048_575), "1.0 MiB");
        assert_eq!(size(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn a_bounded_sentence_has_at_most_300_characters() {
        assert_eq!(bounded(&"x".repeat(400)).chars().count(), MAX_SENTENCE_CHARS);
    }
}
