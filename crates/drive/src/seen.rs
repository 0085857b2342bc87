//! Which file it was that was looked at.

use rustix::fs::Stat;
use strongroom_files::{FileId, id_of, is_plain};

/// A file as it was when it was read. While it is the same, the same file stands there, and nobody wrote to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    id: FileId,
    size: i64,
    modified: (i64, i64),
}

impl Seen {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { id: id_of(stat), size: stat.st_size, modified: (stat.st_mtime, stat.st_mtime_nsec.cast_signed()) }
    }

    /// Whether what stands there now is that very file.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        is_plain(stat) && *self == Self::of(stat)
    }
}
