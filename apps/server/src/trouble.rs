//! Whose fault an error is: one file's, or that of the disk or of this process, so that every
//! other request would meet it as well.

use std::io;

use rustix::io::Errno;

/// What keeps the server from writing, whichever file or record it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No bytes or inodes are left.
    Full,
    /// The quota of the server's user is used up.
    Quota,
    /// The file system or the database takes no writes.
    ReadOnly,
    /// The disk reports errors.
    Failing,
    /// The disk or the share is not there.
    Gone,
    /// The process has too many files open.
    Files,
    /// There is no memory left.
    Memory,
}

impl Trouble {
    /// What an error of the operating system's says of the disk, if it does.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        Some(match Errno::from_io_error(error)? {
            Errno::NOSPC => Self::Full,
            Errno::DQUOT => Self::Quota,
            Errno::ROFS => Self::ReadOnly,
            Errno::IO => Self::Failing,
            Errno::NODEV | Errno::NXIO | Errno::NOTCONN | Errno::STALE => Self::Gone,
            Errno::MFILE | Errno::NFILE => Self::Files,
            Errno::NOMEM => Self::Memory,
            _ => return None,
        })
    }

    /// The end of a problem's type.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Full | Self::Quota => "disk-full",
            Self::ReadOnly => "disk-read-only",
            Self::Failing => "disk-failing",
            Self::Gone => "disk-gone",
            Self::Files | Self::Memory => "no-resources",
        }
    }

    /// What is the matter, and what to do.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Full => "the server's disk is full, in bytes or in inodes; make room",
            Self::Quota => "the disk quota of the server's user is used up; raise it or make room",
            Self::ReadOnly => "the server's disk or database is read-only, perhaps after an error; see dmesg",
            Self::Failing => "the server's disk reports errors; see dmesg and smartctl",
            Self::Gone => "the server's disk or share is not there; see that it is mounted",
            Self::Files => "the server has too many files open; raise its limit of open files",
            Self::Memory => "the server has no memory left",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every error number that a durable step may meet, and whose fault it is.
    #[test]
    fn an_error_of_one_file_is_not_taken_for_the_disks() {
        for (number, trouble) in [
            (Errno::NOSPC, Some(Trouble::Full)),
            (Errno::DQUOT, Some(Trouble::Quota)),
            (Errno::ROFS, Some(Trouble::ReadOnly)),
            (Errno::IO, Some(Trouble::Failing)),
            (Errno::STALE, Some(Trouble::Gone)),
            (Errno::NODEV, Some(Trouble::Gone)),
            (Errno::NXIO, Some(Trouble::Gone)),
            (Errno::NOTCONN, Some(Trouble::Gone)),
            (Errno::MFILE, Some(Trouble::Files)),
            (Errno::NFILE, Some(Trouble::Files)),
            (Errno::NOMEM, Some(Trouble::Memory)),
            (Errno::ACCESS, None),
            (Errno::PERM, None),
            (Errno::FBIG, None),
            (Errno::ILSEQ, None),
            (Errno::NAMETOOLONG, None),
            (Errno::XDEV, None),
            (Errno::INTR, None),
            (Errno::TXTBSY, None),
            (Errno::BUSY, None),
            (Errno::INVAL, None),
            (Errno::LOOP, None),
            (Errno::NOTDIR, None),
            (Errno::NOENT, None),
        ] {
            assert_eq!(Trouble::of(&number.into()), trouble, "{number:?}");
        }
        assert_eq!(Trouble::of(&io::Error::other("no number")), None);
    }
}
