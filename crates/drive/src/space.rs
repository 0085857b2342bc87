//! How much room there is.

use strongroom_model::ByteCount;

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

impl From<strongroom_files::Space> for Space {
    fn from(space: strongroom_files::Space) -> Self {
        let (free, total) = (ByteCount(space.free), ByteCount(space.total));
        Self { free, total, files: space.files, read_only: space.read_only }
    }
}
