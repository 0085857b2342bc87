//! The document root: every file is opened, renamed and deleted beneath it, and no symbolic
//! link is followed on the way.
//!
//! All of this blocks: call it from a blocking thread.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::path::RelativePath;

/// Above so many folders, one `syncfs` costs less than an `fsync` of each.
const MOST_FSYNCS: usize = 8;

/// File systems on which `syncfs` is known to write out names and bytes: ext2/3/4, XFS,
/// Btrfs and F2FS (`statfs(2)`). On FUSE it may do nothing at all.
#[cfg(target_os = "linux")]
const HONOURS_SYNCFS: [u32; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010];

/// The folder that all timesheets lie in. Clones share one descriptor.
#[derive(Debug, Clone)]
pub(crate) struct DocumentRoot {
    folder: Arc<OwnedFd>,
    path: Arc<Path>,
    syncfs: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) kind: EntryKind,
    pub(crate) size_bytes: u64,
    /// Device and inode: two names of one file share them.
    pub(crate) file_id: (u64, u64),
    pub(crate) modified_at: Timestamp,
    /// When its bytes and its inode were changed last, in nanoseconds since 1970.
    pub(crate) times_ns: (i128, i128),
}

/// What kind of thing a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    /// A symbolic link, a socket, a device: nothing that we read or write.
    Other,
}

impl DocumentRoot {
    /// Opens an existing folder; the way to it may lead over symbolic links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let folder = rustix::fs::open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let syncfs = honours_syncfs(&folder);
        Ok(Self { folder: Arc::new(folder), path: path.into(), syncfs })
    }

    /// Where it is, without symbolic links on the way.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a file lies for the operating system. Only for messages and for comparing: a
    /// file is opened by [`Self::open_file`].
    pub(crate) fn absolute(&self, path: &RelativePath) -> PathBuf {
        path.parts().fold(self.path.to_path_buf(), |folder, part| folder.join(part))
    }

    /// Opens a regular file for reading.
    pub(crate) fn open_file(&self, path: &RelativePath) -> io::Result<File> {
        let folder = self.parent_of(path)?;
        // Without NONBLOCK, opening a pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&folder, path.name(), flags, Mode::empty())?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(Errno::LOOP.into()) }
    }

    /// Creates a file that must not exist, for writing.
    pub(crate) fn create_file(&self, path: &RelativePath) -> io::Result<File> {
        let folder = self.parent_of(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP;
        Ok(rustix::fs::openat(&folder, path.name(), flags, mode)?.into())
    }

    /// What stands at a path; `None` where nothing does.
    pub(crate) fn entry(&self, path: &RelativePath) -> io::Result<Option<Entry>> {
        let found = self
            .parent_of(path)
            .and_then(|folder| Ok(rustix::fs::statat(&folder, path.name(), AtFlags::SYMLINK_NOFOLLOW)?));
        match found {
            Ok(stat) => Ok(Some(Entry::of(&stat))),
            // A file where a folder is meant to be leaves no room for the name either.
            Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::NOENT | Errno::NOTDIR)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a folder and those above it; gives the folders that got a new entry, which must
    /// be synced before anything below counts as durable.
    pub(crate) fn create_folders(&self, path: &RelativePath) -> io::Result<Vec<Option<RelativePath>>> {
        let mut changed = Vec::new();
        let mut above: Option<RelativePath> = None;
        let mut folder = self.root()?;
        for part in path.parts() {
            match rustix::fs::mkdirat(&folder, part, Mode::RWXU | Mode::RGRP | Mode::XGRP) {
                Ok(()) => changed.push(above.clone()),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder = enter(&folder, part)?;
            above = Some(descend(above.as_ref(), part));
        }
        Ok(changed)
    }

    /// Gives a file another name, where nothing has that name yet: `AlreadyExists` where
    /// something has.
    pub(crate) fn rename(&self, from: &RelativePath, to: &RelativePath) -> io::Result<()> {
        let (source, target) = (self.parent_of(from)?, self.parent_of(to)?);
        match rustix::fs::renameat_with(&source, from.name(), &target, to.name(), RenameFlags::NOREPLACE) {
            // File systems without that flag. A link refuses a taken name as well; if we stop
            // between the two steps, both names are one file, which the next start tidies.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                rustix::fs::linkat(&source, from.name(), &target, to.name(), AtFlags::empty())?;
                Ok(rustix::fs::unlinkat(&source, from.name(), AtFlags::empty())?)
            }
            other => Ok(other?),
        }
    }

    /// Deletes a file; that it is gone already is no error. Gives whether it was there.
    pub(crate) fn remove_file(&self, path: &RelativePath) -> io::Result<bool> {
        let removed =
            self.parent_of(path).and_then(|folder| Ok(rustix::fs::unlinkat(&folder, path.name(), AtFlags::empty())?));
        match removed {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes the names in these folders durable (`None` is the root itself).
    pub(crate) fn sync_folders(&self, folders: &BTreeSet<Option<RelativePath>>) -> io::Result<()> {
        if self.syncfs && folders.len() > MOST_FSYNCS {
            return self.sync_all();
        }
        for path in folders {
            let synced = self.folder(path.as_ref()).and_then(|folder| Ok(rustix::fs::fsync(&folder)?));
            match synced {
                // A folder that is gone has no names left to lose.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Makes the bytes of these files durable: with one call where the file system honours
    /// that.
    pub(crate) fn sync_files(&self, files: &[File]) -> io::Result<()> {
        if self.syncfs && files.len() > MOST_FSYNCS {
            return self.sync_all();
        }
        files.iter().try_for_each(File::sync_all)
    }

    /// The open folder that holds the file, every part of the way being a real folder.
    fn parent_of(&self, path: &RelativePath) -> io::Result<OwnedFd> {
        self.folder(path.parent().as_ref())
    }

    pub(crate) fn folder(&self, path: Option<&RelativePath>) -> io::Result<OwnedFd> {
        let mut folder = self.root()?;
        for part in path.into_iter().flat_map(RelativePath::parts) {
            folder = enter(&folder, part)?;
        }
        Ok(folder)
    }

    fn root(&self) -> io::Result<OwnedFd> {
        self.folder.try_clone()
    }

    #[cfg(target_os = "linux")]
    fn sync_all(&self) -> io::Result<()> {
        Ok(rustix::fs::syncfs(&*self.folder)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_all(&self) -> io::Result<()> {
        unreachable!("syncfs is only chosen on Linux")
    }
}

impl Entry {
    fn of(stat: &rustix::fs::Stat) -> Self {
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Folder,
            _ => EntryKind::Other,
        };
        let nanosecond = i32::try_from(stat.st_mtime_nsec).unwrap_or_default();
        Self {
            kind,
            size_bytes: u64::try_from(stat.st_size).unwrap_or_default(),
            file_id: (stat.st_dev, stat.st_ino),
            // A time outside of the calendar (years -9999 to 9999) can only be a broken one.
            modified_at: Timestamp::new(stat.st_mtime, nanosecond).unwrap_or(Timestamp::UNIX_EPOCH),
            times_ns: (
                nanoseconds(stat.st_mtime, stat.st_mtime_nsec.into()),
                nanoseconds(stat.st_ctime, stat.st_ctime_nsec.into()),
            ),
        }
    }

    /// What an open file is.
    pub(crate) fn of_file(file: &File) -> io::Result<Self> {
        Ok(Self::of(&rustix::fs::fstat(file)?))
    }

    pub(crate) fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }

    /// Whether it is the same file with the same bytes, as far as one can see without reading
    /// it. A rename changes the second of the times.
    pub(crate) fn is_same_content(&self, other: &Self) -> bool {
        (self.kind, self.file_id, self.size_bytes, self.times_ns.0)
            == (other.kind, other.file_id, other.size_bytes, other.times_ns.0)
    }
}

fn nanoseconds(seconds: i64, nanoseconds: i128) -> i128 {
    i128::from(seconds) * 1_000_000_000 + nanoseconds
}

/// Opens a folder within a folder, unless it is a symbolic link.
fn enter(folder: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, name, flags, Mode::empty())?)
}

fn descend(above: Option<&RelativePath>, part: &OsStr) -> RelativePath {
    use std::os::unix::ffi::OsStrExt;
    above
        .map_or_else(|| RelativePath::new(part.as_bytes()), |above| above.child(part))
        .expect("a part of a path below the root is one itself")
}

#[cfg(target_os = "linux")]
fn honours_syncfs(folder: &OwnedFd) -> bool {
    // `f_type` has another type on each architecture; the numbers fit 32 bits on all.
    rustix::fs::fstatfs(folder).is_ok_and(|stat| HONOURS_SYNCFS.contains(&(stat.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn honours_syncfs(_folder: &OwnedFd) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    fn root() -> (tempfile::TempDir, DocumentRoot) {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        (dir, root)
    }

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).unwrap()
    }

    #[test]
    fn r9_no_link_leads_out_of_the_root() {
        let (dir, root) = root();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        symlink(outside.path(), dir.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();

        assert!(root.open_file(&path("folder/secret")).is_err());
        assert!(root.open_file(&path("file")).is_err());
        assert!(root.create_file(&path("folder/new")).is_err());
        assert!(root.create_folders(&path("folder/new")).is_err());
        assert!(root.remove_file(&path("folder/secret")).is_err());
        assert!(outside.path().join("secret").exists());
        assert_eq!(root.entry(&path("file")).unwrap().unwrap().kind, EntryKind::Other);
    }

    #[test]
    fn a_rename_never_replaces() {
        let (dir, root) = root();
        std::fs::write(dir.path().join("a"), "a").unwrap();
        std::fs::write(dir.path().join("b"), "b").unwrap();
        let error = root.rename(&path("a"), &path("b")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"b");
        root.rename(&path("a"), &path("c")).unwrap();
        assert!(root.entry(&path("a")).unwrap().is_none());
    }

    #[test]
    fn made_folders_name_what_must_be_synced() {
        let (_dir, root) = root();
        let changed = root.create_folders(&path("a/b/c")).unwrap();
        assert_eq!(changed, [None, Some(path("a")), Some(path("a/b"))]);
        assert_eq!(root.create_folders(&path("a/b/d")).unwrap(), [Some(path("a/b"))]);
        assert!(root.create_folders(&path("a/b")).unwrap().is_empty());
        root.sync_folders(&changed.into_iter().collect()).unwrap();
    }

    #[test]
    fn a_pipe_is_no_file_and_does_not_make_us_wait() {
        let (dir, root) = root();
        let status = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
        assert!(status.success());
        assert!(root.open_file(&path("pipe")).is_err());
    }

    #[test]
    fn a_new_file_takes_no_ones_place() {
        let (_dir, root) = root();
        root.create_file(&path("a")).unwrap().write_all(b"1").unwrap();
        assert_eq!(root.create_file(&path("a")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(root.remove_file(&path("a")).unwrap());
        assert!(!root.remove_file(&path("a")).unwrap());
    }
}
