//! Names of restored files.

use strongroom_files::check_below;
use strongroom_model::text::is_unseen;

use crate::name;

/// How many files of one name get distinct names.
pub(super) const MAX_NUMBERED: u32 = 1000;

/// A file's name in a folder: the server's own name, or, where that cannot be one or would look like another, its escaped
/// form.
pub fn restored_name(original: &str) -> String {
    let is_plain = check_below(original.as_bytes()).is_ok()
        && !original.contains(['/', '\\'])
        && !original.starts_with('.')
        && !original.contains(|c: char| c.is_control() || is_unseen(c));
    if is_plain { original.to_owned() } else { name::escape(original) }
}

/// The `number`-th name (from 1), as file managers number them: `x (2).pdf`.
pub(super) fn numbered(name: &str, number: u32) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let (stem, extension) = match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 20 => name.split_at(dot),
        _ => (name, ""),
    };
    let tag = format!(" ({number})");
    let room = name::MAX_NAME_BYTES - tag.len() - extension.len();
    let end = (0..=room.min(stem.len())).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or_default();
    format!("{}{tag}{extension}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numbered_name_keeps_its_extension_and_fits() {
        assert_eq!(numbered("x.pdf", 1), "x.pdf");
        assert_eq!(numbered("x.pdf", 2), "x (2).pdf");
        assert_eq!(numbered("x", 10), "x (10)");
        assert_eq!(numbered(".pdf", 2), ".pdf (2)");
        let long = numbered(&format!("{}.pdf", "\u{e9}".repeat(125)), 12);
        assert!(long.len() <= 255 && long.ends_with("\u{e9} (12).pdf"), "{long}");
    }

    #[test]
    fn r9_a_name_that_is_no_name_is_escaped() {
        for plain in ["x.pdf", "Stundenzettel M\u{e4}rz.pdf", "a:b"] {
            assert_eq!(restored_name(plain), plain);
        }
        for (bad, escaped) in
            [("../x", "=2E.=2Fx"), (".hidden", "=2Ehidden"), ("a\\b", "a=5Cb"), ("a\nb", "a=0Ab"), ("", "=empty")]
        {
            assert_eq!(restored_name(bad), escaped);
        }
        assert!(!restored_name("x\u{202e}fdp.exe").contains('\u{202e}'));
    }
}
