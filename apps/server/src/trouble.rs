//! Tells errors of one file from those of the disk or this process, which every other request would meet as well.

use std::io;

use strongroom_files::{Call, ErrorClass, meaning};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiskTrouble {
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
    /// The server's user may not write there.
    Rights,
    /// The process has too many files open.
    Files,
    /// There is no memory left.
    Memory,
}

impl DiskTrouble {
    /// `None` if the failed call concerns one file: see the table of [`meaning`].
    pub(crate) fn of(call: Call, error: &io::Error) -> Option<Self> {
        Some(match meaning(call, error)?.class {
            ErrorClass::Room if error.kind() == io::ErrorKind::QuotaExceeded => Self::Quota,
            ErrorClass::Room => Self::Full,
            ErrorClass::ReadOnly => Self::ReadOnly,
            ErrorClass::Disk => Self::Failing,
            ErrorClass::Gone => Self::Gone,
            ErrorClass::Host if error.kind() == io::ErrorKind::OutOfMemory => Self::Memory,
            ErrorClass::Host => Self::Files,
            // Where nothing can be created, no file can be taken or archived; a refused rename or deletion concerns
            // that file or its folder.
            ErrorClass::Rights if matches!(call, Call::Create) => Self::Rights,
            ErrorClass::Rights
            | ErrorClass::File
            | ErrorClass::Unfit
            | ErrorClass::Taken
            | ErrorClass::Missing
            | ErrorClass::Unsupported
            | ErrorClass::Nobody => return None,
        })
    }

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Full | Self::Quota => "disk-full",
            Self::ReadOnly => "disk-read-only",
            Self::Failing => "disk-failing",
            Self::Gone => "disk-gone",
            Self::Rights => "disk-not-writable",
            Self::Files | Self::Memory => "no-resources",
        }
    }

    pub(crate) const fn message(self) -> &'static str {
        match self {
            Self::Full => "the server's disk is full, in bytes or in inodes; make room",
            Self::Quota => "the disk quota of the server's user is used up; raise it or make room",
            Self::ReadOnly => "the server's disk or database is read-only, perhaps after an error; see dmesg",
            Self::Failing => "the server's disk reports errors; see dmesg and smartctl",
            Self::Gone => "the server's disk or share is not there; see that it is mounted",
            Self::Rights => {
                "the server's user may not create files in its document root; give it the folders (chown), \
                 `.strongroom`, `uploads` and `archived` among them"
            }
            Self::Files => "the server has too many files open; raise its limit of open files",
            Self::Memory => "the server has no memory left",
        }
    }
}
