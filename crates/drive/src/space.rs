use strongroom_model::ByteCount;

/// A drive's space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What this user may still write.
    pub free: ByteCount,
    /// The file system's size.
    pub total: ByteCount,
    /// How many more files fit, where that is limited.
    pub(crate) files: Option<u64>,
    pub(crate) read_only: bool,
}

impl From<strongroom_files::Space> for Space {
    fn from(space: strongroom_files::Space) -> Self {
        let (free, total) = (ByteCount(space.free), ByteCount(space.total));
        Self { free, total, files: space.files, read_only: space.read_only }
    }
}
