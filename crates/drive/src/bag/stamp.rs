//! Telling one version of a file from another.

use std::io;
use std::os::fd::AsFd;

use rustix::fs::Stat;
use strongroom_files::within::stat_in;

/// A file's inode, size and time of change.
pub(super) type Stamp = (u64, i64, i64, u64);

pub(super) fn stamp_of(stat: &Stat) -> Stamp {
    (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec)
}

/// `None`: there is no such file.
pub(super) fn stamp_in(folder: impl AsFd, name: &str) -> io::Result<Option<Stamp>> {
    Ok(stat_in(folder, name)?.as_ref().map(stamp_of))
}
