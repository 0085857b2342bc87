//! Where a file lies below the document root.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::Path;

pub(crate) use strongroom_files::BadPath;
use strongroom_files::{MAX_NAME_BYTES, check_below, name_of};

/// A path relative to the document root: parts that are neither empty nor `.` nor `..`, separated by `/`. Bytes,
/// since a file's name need not be text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RelativePath(Vec<u8>);

impl RelativePath {
    pub(crate) fn new(path: impl AsRef<[u8]>) -> Result<Self, BadPath> {
        let bytes = path.as_ref();
        check_below(bytes).map(|()| Self(bytes.to_vec()))
    }

    pub(crate) fn below(path: &Path) -> Result<Self, BadPath> {
        Self::new(path.as_os_str().as_encoded_bytes())
    }

    pub(crate) fn join(&self, below: &Self) -> Result<Self, BadPath> {
        Self::new([self.0.as_slice(), b"/", below.0.as_slice()].concat())
    }

    pub(crate) fn child(&self, name: &OsStr) -> Result<Self, BadPath> {
        Self::new([self.0.as_slice(), b"/", name.as_encoded_bytes()].concat())
    }

    /// The path's parts, outermost first.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &OsStr> {
        self.0.split(|&b| b == b'/').map(name_of)
    }

    /// `None` for the root itself.
    pub(crate) fn parent(&self) -> Option<Self> {
        let slash = self.0.iter().rposition(|&b| b == b'/')?;
        Some(Self(self.0[..slash].to_vec()))
    }

    pub(crate) fn name(&self) -> &OsStr {
        let start = self.0.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
        name_of(&self.0[start..])
    }

    pub(crate) fn first(&self) -> &OsStr {
        let end = self.0.iter().position(|&b| b == b'/').unwrap_or(self.0.len());
        name_of(&self.0[..end])
    }

    /// The `n`-th try to find a free name: `a/b.pdf`, then `a/b (2).pdf`.
    pub(crate) fn nth(&self, n: u32) -> Result<Self, BadPath> {
        if n <= 1 {
            return Ok(self.clone());
        }
        let name = numbered(self.name(), n);
        self.parent().map_or_else(|| Self::new(name.as_encoded_bytes()), |parent| parent.child(&name))
    }

    pub(crate) fn as_path(&self) -> &Path {
        Path::new(name_of(&self.0))
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// `name` with ` (n)` before its extension, cut to a legal length.
fn numbered(name: &OsStr, n: u32) -> OsString {
    let bytes = name.as_encoded_bytes();
    // A dot at the very beginning hides a file, and begins no extension.
    let dot = bytes.iter().rposition(|&b| b == b'.').filter(|&at| at > 0 && bytes.len() - at <= 16);
    let (stem, extension) = bytes.split_at(dot.unwrap_or(bytes.len()));
    let suffix = format!(" ({n})");
    let room = MAX_NAME_BYTES - extension.len() - suffix.len();
    let mut end = stem.len().min(room);
    while end > 0 && end < stem.len() && stem[end] & 0xC0 == 0x80 {
        end -= 1; // not within a UTF-8 character
    }
    name_of(&[&stem[..end], suffix.as_bytes(), extension].concat()).to_owned()
}

/// For people and for the wire.
impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&readable(name_of(&self.0)))
    }
}

/// A name as text. Bytes that are not UTF-8 are shown as `\xE9`, so that different names stay different.
pub(crate) fn readable(name: &OsStr) -> String {
    let mut out = String::new();
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).unwrap()
    }

    #[test]
    fn a_path_stays_below_the_root() {
        for good in ["a", "a/b.pdf", "...", "a b/ü", ".hidden", "CON"] {
            assert!(RelativePath::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(256);
        for bad in ["", "/", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", "a\0b", long.as_str()] {
            assert!(RelativePath::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_taken_name_gets_a_number_before_its_extension() {
        assert_eq!(path("a/b.pdf").nth(1).unwrap(), path("a/b.pdf"));
        assert_eq!(path("a/b.pdf").nth(2).unwrap(), path("a/b (2).pdf"));
        assert_eq!(path("b").nth(3).unwrap(), path("b (3)"));
        assert_eq!(path(".profile").nth(2).unwrap(), path(".profile (2)"));
        assert_eq!(path("a.tar.gz").nth(2).unwrap(), path("a.tar (2).gz"));
    }

    #[test]
    fn a_numbered_name_is_never_too_long() {
        let long = path(&"ü".repeat(127));
        let second = long.nth(2).unwrap();
        assert!(second.as_bytes().len() <= 255);
        assert!(std::str::from_utf8(second.as_bytes()).unwrap().ends_with("ü (2)"));
    }

    #[test]
    fn a_name_that_is_no_text_stays_apart_from_its_neighbours() {
        assert_eq!(RelativePath::new(b"caf\xE9/a").unwrap().to_string(), "caf\\xE9/a");
        assert_eq!(readable(name_of(b"\xE8")), "\\xE8");
    }

    #[test]
    fn the_parts_are_found() {
        let deep = path("a/b/c.pdf");
        assert_eq!(deep.parts().count(), 3);
        assert_eq!(deep.parent(), Some(path("a/b")));
        assert_eq!((deep.first(), deep.name()), (OsStr::new("a"), OsStr::new("c.pdf")));
        assert_eq!(path("a").parent(), None);
        assert_eq!(path("archived/2026-11").join(&deep).unwrap(), path("archived/2026-11/a/b/c.pdf"));
    }
}
