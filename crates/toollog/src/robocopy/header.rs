//! The page above the list of files.

use strongroom_model::text::printable;

use crate::items::MAX_PATH_CHARS;
use crate::robocopy::Facts;

/// A label of any language is short.
const MAX_LABEL_CHARS: usize = 24;

/// Whether a run begins here: the product's name is not translated.
pub(crate) fn is_title(line: &str) -> bool {
    line.trim_start().starts_with("ROBOCOPY ") && line.contains("::")
}

/// `Usage :: ROBOCOPY …`, `Syntax :: ROBOCOPY …`: the page that is shown after a wrong call.
pub(crate) fn is_usage(line: &str) -> bool {
    line.contains(":: ROBOCOPY")
}

/// `label : value`; robocopy also separates by `=` and `-`.
fn field(line: &str) -> Option<&str> {
    let line = line.trim();
    let at = line.find([':', '=', '-'])?;
    let (label, value) = (line[..at].trim(), &line[at + 1..]);
    let is_label = !label.is_empty() && label.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.'));
    let is_separated = value.is_empty() || value.starts_with(' ');
    (is_label && is_separated && label.chars().count() <= MAX_LABEL_CHARS).then(|| value.trim())
}

fn is_path(value: &str) -> bool {
    value.starts_with("\\\\") || value.get(1..3) == Some(":\\")
}

/// Takes source, target and options from a line. Returns whether the page is over.
pub(crate) fn header_line(line: &str, facts: &mut Facts) -> bool {
    let Some(value) = field(line) else { return false };
    if value.split(' ').any(|word| word.starts_with("/R:")) {
        let has = |option: &str| value.split(' ').any(|word| word.eq_ignore_ascii_case(option));
        facts.mirrors = has("/MIR") || has("/PURGE");
        facts.is_dry_run = has("/L");
        facts.hides_summary = has("/NJS");
        return true;
    }
    let shown = || Some(printable(value, MAX_PATH_CHARS));
    match (&facts.source, &facts.target) {
        (None, _) if is_path(value) => facts.source = shown(),
        (Some(_), None) if is_path(value) => facts.target = shown(),
        (Some(_), None) if value.is_empty() => facts.has_no_target = true,
        _ => {}
    }
    false
}

/// `ERROR : No Source Directory Found.`: a word in capitals, a colon, a text. After an error the word may also be of
/// a script that has no capitals; elsewhere that would be any label.
pub(crate) fn unnumbered(line: &str, is_after_error: bool) -> Option<&str> {
    let (word, text) = line.trim().split_once(':')?;
    let word = word.trim();
    let fits = |c: char| c.is_uppercase() || (is_after_error && c.is_alphabetic() && !c.is_lowercase());
    let is_word = word.chars().nth(1).is_some() && word.chars().all(fits);
    let text = text.trim();
    (is_word && !text.is_empty() && !text.starts_with(':')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_target_are_known_by_their_shape() {
        let mut facts = Facts::default();
        for line in [
            "  Gestartet: Sonntag, 5. Dezember 2021",
            "   Quelle : C:\\",
            "     Ziel = \\\\nas\\alt$\\",
            "    Dateien : *.*",
        ] {
            assert!(!header_line(line, &mut facts));
        }
        assert!(header_line("  Optionen: *.* /S /E /MIR /R:2 /W:5", &mut facts));
        assert_eq!((facts.source.as_deref(), facts.target.as_deref()), (Some("C:\\"), Some("\\\\nas\\alt$\\")));
        assert!(facts.mirrors && !facts.is_dry_run);
    }

    #[test]
    fn a_target_that_is_not_there_is_seen() {
        let mut facts = Facts::default();
        header_line("Source : c:\\from\" c:\\to\"\\", &mut facts);
        header_line("Dest -", &mut facts);
        assert!(facts.has_no_target);
    }

    #[test]
    fn an_error_without_a_number_has_a_word_in_capitals() {
        assert_eq!(unnumbered("   ERROR : No Source Directory Found.", false), Some("No Source Directory Found."));
        assert_eq!(unnumbered("FEHLER: Wiederholungslimit.", false), Some("Wiederholungslimit."));
        assert_eq!(unnumbered("  Files : *.*", true), None);
        assert_eq!(unnumbered("C:\\x", true), None);
        assert_eq!(unnumbered("文件 : *.*", false), None);
        assert_eq!(unnumbered("错误: 超过重试限制。", true), Some("超过重试限制。"));
    }
}
