//! How much room there is.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::StatVfsMountFlags;
use strongroom_files::call;
use strongroom_model::ByteCount;
use strongroom_service::fault;

/// How much room there is on a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What may still be written, by us.
    pub free: ByteCount,
    /// The size of the file system.
    pub total: ByteCount,
    /// How many more files it can hold, where it has such a limit.
    pub(crate) files: Option<u64>,
    pub(crate) read_only: bool,
}

impl Space {
    pub(crate) fn of(folder: impl AsFd) -> io::Result<Self> {
        let stat = call(|| fault!("files.statfs"), || rustix::fs::fstatvfs(&folder))?;
        let bytes = |blocks: u64| ByteCount(blocks.saturating_mul(stat.f_frsize));
        Ok(Self {
            free: bytes(stat.f_bavail),
            total: bytes(stat.f_blocks),
            files: (stat.f_files > 0).then_some(stat.f_favail),
            read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}
