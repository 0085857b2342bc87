use std::io;

use rustix::io::Errno;

/// Errors that callers distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// `ENOENT`.
    Missing,
    /// `EEXIST`.
    Exists,
    /// A symbolic link (`ELOOP`).
    Link,
    /// Not a folder (`ENOTDIR`).
    NotFolder,
    /// Not a plain file (`EISDIR`).
    NotFile,
    /// Another file system (`EXDEV`).
    OtherFilesystem,
    /// Forbidden to all: an immutable file (`EPERM`).
    Forbidden,
    /// In use (`EBUSY`).
    Busy,
    /// The device reports an error (`EIO`).
    Device,
}

const ERRNOS: [(Refusal, Errno); 9] = [
    (Refusal::Missing, Errno::NOENT),
    (Refusal::Exists, Errno::EXIST),
    (Refusal::Link, Errno::LOOP),
    (Refusal::NotFolder, Errno::NOTDIR),
    (Refusal::NotFile, Errno::ISDIR),
    (Refusal::OtherFilesystem, Errno::XDEV),
    (Refusal::Forbidden, Errno::PERM),
    (Refusal::Busy, Errno::BUSY),
    (Refusal::Device, Errno::IO),
];

impl Refusal {
    /// Classifies an error; `None` for others.
    pub fn of(error: &io::Error) -> Option<Self> {
        let errno = errno(error)?;
        ERRNOS.into_iter().find(|(_, known)| *known == errno).map(|(refusal, _)| refusal)
    }
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        let (_, errno) = ERRNOS.into_iter().find(|(known, _)| *known == refusal).expect("each has a row");
        errno.into()
    }
}

pub(crate) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().map(Errno::from_raw_os_error)
}

/// Whether the file system lacks the call.
pub(crate) fn is_unsupported(error: &io::Error) -> bool {
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
