//! A month's bag on a drive (RFC 8493): what it lists, and which folder is whose.

mod cache;
pub(crate) mod draft;
mod folders;
pub(crate) mod journal;
pub(crate) mod kept;
mod listed;
mod stamp;
mod store;
mod tags;
pub(crate) mod text;
mod whole;

use std::sync::{Mutex, MutexGuard};

use strongroom_files::Locked;
use strongroom_model::{Algorithm, Digest};

pub use self::cache::BagCache;
pub(crate) use self::cache::Bags;
use self::folders::Folders;
pub(crate) use self::listed::Listed;
use crate::error::{Action, DriveError, Kind};
use crate::identity;
use crate::manifest::Manifest;
use crate::mount::Mount;
use crate::name;
use crate::place::{BagPlace, Place};
use crate::relative::Relative;

/// Held by whoever reads what a bag lists to change it, in any process.
pub(crate) const MANIFEST_LOCK: &str = "manifest.lock";

/// What is proven in a folder that a booking's file may go into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Nothing: it is free to be written to.
    Nothing,
    /// A copy under that file's name that should be that file, by its digest in the manifest.
    Proven(Digest),
    /// A copy of something else, or a folder that is another booking's.
    Others,
}

/// One month's bag, as it was last seen.
///
/// What is changed on the drive is changed under the manifests' lock, which other processes heed as well. The locks in here are
/// for what is in memory, and held for no sync: a transfer that is begun does not wait for a proof that is listed.
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

    /// The name of the `nth` folder for a booking's file, made if need be, in a bag that is whole, and what it holds.
    /// Folders whose names only differ in case, or in Unicode's normal form, are kept apart on every file
    /// system; and where a proven copy stands that is not the file wanted, the new one gets a folder beside it.
    pub(crate) fn folder_for(
        &self,
        mount: &Mount,
        place: &Place,
        filename: &str,
        nth: u32,
    ) -> Result<(String, Holds), DriveError> {
        self.make_whole(mount)?;
        let plain = mount.name_for(place.booking.as_str());
        let mut folders = self.folders();
        let base = if folders.claim(mount, &plain)? { plain } else { name::escape_strictly(place.booking.as_str()) };
        let folder = if nth == 0 { base } else { name::variant(&base, filename, &place.expected, nth) };
        let holds = holds(&self.known().all, &folder, filename, &place.expected);
        if holds == Holds::Nothing && !folders.claim(mount, &folder)? {
            return Ok((folder, Holds::Others));
        }
        Ok((folder, holds))
    }

    /// Removes a booking's folder if it is empty. The bag stays, though it may hold no copy: it is
    /// valid as it is, and will be wanted again.
    pub(crate) fn tidy(&self, mount: &Mount, folder: &str) {
        self.folders().remove(mount, folder);
    }

    /// What is listed on the drive now. Let go of it soon: every transfer looks at it.
    pub(crate) fn listed(&self, mount: &Mount) -> Result<MutexGuard<'_, Listed>, DriveError> {
        let mut listed = self.known();
        listed.refresh(mount, &self.place)?;
        Ok(listed)
    }

    /// Does something to an unproven file, while nobody can list it.
    ///
    /// # Errors
    /// It is listed, so that it is not to be touched; or what is done fails.
    pub(crate) fn while_unlisted<T>(
        &self,
        mount: &Mount,
        path: &str,
        work: impl FnOnce() -> Result<T, DriveError>,
    ) -> Result<T, DriveError> {
        let _lock = lock_manifests(mount)?;
        if self.listed(mount)?.all.get(path).is_some() {
            return Err(Kind::Proven.of(self.full(path)));
        }
        work()
    }

    /// What was last read of what is listed.
    fn known(&self) -> MutexGuard<'_, Listed> {
        self.listed.lock().unwrap_or_else(|poisoned| {
            // Whoever panicked left nothing that is not read again from the drive.
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

    /// A path in the bag as a path on the drive.
    fn full(&self, inside: &str) -> String {
        self.place.folder().as_str().to_owned() + "/" + inside
    }
}

/// What is proven in a folder.
fn holds(listed: &Manifest, folder: &str, filename: &str, expected: &Digest) -> Holds {
    let copies: Vec<_> = listed.in_folder(folder).collect();
    match &copies[..] {
        [] => Holds::Nothing,
        // Where the server's algorithm is another one, only the copy itself can tell.
        [(name, sha256)] if *name == filename && (expected.algorithm() != Algorithm::Sha256 || sha256 == expected) => {
            Holds::Proven(sha256.clone())
        }
        _ => Holds::Others,
    }
}

/// Keeps every other process from changing what a bag lists.
pub(crate) fn lock_manifests(mount: &Mount) -> Result<Locked, DriveError> {
    let lock = mount.lock_file(MANIFEST_LOCK)?;
    // It is held for one batch or one rewrite, so we wait for it.
    let path = || Relative::root().join(identity::FOLDER).join(MANIFEST_LOCK);
    Locked::in_turn(lock).map_err(|error| mount.error(Action::Lock, path(), error))
}
