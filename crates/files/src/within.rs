//! Names in one open folder; links are not followed. Callers pass no `/`; the kernel refuses NUL.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use strongroom_service::{fault, kill_point};

use crate::call::call;
use crate::refusal::{errno, is_unsupported};
use crate::stat::Stat;
use crate::{Folder, Handle};

/// More than a manifest can list, few enough for memory.
const MAX_NAMES: usize = 4_000_000;

/// What to do if the name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// Fail with `EEXIST`.
    New,
    /// Open a plain file.
    OrOpen,
}

/// Opens or makes a plain file for reading and writing; `EISDIR` for anything else.
pub fn create_in(folder: impl Handle, name: impl AsRef<OsStr>, creation: Creation, mode: u32) -> io::Result<File> {
    let mut flags =
        OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    flags.set(OFlags::EXCL, creation == Creation::New);
    let file = call(
        || fault!("files.create"),
        || rustix::fs::openat(&folder, name.as_ref(), flags, Mode::from_raw_mode(mode)),
    )?;
    plain(file)
}

pub(crate) fn plain(file: OwnedFd) -> io::Result<File> {
    if Stat::of(&file)?.is_plain() { Ok(file.into()) } else { Err(Errno::ISDIR.into()) }
}

/// Opens a folder; `ELOOP` or `ENOTDIR` for anything else.
pub fn folder_in(folder: impl Handle, name: impl AsRef<OsStr>) -> io::Result<Folder> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    call(|| fault!("files.open"), || rustix::fs::openat(&folder, name.as_ref(), flags, Mode::empty()))
}

/// Makes a folder (`EEXIST` if taken).
pub fn make_in(folder: impl Handle, name: impl AsRef<OsStr>, mode: u32) -> io::Result<()> {
    call(|| fault!("files.mkdir"), || rustix::fs::mkdirat(&folder, name.as_ref(), Mode::from_raw_mode(mode)))
}

/// A name's attributes; `None` if nothing is there.
pub fn stat_in(folder: impl Handle, name: impl AsRef<OsStr>) -> io::Result<Option<Stat>> {
    let found = call(|| fault!("files.stat"), || rustix::fs::statat(&folder, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW));
    Ok(absent_or(found)?.as_ref().map(Stat::from))
}

/// A folder's names, unordered; an error above four million.
pub fn names_in(folder: impl Handle) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for_each_name_in(folder, |name| names.push(name.to_owned()))?;
    Ok(names)
}

/// [`names_in`] for callers that keep only some.
pub fn for_each_name_in(folder: impl Handle, mut visit: impl FnMut(&OsStr)) -> io::Result<()> {
    let folder = call(|| fault!("files.readdir"), || rustix::fs::Dir::read_from(&folder))?;
    let mut count = 0;
    for entry in folder {
        let entry = entry?;
        match entry.file_name().to_bytes() {
            b"." | b".." => {}
            _ if count == MAX_NAMES => return Err(io::Error::other("there are too many names in it")),
            name => {
                count += 1;
                visit(OsStr::from_bytes(name));
            }
        }
    }
    Ok(())
}

/// Removes a file, or a link itself; whether there was one.
pub fn remove_in(folder: impl Handle, name: impl AsRef<OsStr>) -> io::Result<bool> {
    let removed = call(|| fault!("files.unlink"), || rustix::fs::unlinkat(&folder, name.as_ref(), AtFlags::empty()));
    Ok(absent_or(removed)?.is_some())
}

/// Removes an empty folder (else `ENOTEMPTY`); whether there was one.
pub fn remove_folder_in(folder: impl Handle, name: impl AsRef<OsStr>) -> io::Result<bool> {
    let removed = call(|| fault!("files.rmdir"), || rustix::fs::unlinkat(&folder, name.as_ref(), AtFlags::REMOVEDIR));
    Ok(absent_or(removed)?.is_some())
}

fn absent_or<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if errno(&error) == Some(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Renames without replacing (`EEXIST` if taken).
pub fn rename_in(
    from_folder: impl Handle,
    from: impl AsRef<OsStr>,
    to_folder: impl Handle,
    to: impl AsRef<OsStr>,
) -> io::Result<()> {
    rename_guarded(from_folder, from, to_folder, to, || Ok(()))
}

/// [`rename_in`]; without RENAME_NOREPLACE and links (FAT, exFAT), `guard` keeps other processes from making the new
/// name until it is dropped.
pub fn rename_guarded<G>(
    from_folder: impl Handle,
    from: impl AsRef<OsStr>,
    to_folder: impl Handle,
    to: impl AsRef<OsStr>,
    guard: impl FnOnce() -> io::Result<G>,
) -> io::Result<()> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let renamed = call(
        || fault!("files.rename"),
        || rustix::fs::renameat_with(&from_folder, from, &to_folder, to, RenameFlags::NOREPLACE),
    );
    match renamed {
        Err(error) if is_unsupported(&error) => {}
        renamed => return renamed,
    }
    // NFS and some FUSE file systems lack RENAME_NOREPLACE, but a link never replaces. If we stop between link and
    // unlink, both names are one file, and recovery removes the first.
    let linked =
        call(|| fault!("files.link"), || rustix::fs::linkat(&from_folder, from, &to_folder, to, AtFlags::empty()));
    match linked {
        Ok(()) => {
            kill_point!("files.linked");
            return remove_in(&from_folder, from).map(drop);
        }
        Err(error) if errno(&error) == Some(Errno::EXIST) => return Err(error),
        Err(_) => {}
    }
    // No links either, as on FAT; folders never have any.
    let _guard = guard()?;
    match stat_in(&to_folder, to)? {
        Some(_) => Err(Errno::EXIST.into()),
        None => call(|| fault!("files.replace"), || rustix::fs::renameat(&from_folder, from, &to_folder, to)),
    }
}

/// Renames within a folder, replacing: for a file of ours.
pub fn replace_in(folder: impl Handle, from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> io::Result<()> {
    call(|| fault!("files.replace"), || rustix::fs::renameat(&folder, from.as_ref(), &folder, to.as_ref()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, File) {
        let dir = tempfile::tempdir().unwrap();
        let folder = File::open(dir.path()).unwrap();
        (dir, folder)
    }

    #[test]
    fn a_new_file_takes_nobodys_place() {
        let (dir, folder) = folder();
        create_in(&folder, "a", Creation::New, 0o600).unwrap();
        let error = create_in(&folder, "a", Creation::New, 0o600).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        create_in(&folder, "a", Creation::OrOpen, 0o600).unwrap();
        symlink("a", dir.path().join("link")).unwrap();
        create_in(&folder, "link", Creation::OrOpen, 0o600).unwrap_err();
        create_in(&folder, "link", Creation::New, 0o600).unwrap_err();
    }

    #[test]
    fn a_rename_never_replaces() {
        let (dir, folder) = folder();
        fs::write(dir.path().join("a"), "a").unwrap();
        fs::write(dir.path().join("b"), "b").unwrap();
        let error = rename_in(&folder, "a", &folder, "b").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"b");
        rename_in(&folder, "a", &folder, "c").unwrap();
        assert!(stat_in(&folder, "a").unwrap().is_none());
        replace_in(&folder, "c", "b").unwrap();
        assert_eq!(fs::read(dir.path().join("b")).unwrap(), b"a");
    }

    #[test]
    fn what_is_gone_already_is_removed() {
        let (_dir, folder) = folder();
        create_in(&folder, "a", Creation::New, 0o600).unwrap();
        make_in(&folder, "b", 0o700).unwrap();
        assert!(remove_in(&folder, "a").unwrap() && !remove_in(&folder, "a").unwrap());
        assert!(remove_folder_in(&folder, "b").unwrap() && !remove_folder_in(&folder, "b").unwrap());
        remove_in(&folder, "a").unwrap();
    }
}
