use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use strongroom_service::fault;

use crate::Folder;
use crate::call::call;
use crate::filesystem::Filesystem;
use crate::path::{checked, split};
use crate::refusal::errno;
use crate::stat::{FileId, Stat};
use crate::within::{Creation, create_in, make_in, plain, remove_in, rename_in, stat_in};

/// `EAGAIN`: the tree was being renamed (openat2(2)).
const MAX_OPEN_ATTEMPTS: u32 = 16;
/// Another process may remove the folder or its parent.
const MAX_MAKE_ATTEMPTS: u32 = 16;

/// How entries below a root are opened and made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether other file systems below the root are refused (`EXDEV`).
    pub one_file_system: bool,
    /// The mode of new files, such as `0o640`.
    pub file_mode: u32,
    /// The mode of new folders, such as `0o750`.
    pub folder_mode: u32,
}

/// A folder that was opened or made.
#[derive(Debug)]
pub struct MadeFolder {
    /// The folder.
    pub folder: Folder,
    /// Folders with a new entry, outermost first (empty: the root): syncing these makes the new ones durable.
    pub changed: Vec<PathBuf>,
}

/// An open root folder. Paths are relative, with `/` between plain parts; the empty path is the root; others are
/// refused (`EINVAL`).
#[derive(Debug)]
pub struct Beneath {
    top: Folder,
    id: FileId,
    policy: Policy,
    filesystem: Filesystem,
    /// Without `openat2` (before Linux 5.6, and in some sandboxes).
    walks: AtomicBool,
}

impl Beneath {
    /// Opens a root; its own path may lead through links.
    pub fn open(path: &Path, policy: Policy) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = call(|| fault!("files.open-root"), || rustix::fs::open(path, flags, Mode::empty()))?;
        let id = Stat::of(&top)?.id;
        let filesystem = Filesystem::of(&top)?;
        Ok(Self { top, id, policy, filesystem, walks: AtomicBool::new(false) })
    }

    /// What the root's file system supports.
    pub const fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    pub(crate) const fn stays_on_one_file_system(&self) -> bool {
        self.policy.one_file_system
    }

    /// The root's device and inode.
    pub const fn id(&self) -> FileId {
        self.id
    }

    /// Its mount's number. Before Linux 6.8 it may be reused after an unmount.
    pub fn mount_id(&self) -> Option<u64> {
        // `STATX_MNT_ID_UNIQUE` (linux/stat.h); older kernels omit it from `stx_mask`.
        let unique = StatxFlags::from_bits_retain(0x4000);
        [unique, StatxFlags::MNT_ID].into_iter().find_map(|mask| {
            let stat = rustix::fs::statx(&self.top, "", AtFlags::EMPTY_PATH, mask).ok()?;
            StatxFlags::from_bits_retain(stat.stx_mask).contains(mask).then_some(stat.stx_mnt_id)
        })
    }

    /// Whether `path` leads to this folder now.
    pub fn is_at(&self, path: &Path) -> bool {
        rustix::fs::stat(path).is_ok_and(|stat| Stat::from(&stat).id == self.id)
    }

    /// Opens a folder; `ELOOP` or `ENOTDIR` where a link or a file is on the way.
    pub fn folder(&self, path: impl AsRef<Path>) -> io::Result<Folder> {
        self.open_at(path.as_ref(), OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens for reading; anything but a plain file, such as a pipe, is refused (`EISDIR`).
    pub fn file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let file = self.open_at(path.as_ref(), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        plain(file)
    }

    /// Creates a plain file in an existing folder, or opens it where `creation` allows.
    pub fn create(&self, path: impl AsRef<Path>, creation: Creation) -> io::Result<File> {
        let (folder, name) = split(path.as_ref()).ok_or(Errno::ISDIR)?;
        checked(path.as_ref())?;
        create_in(self.folder(folder)?, name, creation, self.policy.file_mode)
    }

    /// Opens a folder; makes it and missing parents.
    pub fn make_folder(&self, path: impl AsRef<Path>) -> io::Result<MadeFolder> {
        let mut changed = Vec::new();
        let folder = self.make(path.as_ref(), &mut changed, MAX_MAKE_ATTEMPTS)?;
        Ok(MadeFolder { folder, changed })
    }

    fn make(&self, path: &Path, changed: &mut Vec<PathBuf>, attempts: u32) -> io::Result<Folder> {
        for _ in 0..attempts {
            match self.folder(path) {
                Err(error) if errno(&error) == Some(Errno::NOENT) => {}
                opened => return opened,
            }
            let Some((parent, name)) = split(path) else { break };
            let folder = match self.folder(parent) {
                Err(error) if errno(&error) == Some(Errno::NOENT) => self.make(parent, changed, attempts)?,
                opened => opened?,
            };
            match make_in(&folder, name, self.policy.folder_mode) {
                Ok(()) => changed.push(parent.to_owned()),
                Err(error) if matches!(errno(&error), Some(Errno::EXIST | Errno::NOENT)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Opens a folder, or makes it in an existing parent.
    pub fn add_folder(&self, path: impl AsRef<Path>) -> io::Result<Folder> {
        let path = path.as_ref();
        let Some((parent, name)) = split(path) else { return self.folder(path) };
        for _ in 0..MAX_MAKE_ATTEMPTS {
            match self.folder(path) {
                Err(error) if errno(&error) == Some(Errno::NOENT) => {}
                opened => return opened,
            }
            match make_in(self.folder(parent)?, name, self.policy.folder_mode) {
                Ok(()) => {}
                Err(error) if errno(&error) == Some(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Attributes; `None` if it or its parent folder is missing.
    pub fn stat(&self, path: impl AsRef<Path>) -> io::Result<Option<Stat>> {
        let Some((folder, name)) = split(path.as_ref()) else { return Stat::of(&self.top).map(Some) };
        checked(path.as_ref())?;
        match self.folder(folder) {
            Err(error) if matches!(errno(&error), Some(Errno::NOENT | Errno::NOTDIR)) => Ok(None),
            folder => stat_in(folder?, name),
        }
    }

    /// Renames without replacing (`EEXIST` if taken).
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let ((from_folder, from_name), (to_folder, to_name)) =
            split(from.as_ref()).zip(split(to.as_ref())).ok_or(Errno::INVAL)?;
        checked(from.as_ref())?;
        checked(to.as_ref())?;
        rename_in(self.folder(from_folder)?, from_name, self.folder(to_folder)?, to_name)
    }

    /// Deletes a file, or a link itself; whether there was one.
    pub fn remove(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        let (folder, name) = split(path.as_ref()).ok_or(Errno::ISDIR)?;
        checked(path.as_ref())?;
        match self.folder(folder) {
            Err(error) if errno(&error) == Some(Errno::NOENT) => Ok(false),
            folder => remove_in(folder?, name),
        }
    }

    /// Deletes a folder, if all in it are plain files with names of `ours` (else `ENOTEMPTY`); whether there was one.
    pub fn remove_folder_of(
        &self,
        path: impl AsRef<Path>,
        ours: impl Fn(&std::ffi::OsStr) -> bool,
    ) -> io::Result<bool> {
        let (above, own) = split(path.as_ref()).ok_or(Errno::BUSY)?;
        let folder = match self.folder(path.as_ref()) {
            Err(error) if errno(&error) == Some(Errno::NOENT) => return Ok(false),
            folder => folder?,
        };
        let names = crate::within::names_in(&folder)?;
        for name in &names {
            let plain = stat_in(&folder, name)?.is_none_or(|stat| stat.is_plain());
            if !plain || !ours(name) {
                return Err(Errno::NOTEMPTY.into());
            }
        }
        // By the open folder: a link in its place leads nowhere else.
        for name in &names {
            remove_in(&folder, name)?;
        }
        crate::within::remove_folder_in(self.folder(above)?, own)
    }

    fn open_at(&self, path: &Path, flags: OFlags) -> io::Result<Folder> {
        let name = if checked(path)?.as_os_str().is_empty() { Path::new(".") } else { path };
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        resolve.set(ResolveFlags::NO_XDEV, self.policy.one_file_system);
        for _ in 0..MAX_OPEN_ATTEMPTS {
            if self.walks.load(Ordering::Relaxed) {
                break;
            }
            let opened =
                call(|| fault!("files.open"), || rustix::fs::openat2(&self.top, name, flags, Mode::empty(), resolve));
            match opened {
                Err(error) if errno(&error) == Some(Errno::AGAIN) => {}
                // Sandboxes answer EPERM for unknown calls; `walk` finds real refusals.
                Err(error) if matches!(errno(&error), Some(Errno::NOSYS | Errno::PERM | Errno::INVAL)) => {
                    return self.walk(path, flags).inspect(|_| self.walks.store(true, Ordering::Relaxed));
                }
                opened => return opened,
            }
        }
        self.walk(path, flags)
    }

    fn walk(&self, path: &Path, flags: OFlags) -> io::Result<Folder> {
        let Some((folder, name)) = split(path) else {
            return call(|| fault!("files.open"), || rustix::fs::openat(&self.top, ".", flags, Mode::empty()));
        };
        let mut at: Option<Folder> = None;
        for part in folder {
            let from = at.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
            let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let opened = call(|| fault!("files.open"), || rustix::fs::openat(from, part, step, Mode::empty()))?;
            at = Some(self.stay(opened)?);
        }
        let from = at.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
        self.stay(call(|| fault!("files.open"), || rustix::fs::openat(from, name, flags, Mode::empty()))?)
    }

    /// Plain files are not checked: on overlayfs they report their layer's device.
    fn stay(&self, fd: Folder) -> io::Result<Folder> {
        if !self.policy.one_file_system {
            return Ok(fd);
        }
        let stat = Stat::of(&fd)?;
        if stat.id.0 == self.id.0 || !stat.is_folder() { Ok(fd) } else { Err(Errno::XDEV.into()) }
    }
}

impl AsFd for Beneath {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.top.as_fd()
    }
}

#[cfg(test)]
mod tests;
