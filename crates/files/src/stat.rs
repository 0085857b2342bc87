//! Attributes of files.

use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, StatxFlags};

use crate::Handle;

/// Device and inode; hard links share them.
pub type FileId = (u64, u64);

/// A file's attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its type.
    pub kind: FileKind,
    /// Its device and inode.
    pub id: FileId,
    /// Its size in bytes.
    pub size: u64,
    /// When its bytes last changed.
    pub modified: Time,
    /// When bytes, names or permissions last changed; cannot be set.
    pub changed: Time,
    /// Whether it has another hard link.
    pub has_other_names: bool,
}

/// A file's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A link, socket or device: never opened.
    Other,
}

/// A time since 1970; it may exceed any calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time {
    /// Whole seconds.
    pub seconds: i64,
    /// And nanoseconds.
    pub nanoseconds: u32,
}

impl Stat {
    /// Of an open file or folder.
    pub fn of(file: impl Handle) -> io::Result<Self> {
        Ok(Self::from(&rustix::fs::fstat(file)?))
    }

    /// Whether it is a plain file.
    pub fn is_plain(&self) -> bool {
        self.kind == FileKind::File
    }

    /// Whether file and bytes are the same by attributes; the name may differ.
    pub fn is_same_content(&self, other: &Self) -> bool {
        (self.kind, self.id, self.size, self.modified) == (other.kind, other.id, other.size, other.modified)
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.kind == FileKind::Folder
    }
}

impl Time {
    /// In nanoseconds.
    pub fn nanoseconds_since_1970(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds)
    }
}

impl From<&rustix::fs::Stat> for Stat {
    fn from(stat: &rustix::fs::Stat) -> Self {
        let time = |seconds, nanoseconds: u64| Time { seconds, nanoseconds: u32::try_from(nanoseconds).unwrap_or(0) };
        Self {
            kind: match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => FileKind::File,
                FileType::Directory => FileKind::Folder,
                _ => FileKind::Other,
            },
            id: (stat.st_dev, stat.st_ino),
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: time(stat.st_mtime, stat.st_mtime_nsec),
            changed: time(stat.st_ctime, stat.st_ctime_nsec),
            has_other_names: stat.st_nlink > 1,
        }
    }
}

/// A file's birth time, where [`Filesystem::keeps_birth`](crate::Filesystem::keeps_birth).
pub fn birth_of(file: impl Handle) -> Option<Time> {
    let stat = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME).ok()?;
    let is_known = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    is_known.then_some(Time { seconds: stat.stx_btime.tv_sec, nanoseconds: stat.stx_btime.tv_nsec })
}

/// Whether it is a mount point: its device differs from its parent's.
pub fn is_mount_point(folder: &Path) -> bool {
    let device = |path: &Path| rustix::fs::stat(path).map(|stat| stat.st_dev).ok();
    device(folder) != device(&folder.join(".."))
}
