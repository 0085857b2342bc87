//! Files opened beneath a folder: never outside of it, never through a symbolic link, never
//! on another file system.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

/// How often an open is tried again where the kernel says that the tree was moving.
const MAX_OPEN_ATTEMPTS: u32 = 16;
/// How often missing folders are made again where someone tidies them away meanwhile.
const MAX_MAKE_ATTEMPTS: u32 = 16;
/// How many names are read of one folder: more than a manifest can list, and not enough to hurt.
const MAX_NAMES: usize = 4_000_000;
/// How long a relative path may be, in bytes (Linux's `PATH_MAX`).
const MAX_PATH_BYTES: usize = 4096;

const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// A path below a drive's root, with `/` between its parts, none of which is empty, `.` or
/// `..`. The empty path is the root.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Relative(String);

impl Relative {
    pub(crate) const fn root() -> Self {
        Self(String::new())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= 255 && !part.contains('\0');
        (text.len() <= MAX_PATH_BYTES && text.split('/').all(plain)).then(|| Self(text.to_owned()))
    }

    /// The path of `name` in this folder. `name` is one part, made by this crate.
    pub(crate) fn join(&self, name: &str) -> Self {
        debug_assert!(Self::parse(name).is_some() && !name.contains('/'), "{name:?} is one part of a path");
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// The folder that holds it, and its name there; `None` for the root.
    pub(crate) fn split(&self) -> Option<(Self, &str)> {
        match self.0.rsplit_once('/') {
            Some((folder, name)) => Some((Self(folder.to_owned()), name)),
            None if self.0.is_empty() => None,
            None => Some((Self::root(), &self.0)),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Relative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the root folder" } else { &self.0 })
    }
}

/// A folder, held open, and all that lies beneath it on the same file system.
#[derive(Debug)]
pub(crate) struct Beneath {
    top: OwnedFd,
    device: u64,
    inode: u64,
    /// Kernels before 5.6, and some sandboxes, have no `openat2`.
    walks: AtomicBool,
}

impl Beneath {
    /// Opens the folder itself; its own path may lead through links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let top = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let stat = rustix::fs::fstat(&top)?;
        Ok(Self { top, device: stat.st_dev, inode: stat.st_ino, walks: AtomicBool::new(false) })
    }

    /// Whether this folder is the one that stands at `path` now.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        rustix::fs::stat(path).is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (self.device, self.inode))
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.top.as_fd()
    }

    /// Opens a folder, for reading it and for syncing it.
    pub(crate) fn folder(&self, path: &Relative) -> io::Result<OwnedFd> {
        self.open_at(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// Opens a plain file for reading; anything else, such as a pipe, which would block, is
    /// refused as `EISDIR`.
    pub(crate) fn file(&self, path: &Relative) -> io::Result<OwnedFd> {
        let file = self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
        if is_plain(&rustix::fs::fstat(&file)?) { Ok(file) } else { Err(Errno::ISDIR.into()) }
    }

    /// Opens a folder, and makes what is missing on the way to it.
    pub(crate) fn make_folder(&self, path: &Relative) -> io::Result<OwnedFd> {
        for _ in 0..MAX_MAKE_ATTEMPTS {
            match self.folder(path) {
                Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
                opened => return opened,
            }
            let Some((parent, name)) = path.split() else { break };
            let parent = self.make_folder(&parent)?;
            match rustix::fs::mkdirat(&parent, name, FOLDER_MODE) {
                // The parent may be tidied away before we come to it: then once more.
                Ok(()) | Err(Errno::EXIST | Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::NOENT.into())
    }

    /// Opens a folder, and makes it if it is missing, but none on the way to it.
    pub(crate) fn add_folder(&self, path: &Relative) -> io::Result<OwnedFd> {
        let Some((parent, name)) = path.split() else { return self.folder(path) };
        for _ in 0..MAX_MAKE_ATTEMPTS {
            match self.folder(path) {
                Err(error) if error.raw_os_error() == Some(Errno::NOENT.raw_os_error()) => {}
                opened => return opened,
            }
            match rustix::fs::mkdirat(self.folder(&parent)?, name, FOLDER_MODE) {
                // It may be tidied away before we come to open it: then once more.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::NOENT.into())
    }

    fn open_at(&self, path: &Relative, flags: OFlags) -> io::Result<OwnedFd> {
        let name = if path.0.is_empty() { "." } else { &path.0 };
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV;
        for _ in 0..MAX_OPEN_ATTEMPTS {
            if self.walks.load(Ordering::Relaxed) {
                break;
            }
            match rustix::fs::openat2(&self.top, name, flags, Mode::empty(), resolve) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                // EPERM comes from sandboxes that do not know the call; walking finds out whether it is real.
                Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => self.walks.store(true, Ordering::Relaxed),
                opened => return Ok(opened?),
            }
        }
        self.walk(path, flags)
    }

    /// What `openat2` does, one part of the path after the other.
    fn walk(&self, path: &Relative, flags: OFlags) -> io::Result<OwnedFd> {
        let Some((folder, name)) = path.split() else {
            return Ok(rustix::fs::openat(&self.top, ".", flags, Mode::empty())?);
        };
        let mut at: Option<OwnedFd> = None;
        for part in folder.0.split('/').filter(|part| !part.is_empty()) {
            let from = at.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
            let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            at = Some(self.stay(rustix::fs::openat(from, part, step, Mode::empty())?)?);
        }
        let from = at.as_ref().map_or(self.top.as_fd(), AsFd::as_fd);
        self.stay(rustix::fs::openat(from, name, flags, Mode::empty())?)
    }

    /// Files are not asked: on overlayfs they tell the device of the layer that they lie in.
    fn stay(&self, fd: OwnedFd) -> io::Result<OwnedFd> {
        let stat = rustix::fs::fstat(&fd)?;
        if stat.st_dev == self.device || !is_folder(&stat) { Ok(fd) } else { Err(Errno::XDEV.into()) }
    }
}

/// Creates or opens a plain file in an open folder, for reading and writing.
pub(crate) fn create_in(folder: impl AsFd, name: &str, also: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags | also, FILE_MODE)?;
    if is_plain(&rustix::fs::fstat(&file)?) { Ok(file) } else { Err(Errno::ISDIR.into()) }
}

/// What stands under `name` in an open folder, links not followed; `None` where nothing does.
pub(crate) fn stat_in(folder: impl AsFd, name: &str) -> io::Result<Option<Stat>> {
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The names in an open folder, without `.` and `..`; those that are no UTF-8 are left out, for
/// they are not ours.
pub(crate) fn names_in(folder: impl AsFd) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(folder)? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Ok("." | "..") | Err(_) => {}
            Ok(_) if names.len() == MAX_NAMES => return Err(io::Error::other("there are too many names in it")),
            Ok(name) => names.push(name.to_owned()),
        }
    }
    Ok(names)
}

pub(crate) fn is_plain(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

pub(crate) fn is_folder(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the same checks with `openat2` and with the walk that stands in for it.
    fn both_ways(check: impl Fn(&Path, &Beneath)) {
        for walks in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            let beneath = Beneath::open(dir.path()).unwrap();
            beneath.walks.store(walks, Ordering::Relaxed);
            check(dir.path(), &beneath);
            assert_eq!(beneath.walks.load(Ordering::Relaxed), walks, "openat2 works here");
        }
    }

    fn path(text: &str) -> Relative {
        Relative::parse(text).unwrap()
    }

    #[test]
    fn a_path_has_only_plain_parts() {
        for bad in ["", "/etc", "a//b", "a/../b", "..", "./a", "a/", "a\0b", &"x".repeat(256), &"a/".repeat(3000)] {
            assert!(Relative::parse(bad).is_none(), "{bad:?}");
        }
        assert_eq!(path("a/b/c").split(), Some((path("a/b"), "c")));
    }

    #[test]
    fn folders_are_made_and_files_found_beneath_the_top() {
        both_ways(|top, beneath| {
            beneath.make_folder(&path("a/b/c")).unwrap();
            std::fs::write(top.join("a/b/c/x"), b"x").unwrap();
            beneath.file(&path("a/b/c/x")).unwrap();
            beneath.folder(&Relative::root()).unwrap();
            beneath.add_folder(&path("a/b/d")).unwrap();
            beneath.add_folder(&path("a/b/d")).unwrap();
            assert_eq!(beneath.add_folder(&path("a/e/f")).unwrap_err().kind(), io::ErrorKind::NotFound);
            assert!(!top.join("a/e").exists());
            assert_eq!(beneath.file(&path("a/y")).unwrap_err().kind(), io::ErrorKind::NotFound);
        });
    }

    #[test]
    fn no_link_is_followed_wherever_it_stands() {
        both_ways(|top, beneath| {
            let outside = tempfile::tempdir().unwrap();
            std::fs::write(outside.path().join("x"), b"x").unwrap();
            std::fs::create_dir(top.join("a")).unwrap();
            std::os::unix::fs::symlink(outside.path(), top.join("a/link")).unwrap();
            std::os::unix::fs::symlink(outside.path().join("x"), top.join("a/x")).unwrap();
            std::os::unix::fs::symlink("a", top.join("inside")).unwrap();
            for name in ["a/link/x", "a/x", "inside/x"] {
                let error = beneath.file(&path(name)).unwrap_err().raw_os_error().map(Errno::from_raw_os_error);
                assert!(matches!(error, Some(Errno::LOOP | Errno::NOTDIR)), "{name}: {error:?}");
            }
            for name in ["a/link", "inside"] {
                let error = beneath.folder(&path(name)).unwrap_err().raw_os_error().map(Errno::from_raw_os_error);
                assert!(matches!(error, Some(Errno::LOOP | Errno::NOTDIR)), "{name}: {error:?}");
                beneath.make_folder(&path(name).join("deeper")).unwrap_err();
            }
            assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
        });
    }

    #[test]
    fn another_file_system_beneath_is_not_entered() {
        let beneath = Beneath::open(Path::new("/")).unwrap();
        for walks in [false, true] {
            beneath.walks.store(walks, Ordering::Relaxed);
            let error = beneath.file(&path("proc/self/status")).unwrap_err();
            assert!(matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::XDEV | Errno::LOOP)));
        }
    }

    #[test]
    fn a_pipe_is_refused_and_does_not_block() {
        both_ways(|top, beneath| {
            rustix::fs::mknodat(rustix::fs::CWD, top.join("pipe"), FileType::Fifo, FILE_MODE, 0).unwrap();
            beneath.file(&path("pipe")).unwrap_err();
            create_in(beneath.fd(), "pipe", OFlags::empty()).unwrap_err();
        });
    }
}
