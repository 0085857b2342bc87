//! How much room there is.

use std::io;
use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags};
use strongroom_service::fault;

use crate::Handle;
use crate::call::call;

/// How much room a file system has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// How many bytes may still be written, by us.
    pub free: u64,
    /// Its size, in bytes.
    pub total: u64,
    /// How many more files it can hold, where it has such a limit.
    pub files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

impl Space {
    /// That around an open file or folder.
    ///
    /// # Errors
    /// The call's.
    pub fn of(folder: impl Handle) -> io::Result<Self> {
        call(|| fault!("files.statfs"), || rustix::fs::fstatvfs(&folder)).map(Self::from)
    }

    /// That around a folder which need not be ours.
    ///
    /// # Errors
    /// The call's.
    pub fn at(folder: &Path) -> io::Result<Self> {
        Ok(rustix::fs::statvfs(folder)?.into())
    }
}

impl From<StatVfs> for Space {
    fn from(stat: StatVfs) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
        Self {
            free: bytes(stat.f_bavail),
            total: bytes(stat.f_blocks),
            files: (stat.f_files > 0).then_some(stat.f_favail),
            read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        }
    }
}
