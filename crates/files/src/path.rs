use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::io::Errno;

/// Linux's `PATH_MAX`.
const MAX_PATH_BYTES: usize = 4096;
/// The longest name: Linux's `NAME_MAX`.
pub const MAX_NAME_BYTES: usize = 255;

/// Why a path is not one below a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// It is the root itself.
    #[error("the path is empty")]
    Empty,
    /// No system call takes it whole.
    #[error("the path contains a NUL byte")]
    Nul,
    /// No system call takes it.
    #[error("the path is longer than {MAX_PATH_BYTES} bytes")]
    TooLong,
    /// It may lead out of the root, or name nothing.
    #[error("the path has a part that is empty, `.`, `..` or longer than {MAX_NAME_BYTES} bytes")]
    BadPart,
}

/// Checks that a path stays below a root. Names need not be text.
pub fn check_below(path: &[u8]) -> Result<(), BadPath> {
    let plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && part.len() <= MAX_NAME_BYTES;
    match path {
        [] => Err(BadPath::Empty),
        path if path.contains(&0) => Err(BadPath::Nul),
        path if path.len() > MAX_PATH_BYTES => Err(BadPath::TooLong),
        path if path.split(|byte| *byte == b'/').all(plain) => Ok(()),
        _ => Err(BadPath::BadPart),
    }
}

/// A second check, so that a caller's mistake cannot lead out (`EINVAL`).
pub(crate) fn checked(path: &Path) -> io::Result<&Path> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() || check_below(bytes).is_ok() { Ok(path) } else { Err(Errno::INVAL.into()) }
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
pub fn name_of(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_a_path_has_only_plain_parts() {
        for bad in ["/etc", "a//b", "a/../b", "..", "./a", "a/", "a\0b", &"x".repeat(256), &"a/".repeat(3000)] {
            assert!(check_below(bad.as_bytes()).is_err(), "{bad:?}");
            assert!(checked(Path::new(bad)).is_err(), "{bad:?}");
        }
        for good in ["a", "a/b.pdf", "...", ".hidden", "caf\u{e9}"] {
            assert_eq!(check_below(good.as_bytes()), Ok(()), "{good:?}");
        }
        assert_eq!(check_below(b"caf\xe9"), Ok(()));
        assert_eq!(check_below(b""), Err(BadPath::Empty));
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
