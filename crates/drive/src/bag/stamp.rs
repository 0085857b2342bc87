use std::io;

use strongroom_files::within::stat_in;
use strongroom_files::{Handle, Stat, Time};

/// Inode, size and modification time: tells a file's versions apart.
pub(super) type Stamp = (u64, u64, Time);

pub(super) fn stamp_of(stat: &Stat) -> Stamp {
    (stat.id.1, stat.size, stat.modified)
}

pub(super) fn stamp_in(folder: impl Handle, name: &str) -> io::Result<Option<Stamp>> {
    Ok(stat_in(folder, name)?.as_ref().map(stamp_of))
}
