//! The operating system's refusals that callers tell from each other. Whose fault one is, [`meaning`](crate::meaning()) says.

use std::io;

use rustix::io::Errno;

/// Why a call was refused. As an [`io::Error`] it is the operating system's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nothing has that name (`ENOENT`).
    Missing,
    /// Something has that name already (`EEXIST`).
    Exists,
    /// A symbolic link stands there or on the way (`ELOOP`).
    Link,
    /// What stands there or on the way is not a folder (`ENOTDIR`).
    NotFolder,
    /// What stands there is not a plain file (`EISDIR`).
    NotFile,
    /// The way leads to another file system (`EXDEV`).
    OtherFilesystem,
    /// Nobody may do that, whatever the permissions say, such as to an immutable file (`EPERM`).
    Forbidden,
    /// Somebody else is using it (`EBUSY`).
    Busy,
    /// The device reports an error (`EIO`).
    Device,
}

impl Refusal {
    /// The one that an error is; `None` for any other.
    #[must_use]
    pub fn of(error: &io::Error) -> Option<Self> {
        Some(match errno(error)? {
            Errno::NOENT => Self::Missing,
            Errno::EXIST => Self::Exists,
            Errno::LOOP => Self::Link,
            Errno::NOTDIR => Self::NotFolder,
            Errno::ISDIR => Self::NotFile,
            Errno::XDEV => Self::OtherFilesystem,
            Errno::PERM => Self::Forbidden,
            Errno::BUSY => Self::Busy,
            Errno::IO => Self::Device,
            _ => return None,
        })
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        let errno = match refusal {
            Refusal::Missing => Errno::NOENT,
            Refusal::Exists => Errno::EXIST,
            Refusal::Link => Errno::LOOP,
            Refusal::NotFolder => Errno::NOTDIR,
            Refusal::NotFile => Errno::ISDIR,
            Refusal::OtherFilesystem => Errno::XDEV,
            Refusal::Forbidden => Errno::PERM,
            Refusal::Busy => Errno::BUSY,
            Refusal::Device => Errno::IO,
        };
        errno.into()
    }
}

/// The operating system's own number of an error, if it has one.
pub(crate) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// Whether the operating system has no such call on this file system.
#[must_use]
pub fn is_unsupported(error: &io::Error) -> bool {
    matches!(errno(error), Some(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_found_again_in_its_error() {
        use Refusal::{Busy, Device, Exists, Forbidden, Link, Missing, NotFile, NotFolder, OtherFilesystem};
        for refusal in [Missing, Exists, Link, NotFolder, NotFile, OtherFilesystem, Forbidden, Busy, Device] {
            assert_eq!(Refusal::of(&refusal.into()), Some(refusal));
        }
        assert_eq!(Refusal::of(&io::Error::other("x")), None);
        assert_eq!(Refusal::of(&Errno::NOSPC.into()), None);
    }
}
