use std::io;
use std::path::Path;

use rustix::fs::{StatVfs, StatVfsMountFlags};
use strongroom_service::fault;

use crate::Handle;
use crate::call::call;

/// A file system's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Size in bytes.
    pub total: u64,
    /// More files that fit, where limited.
    pub files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}

impl Space {
    /// Of an open file or folder.
    pub fn of(folder: impl Handle) -> io::Result<Self> {
        call(|| fault!("files.statfs"), || rustix::fs::fstatvfs(&folder)).map(Self::from)
    }

    /// Of the file system at a path.
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
