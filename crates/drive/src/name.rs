//! Names that are safe on ext4, NTFS and exFAT, and reversible.
//!
//! `=` and two upper-case hexadecimal digits stand for each byte of an escaped character's UTF-8. Not `%`: RFC 8493
//! (section 2.1.3) decodes it in manifests and `sha256sum -c` does not; names without `%`, `\`, CR and LF mean the
//! same to both.

use strongroom_model::text::is_unseen;
use strongroom_model::{Algorithm, Digest};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Ext4's limit in bytes. NTFS and exFAT allow 255 UTF-16 units, never more than the bytes in UTF-8.
pub const MAX_NAME_BYTES: usize = 255;

const ESCAPE: char = '=';
/// The empty name. `em` is not hexadecimal, so no other name escapes to it.
const EMPTY: &str = "=empty";
/// Begins the tag of a name that cannot be reversed: shortened, or beside another copy.
const TAG: &str = "=~";
/// 128 bits tell shortened names apart.
const SHORTENED_HEX: usize = 32;
/// Tells two copies for one booking apart.
const VARIANT_HEX: usize = 16;
/// The longest extension, with its dot, that a shortened name keeps.
const MAX_EXTENSION_BYTES: usize = 20;

/// The name of `name` on a drive: one path component, not empty, at most [`MAX_NAME_BYTES`] long, injective.
/// [`unescape`] reverses it, unless it was shortened.
pub fn escape(name: &str) -> String {
    fit(encode(name, |_| false), name)
}

/// As [`escape`], and distinct even where case or Unicode's normal forms are ignored: cased letters and everything
/// beyond ASCII are escaped.
pub(crate) fn escape_strictly(name: &str) -> String {
    fit(encode(name, |c| c.is_ascii_alphabetic() || !c.is_ascii()), name)
}

/// Reverses [`escape`]; `None` for names that were shortened, tagged, or not made by it.
pub fn unescape(escaped: &str) -> Option<String> {
    if escaped == EMPTY {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == ESCAPE as u8 {
            let (pair, after) = after.split_at_checked(2)?;
            bytes.push(hex_value(pair[0])? << 4 | hex_value(pair[1])?);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The `nth` folder (from 1) beside `escaped`, for another name or content.
pub(crate) fn variant(escaped: &str, filename: &str, expected: &Digest, nth: u32) -> String {
    // Digests and names contain no slash, so the text is unambiguous.
    let mut both = format!("{expected}/{filename}");
    if nth > 1 {
        both.push_str(&format!("/{nth}"));
    }
    tagged(escaped, &Digest::of(Algorithm::Sha256, both.as_bytes()).hex()[..VARIANT_HEX])
}

/// The name that `name` is a [`variant`] of, or itself. Names shortened for their tag are not recovered.
pub(crate) fn base_of(name: &str) -> String {
    let tag = name.rfind(TAG).map(|at| (at, at + TAG.len() + VARIANT_HEX));
    match tag.and_then(|(start, end)| Some((&name[..start], name.get(end..)?))) {
        Some((stem, extension)) => format!("{stem}{extension}"),
        None => name.to_owned(),
    }
}

/// The `n`-th name (from 2) beside `escaped`.
pub(crate) fn numbered(escaped: &str, n: u32) -> String {
    tagged(escaped, &n.to_string())
}

/// Reverses [`numbered`]; 1 for `escaped` itself.
pub(crate) fn number_of(escaped: &str, name: &str) -> Option<u32> {
    if name == escaped {
        return Some(1);
    }
    let (_, rest) = name.rsplit_once(TAG)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok().filter(|n| *n > 1 && numbered(escaped, *n) == name)
}

/// Equal for all names that some file system may take for one: case folded and canonically decomposed (Unicode,
/// D145).
pub(crate) fn folded(name: &str) -> String {
    name.nfd().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfd().collect()
}

fn encode(name: &str, also: impl Fn(char) -> bool) -> String {
    if name.is_empty() {
        return EMPTY.to_owned();
    }
    let device = is_device(name);
    let last = name.chars().count() - 1;
    let mut out = String::with_capacity(name.len() + 8);
    let mut after_escape = true;
    for (index, c) in name.chars().enumerate() {
        let here = (index == 0 && (device || matches!(c, '.' | ' ' | '-')))
            || (index == last && matches!(c, '.' | ' '))
            // It would combine with the preceding digit or slash.
            || (after_escape && is_combining_mark(c));
        after_escape = here || is_harmful(c) || also(c);
        if after_escape {
            push_escaped(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

fn push_escaped(out: &mut String, c: char) {
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        out.push_str(&format!("{ESCAPE}{byte:02X}"));
    }
}

/// Upper case only, so that each name has one escaped form.
fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn is_harmful(c: char) -> bool {
    c == ESCAPE
        || matches!(c, '%' | '\\' | '/' | '<' | '>' | ':' | '"' | '|' | '?' | '*')
        || c.is_control()
        || is_unseen(c)
}

/// Windows reserves these in any folder and with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    number.is_some_and(|n| n.chars().count() == 1 && n.contains(|c| matches!(c, '0'..='9' | '¹' | '²' | '³')))
}

fn fit(encoded: String, original: &str) -> String {
    if encoded.len() <= MAX_NAME_BYTES {
        return encoded;
    }
    tagged(&encoded, &Digest::of(Algorithm::Sha256, original.as_bytes()).hex()[..SHORTENED_HEX])
}

/// Puts a tag before the extension, shortening the stem.
fn tagged(escaped: &str, tag: &str) -> String {
    let (stem, extension) = match escaped.rfind('.') {
        Some(dot) if escaped.len() - dot <= MAX_EXTENSION_BYTES => escaped.split_at(dot),
        _ => (escaped, ""),
    };
    let room = MAX_NAME_BYTES - TAG.len() - tag.len() - extension.len();
    format!("{}{TAG}{tag}{extension}", cut(stem, room))
}

fn cut(stem: &str, room: usize) -> &str {
    if stem.len() <= room {
        return stem;
    }
    (0..=room).rev().find_map(|end| stem.get(..end).filter(|cut| unescape(cut).is_some())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
