//! A mounted drive, checked and held open only while something is being received: it can be unmounted between runs.

mod access;
mod recognise;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use strongroom_files::within::{create_in, names_in, remove_in};
use strongroom_files::{
    Backing, Beneath, Cache, Call, Creation, ErrorClass, FileId, Filesystem, Folder, Handle, Locked, Refusal, Use,
    faulted, meaning, sync,
};
use strongroom_model::{ByteCount, DriveId};
use strongroom_service::fault;

pub(crate) use self::access::Access;
use self::recognise::missing;
pub(crate) use self::recognise::{birth, open_top, read_identity};
use crate::bag::{BagCache, Bags};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::identity::{self, Identity};
use crate::name;
use crate::relative::Relative;
use crate::space::Space;
use crate::temporary::whole_name;

const LOCKS: [&str; 3] = [PRESENCE_LOCK, crate::bag::MANIFEST_LOCK, crate::batch::NAMES_LOCK];
/// Shared by writers, exclusive for recovery.
const PRESENCE_LOCK: &str = "writers.lock";
/// Where a file system limits them: folders, temporary files and manifests of a few batches.
const RESERVE_FILES: u64 = 1024;

/// For the owner and an auditing group, whatever the umask.
pub(crate) const FILE_MODE: u32 = 0o640;
pub(crate) const FOLDER_MODE: u32 = 0o750;

#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) root: PathBuf,
    pub(crate) top: Beneath,
    pub(crate) identity: Identity,
    access: Access,
    /// Announced bytes of partial files that are not written yet.
    promised_bytes: AtomicU64,
    /// Set by a failed sync: nothing written before can be relied on.
    failed: AtomicBool,
    syncing: Mutex<()>,
    presence: OnceLock<Locked>,
    unicode: OnceLock<bool>,
    backing: OnceLock<Backing>,
    pub(crate) bags: Arc<Bags>,
}

/// Tells mounts apart: drive, top folder and, where the kernel has it, mount number.
pub(crate) type MountKey = (DriveId, FileId, Option<u64>);

impl Mount {
    /// It may be read-only or full.
    pub(crate) fn open(root: &Path, expect: Option<DriveId>, access: Access) -> Result<Self, DriveError> {
        let top = open_top(root)?;
        let identity = access.identity(read_identity(root, &top))?;
        if let Some(expected) = expect.filter(|expected| *expected != identity.id) {
            return Err(DriveErrorKind::OtherDrive { expected, found: Box::new(identity) }.at(root));
        }
        // An identity copied into memory, or memory mounted over a drive: files would be lost with the power.
        if access != Access::ReadAnyCopy
            && !identity.in_memory
            && Backing::of(&top).is_ok_and(|backing| backing == Backing::Memory)
        {
            return Err(DriveErrorKind::InMemory.at(root));
        }
        Ok(Self {
            root: root.to_owned(),
            top,
            identity,
            access,
            promised_bytes: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            syncing: Mutex::new(()),
            presence: OnceLock::new(),
            unicode: OnceLock::new(),
            backing: OnceLock::new(),
            bags: Arc::default(),
        })
    }

    pub(crate) fn remembering(mut self, cache: &BagCache) -> Self {
        self.bags = cache.bags_of(&self);
        self
    }

    pub(crate) fn key(&self) -> MountKey {
        (self.identity.id, self.top.id(), self.top.mount_id())
    }

    pub(crate) fn filesystem(&self) -> Filesystem {
        self.top.filesystem()
    }

    pub(crate) fn backing(&self) -> Backing {
        *self.backing.get_or_init(|| Backing::of(&self.top).unwrap_or(Backing::Cache(Cache::Unknown)))
    }

    pub(crate) fn is_current(&self) -> bool {
        !self.has_failed() && self.top.is_at(&self.root)
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.top.id() == other.top.id()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::SeqCst)
    }

    pub(crate) fn error(&self, action: Operation, path: impl fmt::Display, source: impl Into<io::Error>) -> DriveError {
        DriveError::from_io(&self.root, action, path, source.into())
    }

    /// One of ours, if it exists. A link there is an obstacle.
    pub(crate) fn own_folder(&self, path: &Relative) -> Result<Option<Folder>, DriveError> {
        match self.top.folder(path) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.open_error(Operation::Open, path, error)),
        }
    }

    pub(crate) fn make_own_folder(&self, path: &Relative) -> Result<Folder, DriveError> {
        self.check_access_is_write()?;
        self.top
            .make_folder(path)
            .map(|made| made.folder)
            .map_err(|error| self.open_error(Operation::Create, path, error))
    }

    /// In an existing parent: a month's folder only appears as a complete bag.
    pub(crate) fn add_own_folder(&self, path: &Relative) -> Result<Folder, DriveError> {
        self.check_access_is_write()?;
        self.top.add_folder(path).map_err(|error| self.open_error(Operation::Create, path, error))
    }

    /// The drive's error for a folder of ours, else the file's.
    pub(crate) fn open_error(&self, action: Operation, path: &Relative, error: io::Error) -> DriveError {
        if !matches!(Refusal::of(&error), Some(Refusal::Link | Refusal::NotFolder | Refusal::OtherFilesystem)) {
            return self.error(action, path, error);
        }
        let mut at = path.clone();
        while let Some((parent, _)) = at.split() {
            if self.top.folder(&parent).is_ok() {
                break;
            }
            at = parent;
        }
        if is_kept(&at) { DriveErrorKind::Linked.at(&self.root).about(at) } else { DriveErrorKind::NotPlain.of(at) }
    }

    pub(crate) fn space(&self) -> Result<Space, DriveError> {
        strongroom_files::Space::of(&self.top).map(Space::from).map_err(|source| missing(&self.root, source))
    }

    pub(crate) fn check_writable(&self) -> Result<(), DriveError> {
        self.check_access_is_write()?;
        if self.space()?.read_only {
            return Err(DriveErrorKind::ReadOnly.at(&self.root));
        }
        let folders = [".", identity::FOLDER].map(|name| (name.to_owned(), Use::Fill));
        // Locks belong to whoever made them: root, after a manual run.
        let locks = LOCKS.map(|name| (own_path(name).to_string(), Use::Write));
        folders.into_iter().chain(locks).try_for_each(|(path, needed)| self.check_access(&path, needed))
    }

    /// A missing file will be made.
    pub(crate) fn check_access(&self, path: &str, needed: Use) -> Result<(), DriveError> {
        match self.top.may(path, needed) {
            Err(error) if Refusal::of(&error) == Some(Refusal::Missing) => Ok(()),
            found => found.map_err(|source| self.error(Operation::Open, path, source)),
        }
    }

    /// Escapes letters beyond ASCII where the mounted file system cannot hold them.
    pub(crate) fn name_for(&self, original: &str) -> String {
        let escaped = name::escape(original);
        if escaped.is_ascii() || self.holds_unicode() { escaped } else { name::escape_strictly(original) }
    }

    /// Tried once, for the first such name.
    pub(crate) fn holds_unicode(&self) -> bool {
        *self.unicode.get_or_init(|| self.access != Access::Write || self.try_unicode().unwrap_or(true))
    }

    fn try_unicode(&self) -> io::Result<bool> {
        let folder = self.top.folder(identity::FOLDER)?;
        let name = whole_name(&format!("\u{e4}\u{65e5}-{}", std::process::id()));
        remove_in(&folder, &name).or_else(|error| if is_unfit(&error) { Ok(false) } else { Err(error) })?;
        let made =
            faulted(|| fault!("drive.try-name")).and_then(|()| create_in(&folder, &name, Creation::New, FILE_MODE));
        match made {
            Err(error) if is_unfit(&error) => return Ok(false),
            made => drop(made?),
        }
        let held = names_in(&folder)?.iter().any(|there| *there == *name);
        // If we stop before this, recovery removes it.
        remove_in(&folder, &name)?;
        Ok(held)
    }

    pub(crate) fn check_room(&self, reserve: ByteCount, needed: ByteCount) -> Result<(), DriveError> {
        let space = self.space()?;
        let promised = ByteCount(self.promised_bytes.load(Ordering::SeqCst));
        if let Some(left) = space.files.filter(|left| *left < RESERVE_FILES) {
            return Err(DriveErrorKind::FullOfFiles { left, reserve: RESERVE_FILES }.at(&self.root));
        }
        if space.free >= reserve + promised + needed {
            return Ok(());
        }
        Err(DriveErrorKind::Full { free: space.free, reserve, needed: promised + needed }.at(&self.root))
    }

    pub(crate) fn promise(self: &Arc<Self>, bytes: ByteCount) -> Promise {
        self.promised_bytes.fetch_add(bytes.0, Ordering::SeqCst);
        Promise { mount: Arc::clone(self), bytes: bytes.0 }
    }

    /// Announces a writer until the mount is dropped; waits while another process recovers.
    pub(crate) fn announce(&self) -> Result<(), DriveError> {
        if self.presence.get().is_none() {
            let lock = self.lock_file(PRESENCE_LOCK)?;
            let lock =
                Locked::shared(lock).map_err(|source| self.error(Operation::Lock, own_path(PRESENCE_LOCK), source))?;
            // Two threads may get here: the second shared lock is dropped.
            let _ = self.presence.set(lock);
        }
        Ok(())
    }

    /// Locks out writers; `None` if there are any.
    pub(crate) fn alone(&self) -> Result<Option<Locked>, DriveError> {
        let lock = self.lock_file(PRESENCE_LOCK)?;
        Locked::try_exclusive(lock).map_err(|source| self.error(Operation::Lock, own_path(PRESENCE_LOCK), source))
    }

    pub(crate) fn lock_file(&self, name: &str) -> Result<File, DriveError> {
        self.check_access_is_write()?;
        let own = Relative::root().join(identity::FOLDER);
        let open = || create_in(self.top.folder(&own)?, name, Creation::OrOpen, FILE_MODE);
        open().map_err(|source| self.error(Operation::Create, own.join(name), source))
    }

    /// Serialized: an error is reported once per open file description (fsync(2), syncfs(2)), and all who wrote
    /// before must get it.
    pub(crate) fn sync_all(&self) -> io::Result<()> {
        let _turn = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_failed() {
            return Err(io::Error::other("an earlier sync failed"));
        }
        let synced = faulted(|| fault!("drive.sync")).and_then(|()| self.top.sync_all());
        if synced.is_err() {
            self.failed.store(true, Ordering::SeqCst);
        }
        synced
    }

    /// Never repeated after an error: the pages then count as clean, unwritten.
    pub(crate) fn sync_file(&self, file: impl Handle) -> io::Result<()> {
        faulted(|| fault!("drive.sync"))?;
        sync::sync_file(file)
    }

    pub(crate) fn sync_folder(&self, path: &Relative) -> io::Result<()> {
        let folder = self.top.folder(path)?;
        faulted(|| fault!("drive.sync"))?;
        sync::sync_folder(folder)
    }
}

fn is_unfit(error: &io::Error) -> bool {
    meaning(Call::Create, error).is_some_and(|meaning| meaning.class == ErrorClass::Unfit)
}

fn own_path(name: &str) -> Relative {
    Relative::root().join(identity::FOLDER).join(name)
}

/// Reserved room, released as it is written or on drop.
#[derive(Debug)]
pub(crate) struct Promise {
    mount: Arc<Mount>,
    bytes: u64,
}

impl Promise {
    pub(crate) fn keep(&mut self, bytes: u64) {
        let kept = bytes.min(self.bytes);
        self.bytes -= kept;
        self.mount.promised_bytes.fetch_sub(kept, Ordering::SeqCst);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.keep(self.bytes);
    }
}

fn is_kept(path: &Relative) -> bool {
    let mut parts = path.as_str().split('/');
    parts.clone().count() <= 3 || parts.next() == Some(identity::FOLDER)
}
