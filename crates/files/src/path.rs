use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

/// Linux's `PATH_MAX`.
const MAX_PATH_BYTES: usize = 4096;
/// The longest name: Linux's `NAME_MAX`.
pub const MAX_NAME_BYTES: usize = 255;

/// Whether a path stays below a root: no part is empty, `.`, `..` or too long. Names need not be text.
#[must_use]
pub fn stays_below(path: &[u8]) -> bool {
    let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && part.len() <= MAX_NAME_BYTES && !part.contains(&0);
    path.len() <= MAX_PATH_BYTES && path.split(|byte| *byte == b'/').all(plain)
}

/// A second check, so that a caller's mistake cannot lead out (`EINVAL`).
pub(crate) fn checked(path: &Path) -> io::Result<&Path> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || stays_below(bytes) { Ok(path) } else { Err(Errno::INVAL.into()) }
}

/// Parent (empty: the root) and name; `None` for the root.
pub(crate) fn split(path: &Path) -> Option<(&Path, &OsStr)> {
    let bytes = path.as_os_str().as_bytes();
    let (folder, name) = match bytes.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&bytes[..slash], &bytes[slash + 1..]),
        None => (&bytes[..0], bytes),
    };
    (!name.is_empty()).then(|| (Path::new(OsStr::from_bytes(folder)), OsStr::from_bytes(name)))
}

/// Bytes as a name or path.
#[must_use]
pub fn name_of(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_a_path_has_only_plain_parts() {
        for bad in ["/etc", "a//b", "a/../b", "..", "./a", "a/", "a\0b", &"x".repeat(256), &"a/".repeat(3000)] {
            assert!(!stays_below(bad.as_bytes()), "{bad:?}");
            assert!(checked(Path::new(bad)).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b.pdf", "...", ".hidden", "caf\u{e9}"] {
            assert!(stays_below(good.as_bytes()), "{good:?}");
        }
        assert!(stays_below(b"caf\xe9") && !stays_below(b""));
        assert!(checked(Path::new("")).is_ok(), "the root itself");
    }

    #[test]
    fn a_path_is_split_into_its_folder_and_its_name() {
        let parts =
            |text| split(Path::new(text)).map(|(folder, name)| (folder.to_str().unwrap(), name.to_str().unwrap()));
        assert_eq!(parts("a/b/c"), Some(("a/b", "c")));
        assert_eq!(parts("a"), Some(("", "a")));
        assert_eq!(parts(""), None);
    }
}
