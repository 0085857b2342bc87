//! This user's permissions, owners and times.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, Gid, Mode, Timespec, Timestamps, Uid};
use strongroom_service::fault;

use crate::beneath::Beneath;
use crate::call::call;
use crate::stat::Time;

/// The access needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Reading a file.
    Read,
    /// Reading and writing a file.
    Write,
    /// Adding and removing names in a folder.
    Fill,
}

impl From<Use> for Access {
    fn from(needed: Use) -> Self {
        match needed {
            Use::Read => Self::READ_OK,
            Use::Write => Self::READ_OK | Self::WRITE_OK,
            Use::Fill => Self::WRITE_OK | Self::EXEC_OK,
        }
    }
}

impl Beneath {
    /// Fails if this user lacks that access; links are followed.
    pub fn may(&self, path: &str, needed: Use) -> io::Result<()> {
        call(|| fault!("files.access"), || rustix::fs::accessat(self, path, needed.into(), AtFlags::EACCESS))
    }
}

/// As [`Beneath::may`], for any path.
pub fn may(path: &Path, needed: Use) -> io::Result<()> {
    Ok(rustix::fs::accessat(CWD, path, needed.into(), AtFlags::EACCESS)?)
}

/// Copies a file's times and, where permitted, owner and mode.
pub fn keep_attributes(original: &File, copy: &File) -> io::Result<()> {
    let stat = rustix::fs::fstat(original)?;
    let _ = rustix::fs::fchown(copy, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)));
    let _ = rustix::fs::fchmod(copy, Mode::from_raw_mode(stat.st_mode));
    let written = Timespec { tv_sec: stat.st_mtime, tv_nsec: stat.st_mtime_nsec.try_into().unwrap_or_default() };
    let _ = rustix::fs::futimens(copy, &Timestamps { last_access: written, last_modification: written });
    Ok(())
}

/// Whose a file is, and who may do what with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The permission bits, `0o7777` at most.
    pub mode: u32,
    /// The owner's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
}

impl Ownership {
    /// Of an open file.
    pub fn of(file: &File) -> io::Result<Self> {
        let stat = rustix::fs::fstat(file)?;
        Ok(Self { mode: stat.st_mode & 0o7777, user: stat.st_uid, group: stat.st_gid })
    }
}

/// Sets when a file's bytes last changed.
pub fn set_modified(file: &File, modified: Time) -> io::Result<()> {
    let written = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanoseconds.into() };
    Ok(rustix::fs::futimens(file, &Timestamps { last_access: written, last_modification: written })?)
}
