use std::io;

use strongroom_files::within::stat_in;
use strongroom_files::{FileId, Handle, Stat, Time};

/// Identifies a file and its version: an equal one was neither replaced nor written to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileVersion {
    id: FileId,
    pub(crate) size: u64,
    modified: Time,
}

impl FileVersion {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { id: stat.id, size: stat.size, modified: stat.modified }
    }

    pub(crate) fn at(folder: impl Handle, name: &str) -> io::Result<Option<Self>> {
        Ok(stat_in(folder, name)?.as_ref().map(Self::of))
    }

    pub(crate) fn is(&self, stat: &Stat) -> bool {
        stat.is_plain() && *self == Self::of(stat)
    }
}
