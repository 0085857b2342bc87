//! Restored files, in a folder that is no drive.

mod name;

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use strongroom_files::within::{remove_in, rename_in};
use strongroom_files::{Backing, Beneath, Cache, Folder, Locked, Policy, Refusal, Stat, Time, rights, sync};
use strongroom_model::digest::PairHasher;
use strongroom_model::event::ReadBack;
use strongroom_model::{Digest, text};
use strongroom_service::kill_point;

pub use self::name::restored_name;
use self::name::{MAX_NUMBERED, numbered};
use crate::drive::read_back::{AlignedBuffer, Sink, read_open};
use crate::error::DriveError;
use crate::identity;
use crate::mount::{FILE_MODE, FOLDER_MODE};
use crate::proof::{LoggedCopy, ProvenRead, ReadBackResult};
use crate::relative::Relative;
use crate::temporary::{hold, part_name};

/// Other processes may restore into the same folder.
const MAX_RENAME_ATTEMPTS: u32 = 16;

/// A folder that files are restored to. Nothing in it is replaced, removed or followed.
#[derive(Debug)]
pub struct RestoreFolder {
    root: PathBuf,
    top: Beneath,
    backing: Backing,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// It was written, durably, and read back.
    Written {
        /// Its path below the folder.
        path: String,
        /// How it was read back.
        method: ReadBack,
    },
    /// The same content was there already.
    Already {
        /// Its path below the folder.
        path: String,
    },
    /// The source is not what was proven: nothing was written.
    SourceDiffers(ProvenRead),
}

/// Why a file could not be restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreFileError {
    /// The drive that it is read from.
    #[error(transparent)]
    Source(#[from] DriveError),
    /// The folder is a backup drive, or on one.
    #[error("{} is on a backup drive, which stays as it is; name a folder elsewhere", .0.display())]
    IsDrive(PathBuf),
    /// It leads out of the folder.
    #[error("{0:?} is not a path below the folder to restore to")]
    BadPath(String),
    /// Another process restores the same file.
    #[error("another process is restoring {0}; it finishes it")]
    Busy(String),
    /// What was written reads differently.
    #[error("{0} reads differently than it was written; check the disk, and restore it to another one")]
    WrongBytes(String),
    /// Too many others have its name.
    #[error("there are too many files of the name {0}; restore to an empty folder")]
    TooMany(String),
    /// The operating system refused.
    #[error("cannot {action} {}: {source}; check the folder and its free space", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl RestoreFolder {
    /// Opens an existing folder.
    pub fn open(root: &Path) -> Result<Self, RestoreFileError> {
        let failed = |source| RestoreFileError::Io { action: "open", path: root.to_owned(), source };
        let whole = root.canonicalize().map_err(failed)?;
        if whole.ancestors().any(|folder| folder.join(identity::PATH).symlink_metadata().is_ok()) {
            return Err(RestoreFileError::IsDrive(root.to_owned()));
        }
        let policy = Policy { one_file_system: true, file_mode: FILE_MODE, folder_mode: FOLDER_MODE };
        let top = Beneath::open(&whole, policy).map_err(failed)?;
        let backing = Backing::of(&top).unwrap_or(Backing::Cache(Cache::Unknown));
        Ok(Self { root: root.to_owned(), top, backing })
    }

    /// Restores a file at `path` below the folder, whose folders are made: temporary file, sync, rename without replacing,
    /// folders synced, read back. `read` gives the source's bytes to its sink, as
    /// [`Drive::read_proven`](crate::Drive::read_proven) does; it is not called if the same content is there already. Where
    /// another content has the name, the file gets a numbered one. Without `modified` it keeps the source's time.
    ///
    /// Repeat it after any error: what is there is not written again.
    pub fn restore(
        &self,
        path: &str,
        copy: &LoggedCopy,
        modified: Option<Time>,
        read: &mut dyn FnMut(&mut Sink<'_>) -> Result<ProvenRead, DriveError>,
    ) -> Result<RestoreOutcome, RestoreFileError> {
        let bad = || RestoreFileError::BadPath(text::printable(path, 200));
        let path = Relative::parse(path).ok_or_else(bad)?;
        let (folder, name) = path.split().ok_or_else(bad)?;
        let opened = self.top.make_folder(&folder).map_err(self.failed("make", &folder))?.folder;
        if let Place::Already(path) = self.place(&folder, name, copy)? {
            return Ok(RestoreOutcome::Already { path });
        }
        let part = part_name(&copy.sha256);
        let held = hold(&opened, &part).map_err(self.failed("create", &path))?;
        let file = held.ok_or_else(|| RestoreFileError::Busy(path.to_string()))?;
        let temporary = Temporary { folder: &opened, name: &part, file };
        match self.write(&path, &temporary.file, copy, read)? {
            Written::Proven(source_time) => {
                // Best effort: it is no part of the proof.
                let _ = rights::set_modified(&temporary.file, modified.unwrap_or(source_time));
            }
            Written::Differs(read) => return Ok(RestoreOutcome::SourceDiffers(read)),
        }
        kill_point!("drive.restore-written");
        // If we stop here, the file has a temporary name: the next attempt writes it anew.
        sync::sync_file(&*temporary.file).map_err(self.failed("sync", &path))?;
        self.name(&folder, name, copy, &temporary)
    }

    fn write(
        &self,
        path: &Relative,
        mut file: &File,
        copy: &LoggedCopy,
        read: &mut dyn FnMut(&mut Sink<'_>) -> Result<ProvenRead, DriveError>,
    ) -> Result<Written, RestoreFileError> {
        file.set_len(0).map_err(self.failed("write", path))?;
        file.seek(SeekFrom::Start(0)).map_err(self.failed("write", path))?;
        let (mut hasher, mut written) = (PairHasher::new(copy.sha256.algorithm()), Ok(()));
        let read = read(&mut |bytes| {
            hasher.update(bytes);
            written = file.write_all(bytes);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        written.map_err(self.failed("write", path))?;
        Ok(match read? {
            ProvenRead::Read { result, modified }
                if result.pair.named == copy.sha256 && hasher.finish().named == copy.sha256 =>
            {
                Written::Proven(modified)
            }
            read => Written::Differs(read),
        })
    }

    fn name(
        &self,
        folder: &Relative,
        name: &str,
        copy: &LoggedCopy,
        temporary: &Temporary<'_>,
    ) -> Result<RestoreOutcome, RestoreFileError> {
        for _ in 0..MAX_RENAME_ATTEMPTS {
            let free = match self.place(folder, name, copy)? {
                Place::Already(path) => return Ok(RestoreOutcome::Already { path }),
                Place::Free(free) => free,
            };
            let path = folder.join(&free);
            match rename_in(temporary.folder, temporary.name, temporary.folder, &free) {
                Ok(()) => {}
                Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => continue,
                Err(error) => return Err(self.failed("rename", &path)(error)),
            }
            kill_point!("drive.restore-renamed");
            // If we stop here, a power cut may undo the rename; the bytes were synced before. The next attempt finds the
            // file, or writes it anew.
            self.sync_above(&path)?;
            let method = match self.read_back(&path, &copy.sha256) {
                Ok(read) if read.pair.named == copy.sha256 => read.method,
                Ok(_) => return Err(RestoreFileError::WrongBytes(path.to_string())),
                Err(error) => return Err(self.failed("read back", &path)(error)),
            };
            return Ok(RestoreOutcome::Written { path: path.as_str().to_owned(), method });
        }
        Err(RestoreFileError::TooMany(folder.join(name).to_string()))
    }

    /// The first name that is free, or has the content already.
    fn place(&self, folder: &Relative, name: &str, copy: &LoggedCopy) -> Result<Place, RestoreFileError> {
        for number in 1..=MAX_NUMBERED {
            let name = numbered(name, number);
            let path = folder.join(&name);
            let Some(stat) = self.top.stat(&path).map_err(self.failed("read", &path))? else {
                return Ok(Place::Free(name));
            };
            if !stat.is_plain() || copy.size.is_some_and(|size| size.0 != stat.size) {
                continue;
            }
            // One that cannot be read is another one.
            if self.read_back(&path, &copy.sha256).is_ok_and(|read| read.pair.named == copy.sha256) {
                // Its writer may have stopped before its syncs.
                let file = self.top.file(&path).map_err(self.failed("open", &path))?;
                sync::sync_file(file).map_err(self.failed("sync", &path))?;
                self.sync_above(&path)?;
                return Ok(Place::Already(path.as_str().to_owned()));
            }
        }
        Err(RestoreFileError::TooMany(folder.join(name).to_string()))
    }

    /// An earlier process may have left folders that are not durable.
    fn sync_above(&self, path: &Relative) -> Result<(), RestoreFileError> {
        let mut at = path.clone();
        while let Some((folder, _)) = at.split() {
            at = folder;
            let synced = self.top.folder(&at).and_then(sync::sync_folder);
            synced.map_err(self.failed("sync", &at))?;
        }
        Ok(())
    }

    fn read_back(&self, path: &Relative, sha256: &Digest) -> io::Result<ReadBackResult> {
        let (file, mut buffer) = (self.top.file(path)?, AlignedBuffer::new());
        let read = read_open(&self.top, self.backing, &file, sha256.algorithm(), &mut buffer, &mut |_| {
            ControlFlow::Continue(())
        })?;
        Ok(read.expect("it goes on to the end"))
    }

    fn failed(&self, action: &'static str, path: &Relative) -> impl FnOnce(io::Error) -> RestoreFileError + use<> {
        let path = self.root.join(path);
        move |source| RestoreFileError::Io { action, path, source }
    }
}

enum Place {
    Free(String),
    Already(String),
}

enum Written {
    /// And when the source's bytes were last changed.
    Proven(Time),
    Differs(ProvenRead),
}

/// Removed on drop, unless it was renamed.
struct Temporary<'a> {
    folder: &'a Folder,
    name: &'a str,
    file: Locked,
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        // We hold its lock: under this name there is no other's file.
        let ours = Stat::of(&*self.file).map(|stat| stat.id).ok();
        let there = strongroom_files::within::stat_in(self.folder, self.name).ok().flatten().map(|stat| stat.id);
        if ours.is_some() && ours == there {
            let _ = remove_in(self.folder, self.name);
        }
    }
}
