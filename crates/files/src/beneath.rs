//! A root folder, and files below it: never outside of it, never through a symbolic link.

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

/// How often an open is tried again where the kernel says that the tree was moving.
const MAX_OPEN_ATTEMPTS: u32 = 16;
/// How often missing folders are made again where someone tidies them away meanwhile.
const MAX_MAKE_ATTEMPTS: u32 = 16;

/// What holds for all that lies below a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Whether another file system mounted below the root is refused (`EXDEV`).
    pub one_file_system: bool,
    /// The permissions of new files, such as `0o640`.
    pub file_mode: u32,
    /// The permissions of new folders, such as `0o750`.
    pub folder_mode: u32,
}

/// A folder that was opened, and made where it was missing.
#[derive(Debug)]
pub struct Made {
    /// The folder.
    pub folder: Folder,
    /// The folders that got a new entry on the way, outermost first (the empty path is the root): the new
    /// ones are durable when these are synced.
    pub changed: Vec<PathBuf>,
}

/// A root folder, held open, and all that lies beneath it. Paths are relative to it, with `/` between plain parts;
/// the empty path is the root itself. Any other path is refused (`EINVAL`).
#[derive(Debug)]
pub struct Beneath {
    top: Folder,
    id: FileId,
    policy: Policy,
    filesystem: Filesystem,
    /// Kernels before 5.6, and some sandboxes, have no `openat2`.
    walks: AtomicBool,
}

impl Beneath {
    /// Opens the root itself; its own path may lead through links.
    ///
    /// # Errors
    /// The calls'.
    pub fn open(path: &Path, policy: Policy) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = call(|| fault!("files.open-root"), || rustix::fs::open(path, flags, Mode::empty()))?;
        let id = Stat::of(&top)?.id;
        let filesystem = Filesystem::of(&top)?;
        Ok(Self { top, id, policy, filesystem, walks: AtomicBool::new(false) })
    }

    /// What may be relied on there.
    #[must_use]
    pub const fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    /// Whether nothing below the root lies on another file system.
    pub(crate) const fn stays_on_one_file_system(&self) -> bool {
        self.policy.one_file_system
    }

    /// Which folder the root is.
    #[must_use]
    pub const fn id(&self) -> FileId {
        self.id
    }

    /// Which mount it was opened through: where the kernel has such numbers (Linux 6.8 and later), no other mount has
    /// had it since the host was started; before that, none at the same time.
    #[must_use]
    pub fn mount_id(&self) -> Option<u64> {
        // `STATX_MNT_ID_UNIQUE` (linux/stat.h). A kernel that does not know it leaves it out of the answer.
        let unique = StatxFlags::from_bits_retain(0x4000);
        [unique, StatxFlags::MNT_ID].into_iter().find_map(|asked| {
            let stat = rustix::fs::statx(&self.top, "", AtFlags::EMPTY_PATH, asked).ok()?;
            StatxFlags::from_bits_retain(stat.stx_mask).contains(asked).then_some(stat.stx_mnt_id)
        })
    }

    /// Whether this root is the folder that stands at `path` now.
    #[must_use]
    pub fn is_at(&self, path: &Path) -> bool {
        rustix::fs::stat(path).is_ok_and(|stat| Stat::from(&stat).id == self.id)
    }

    /// Opens a folder, for reading it and for syncing it.
    ///
    /// # Errors
    /// The call's; `ELOOP` or `ENOTDIR` where a link or a file stands on the way.
    pub fn folder(&self, path: impl AsRef<Path>) -> io::Result<Folder> {
        self.open_at(path.as_ref(), OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a plain file for reading; anything else, such as a pipe, which would block, is
    /// refused as `EISDIR`.
    ///
    /// # Errors
    /// The call's.
    pub fn file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let file = self.open_at(path.as_ref(), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        plain(file)
    }

    /// Creates a plain file, or opens one that is there if `creation` lets it, for reading and writing. Its folder
    /// must be there.
    ///
    /// # Errors
    /// The call's.
    pub fn create(&self, path: impl AsRef<Path>, creation: Creation) -> io::Result<File> {
        let (folder, name) = split(path.as_ref()).ok_or(Errno::ISDIR)?;
        checked(path.as_ref())?;
        create_in(self.folder(folder)?, name, creation, self.policy.file_mode)
    }

    /// Opens a folder, and makes what is missing on the way to it.
    ///
    /// # Errors
    /// The calls'.
    pub fn make_folder(&self, path: impl AsRef<Path>) -> io::Result<Made> {
        let mut changed = Vec::new();
        let folder = self.make(path.as_ref(), &mut changed, MAX_MAKE_ATTEMPTS)?;
        Ok(Made { folder, changed })
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
                // The parent may be tidied away before we come to it: then once more.
                Err(error) if matches!(errno(&error), Some(Errno::EXIST | Errno::NOENT)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Opens a folder, and makes it if it is missing, but none on the way to it.
    ///
    /// # Errors
    /// The calls'.
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
                // It may be tidied away before we come to open it: then once more.
                Err(error) if errno(&error) == Some(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Errno::NOENT.into())
    }

    /// What stands at a path; `None` where nothing does, and where a file stands in place of a folder on the
    /// way.
    ///
    /// # Errors
    /// The calls'.
    pub fn stat(&self, path: impl AsRef<Path>) -> io::Result<Option<Stat>> {
        let Some((folder, name)) = split(path.as_ref()) else { return Stat::of(&self.top).map(Some) };
        checked(path.as_ref())?;
        match self.folder(folder) {
            Err(error) if matches!(errno(&error), Some(Errno::NOENT | Errno::NOTDIR)) => Ok(None),
            folder => stat_in(folder?, name),
        }
    }

    /// Gives a file another name, where nothing has that name yet: `EEXIST` where something has.
    ///
    /// # Errors
    /// The calls'.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let ((from_folder, from_name), (to_folder, to_name)) =
            split(from.as_ref()).zip(split(to.as_ref())).ok_or(Errno::INVAL)?;
        checked(from.as_ref())?;
        checked(to.as_ref())?;
        rename_in(self.folder(from_folder)?, from_name, self.folder(to_folder)?, to_name)
    }

    /// Deletes a file, or a link itself: whether there was one.
    ///
    /// # Errors
    /// The calls'.
    pub fn remove(&self, path: impl AsRef<Path>) -> io::Result<bool> {
        let (folder, name) = split(path.as_ref()).ok_or(Errno::ISDIR)?;
        checked(path.as_ref())?;
        match self.folder(folder) {
            Err(error) if errno(&error) == Some(Errno::NOENT) => Ok(false),
            folder => remove_in(folder?, name),
        }
    }

    /// Deletes a folder and the files in it, if it is a folder, and all that lies in it are plain files whose names
    /// are `ours`: whether it was there. Nothing is deleted otherwise (`ENOTEMPTY`).
    ///
    /// # Errors
    /// The calls'.
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
        // Unlinking removes a name of this very folder, even if a link took its place meanwhile.
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
                // EPERM comes from sandboxes that do not know the call; walking finds out whether it is real.
                Err(error) if matches!(errno(&error), Some(Errno::NOSYS | Errno::PERM | Errno::INVAL)) => {
                    return self.walk(path, flags).inspect(|_| self.walks.store(true, Ordering::Relaxed));
                }
                opened => return opened,
            }
        }
        self.walk(path, flags)
    }

    /// What `openat2` does, one part of the path after the other.
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

    /// Files are not asked: on overlayfs they tell the device of the layer that they lie in.
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
