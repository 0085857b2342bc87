//! A month's bag on a drive (RFC 8493).

mod cache;
pub(crate) mod draft;
mod folders;
pub(crate) mod journal;
mod listed;
pub(crate) mod quarantined;
pub(crate) mod readable;
mod relist;
mod store;
pub(crate) mod tags;
pub(crate) mod text;
pub(crate) mod whole;

use std::sync::{Mutex, MutexGuard};

use strongroom_files::Locked;
use strongroom_model::{Algorithm, Digest};

pub use self::cache::BagCache;
pub(crate) use self::cache::Bags;
use self::folders::Folders;
pub(crate) use self::listed::Listed;
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::identity;
use crate::manifest::Manifest;
use crate::mount::Mount;
use crate::name;
use crate::place::{BagPlace, Destination};
use crate::relative::{Relative, text_names_where};

/// Held, in any process, while a manifest or journal is changed.
pub(crate) const MANIFEST_LOCK: &str = "manifest.lock";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FolderContent {
    Nothing,
    /// The expected file's proven copy; the manifest's digest.
    Proven(Digest),
    /// Proven copies of other content, or another booking's folder.
    Others,
}

/// A month's bag, as last read. Changes on the drive need the manifests' lock, across processes. The mutexes here
/// protect memory only and are never held during a sync, so that transfers do not wait for proofs.
#[derive(Debug)]
pub(crate) struct Bag {
    place: BagPlace,
    folders: Mutex<Folders>,
    listed: Mutex<Listed>,
}

impl Bag {
    fn new(place: BagPlace) -> Self {
        Self { folders: Mutex::new(Folders::new(place.data())), listed: Mutex::default(), place }
    }

    /// The `nth` folder for a booking's file, made if needed. Names that differ only in case or in Unicode's normal
    /// form are kept apart on every file system. Where a proven copy of other content is in the way, the next folder
    /// is tried.
    pub(crate) fn folder_for(
        &self,
        mount: &Mount,
        place: &Destination,
        filename: &str,
        nth: u32,
    ) -> Result<(String, FolderContent), DriveError> {
        self.make_whole(mount)?;
        let plain = mount.name_for(place.booking.as_str());
        let mut folders = self.folders();
        let base = if folders.claim(mount, &plain)? { plain } else { name::escape_strictly(place.booking.as_str()) };
        let folder = if nth == 0 { base } else { name::variant(&base, filename, &place.expected, nth) };
        let holds = holds(&self.known().all, &folder, filename, &place.expected);
        if holds == FolderContent::Nothing && !folders.claim(mount, &folder)? {
            return Ok((folder, FolderContent::Others));
        }
        Ok((folder, holds))
    }

    /// That folder of the bag, made if needed; `Others` also where some file system takes another's name for it.
    pub(crate) fn this_folder(
        &self,
        mount: &Mount,
        folder: &str,
        filename: &str,
        expected: &Digest,
    ) -> Result<FolderContent, DriveError> {
        self.make_whole(mount)?;
        let mut folders = self.folders();
        if !folders.claim(mount, folder)? {
            return Ok(FolderContent::Others);
        }
        Ok(holds(&self.known().all, folder, filename, expected))
    }

    /// Removes a booking's empty folder. An empty bag stays: it is valid.
    pub(crate) fn tidy(&self, mount: &Mount, folder: &str) {
        self.folders().remove(mount, folder);
    }

    /// Every transfer needs this lock: drop it soon.
    pub(crate) fn listed(&self, mount: &Mount) -> Result<MutexGuard<'_, Listed>, DriveError> {
        let mut listed = self.known();
        listed.refresh(mount, &self.place)?;
        Ok(listed)
    }

    /// Folders without proven files. New files only go into such folders ([`Bag::folder_for`]), so unproven ones are in
    /// these: few, however many files a month has. All folders, while the manifest is damaged.
    pub(crate) fn unlisted_folders(&self, mount: &Mount) -> Result<Vec<String>, DriveError> {
        let data = self.place.data();
        let Some(folder) = mount.own_folder(&data)? else { return Ok(Vec::new()) };
        let listed = match self.listed(mount) {
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => None,
            listed => Some(listed?),
        };
        let is_unlisted = |name: &str| listed.as_ref().is_none_or(|listed| listed.all.in_folder(name).next().is_none());
        text_names_where(folder, is_unlisted).map_err(|error| mount.error(Operation::Open, &data, error))
    }

    /// Works on a file while nobody can list it as proven; refuses a listed one.
    pub(crate) fn while_unlisted<T>(
        &self,
        mount: &Mount,
        path: &str,
        work: impl FnOnce() -> Result<T, DriveError>,
    ) -> Result<T, DriveError> {
        let _lock = lock_manifests(mount)?;
        if self.listed(mount)?.all.get(path).is_some() {
            return Err(DriveErrorKind::Proven.of(self.full(path)));
        }
        work()
    }

    fn known(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(|poisoned| {
            // What the panic left is read again from the drive.
            self.listed.clear_poison();
            let mut listed = poisoned.into_inner();
            *listed = Listed::default();
            listed
        })
    }

    fn folders(&self) -> MutexGuard<'_, Folders> {
        self.folders.lock().unwrap_or_else(|poisoned| {
            self.folders.clear_poison();
            let mut folders = poisoned.into_inner();
            *folders = Folders::new(self.place.data());
            folders
        })
    }

    fn full(&self, inside: &str) -> String {
        self.place.folder().as_str().to_owned() + "/" + inside
    }
}

fn holds(listed: &Manifest, folder: &str, filename: &str, expected: &Digest) -> FolderContent {
    let copies: Vec<_> = listed.in_folder(folder).collect();
    match &copies[..] {
        [] => FolderContent::Nothing,
        // With another algorithm only reading the copy can tell.
        [(name, sha256)] if *name == filename && (expected.algorithm() != Algorithm::Sha256 || sha256 == expected) => {
            FolderContent::Proven(sha256.clone())
        }
        _ => FolderContent::Others,
    }
}

pub(crate) fn lock_manifests(mount: &Mount) -> Result<Locked, DriveError> {
    let lock = mount.lock_file(MANIFEST_LOCK)?;
    // Held for one batch or one rewrite, so waiting is short.
    let path = || Relative::root().join(identity::FOLDER).join(MANIFEST_LOCK);
    Locked::exclusive(lock).map_err(|error| mount.error(Operation::Lock, path(), error))
}
