//! Names on disk for uploaded files.

use std::ffi::OsString;

/// In bytes; leaves room for a number.
const MAX_NAME_BYTES: usize = 150;
/// The longest extension that survives a cut, in bytes, with its dot.
const MAX_EXTENSION_BYTES: usize = 16;

/// A harmless name for a file that a client calls `filename`: one part, readable, legal on ext4, NTFS and exFAT. The
/// record keeps the original, so this need not be reversible.
pub(crate) fn safe_name(filename: &str) -> OsString {
    let last = filename.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let cleaned: String = last.chars().map(|c| if harmless(c) { c } else { '_' }).collect();
    let cut = shortened(cleaned.trim_matches([' ', '.']));
    let cut = cut.trim_matches([' ', '.']);
    if cut.is_empty() {
        "timesheet".into()
    } else if reserved(cut) {
        format!("_{cut}").into()
    } else {
        cut.into()
    }
}

/// The letters and digits at the beginning of a name, as a readable id: `Week 47 (final).pdf` gives `Week-47-final`.
pub(crate) fn slug(name: &str, most: usize) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| if stem.is_empty() { name } else { stem });
    let mut out = String::new();
    for c in stem.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= most {
            break;
        }
    }
    out.trim_end_matches('-').to_owned()
}

fn harmless(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, ' ' | '.' | '-' | '_' | '(' | ')' | '+' | ',' | '&' | '\'' | '=')
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_NAME_BYTES {
        return name.to_owned();
    }
    let dot = name.rfind('.').filter(|at| name.len() - at <= MAX_EXTENSION_BYTES);
    let (stem, extension) = name.split_at(dot.unwrap_or(name.len()));
    let end = stem.floor_char_boundary(MAX_NAME_BYTES - extension.len());
    format!("{}{extension}", &stem[..end])
}

/// Whether Windows takes the name for a device, with any extension (Microsoft, "Naming Files, Paths, and
/// Namespaces").
fn reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|rest| rest.chars().count() == 1 && rest.chars().all(|c| c.is_numeric()))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::RelativePath;

    #[test]
    fn a_hostile_name_becomes_one_harmless_part() {
        for (name, safe) in [
            ("timesheet.pdf", "timesheet.pdf"),
            ("Überstunden März.pdf", "Überstunden März.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.pdf", "a.pdf"),
            ("a\r\nX-Evil: 1.pdf", "a__X-Evil_ 1.pdf"),
            ("a\0b", "a_b"),
            ("CON", "_CON"),
            ("lpt1.txt", "_lpt1.txt"),
            ("a.", "a"),
            (".hidden", "hidden"),
            ("...", "timesheet"),
            ("", "timesheet"),
            ("invoice\u{202e}fdp.exe", "invoice_fdp.exe"),
            ("<b>\"x\"</b>", "b_"),
        ] {
            assert_eq!(safe_name(name), OsString::from(safe), "{name:?}");
        }
    }

    #[test]
    fn a_long_name_is_cut_and_keeps_its_ending() {
        let safe = safe_name(&format!("{}.pdf", "ü".repeat(300)));
        let text = safe.to_str().unwrap();
        assert!(text.len() <= 150 && text.ends_with("ü.pdf"), "{text}");
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_one_part_below_the_root(name in ".*") {
            let safe = safe_name(&name);
            let path = RelativePath::new(safe.to_str().unwrap()).unwrap();
            proptest::prop_assert_eq!(path.parts().count(), 1);
            proptest::prop_assert!(!safe.to_str().unwrap().starts_with('.'));
        }

        #[test]
        fn a_slug_begins_a_booking_id(name in ".*") {
            let id = format!("{}-0", slug(&name, 40));
            let good = id.trim_start_matches('-').parse::<strongroom_model::BookingId>().is_ok();
            proptest::prop_assert!(good, "{}", id);
        }
    }

    #[test]
    fn a_slug_is_readable() {
        assert_eq!(slug("Week 47 (final).pdf", 40), "Week-47-final");
        assert_eq!(slug(".profile", 40), "profile");
        assert_eq!(slug("日本語.pdf", 40), "");
    }
}
