//! Which file it was that was looked at.

use strongroom_files::{FileId, Stat, Time};

/// A file as it was when it was read. While it is the same, the same file stands there, and nobody wrote to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    id: FileId,
    size: u64,
    modified: Time,
}

impl Seen {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self { id: stat.id, size: stat.size, modified: stat.modified }
    }

    /// Whether what stands there now is that very file.
    pub(crate) fn is(&self, stat: &Stat) -> bool {
        stat.is_plain() && *self == Self::of(stat)
    }
}
