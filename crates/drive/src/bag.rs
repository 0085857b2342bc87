//! A month's bag on a drive (RFC 8493): its manifest, and which folder is whose.

pub(crate) mod draft;
mod folders;
pub(crate) mod kept;
mod tags;
pub(crate) mod text;
mod whole;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use strongroom_files::within::stat_in;
use strongroom_files::{Locked, errno, is_folder, is_plain};
use strongroom_model::{Algorithm, Digest};
use strongroom_service::kill_point;

use self::folders::Folders;
use self::whole::write_whole;
use crate::drive::quarantine::move_aside;
use crate::drive::read_back::is_still;
use crate::drive::{inside, relative};
use crate::error::{Action, DriveError};
use crate::hashing::digests_of;
use crate::identity;
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::name;
use crate::place::{BagPlace, Place};
use crate::proof::Proof;
use crate::relative::Relative;
use crate::temporary::sweep_all;

/// Held by whoever reads a manifest to write the next one, in any process.
pub(crate) const MANIFEST_LOCK: &str = "manifest.lock";
/// How many bags are remembered at once: this month's and last month's of a few sites.
const MAX_REMEMBERED: usize = 8;

/// The bags that a process has to do with.
#[derive(Debug, Default)]
pub(crate) struct Bags(Mutex<HashMap<BagPlace, Arc<Mutex<Bag>>>>);

impl Bags {
    /// The bag at `place`. One that is forgotten meanwhile is only read again.
    pub(crate) fn get(&self, place: &BagPlace) -> Arc<Mutex<Bag>> {
        let mut bags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bags.len() >= MAX_REMEMBERED && !bags.contains_key(place) {
            bags.clear();
        }
        Arc::clone(bags.entry(place.clone()).or_insert_with(|| Arc::new(Mutex::new(Bag::new(place.clone())))))
    }
}

/// Whoever panicked while holding it left nothing that is not read again from the drive.
pub(crate) fn lock(bag: &Mutex<Bag>) -> MutexGuard<'_, Bag> {
    bag.lock().unwrap_or_else(|poisoned| {
        let mut bag = poisoned.into_inner();
        bag.forget();
        bag
    })
}

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

/// Tells one version of a manifest's file from another; `None`: there is no file.
type Stamp = Option<(u64, i64, i64, u64)>;

/// One month's bag, as it was last seen.
#[derive(Debug)]
pub(crate) struct Bag {
    place: BagPlace,
    folders: Folders,
    manifest: Manifest,
    seen: Option<Stamp>,
}

impl Bag {
    fn new(place: BagPlace) -> Self {
        Self { folders: Folders::new(place.data()), place, manifest: Manifest::default(), seen: None }
    }

    fn forget(&mut self) {
        *self = Self::new(self.place.clone());
    }

    /// The name of the `nth` folder for a booking's file, made if need be, in a bag that is whole, and what it holds.
    /// Folders whose names only differ in case, or in Unicode's normal form, are kept apart on every file
    /// system; and where a proven copy stands that is not the file wanted, the new one gets a folder beside it.
    pub(crate) fn folder_for(
        &mut self,
        mount: &Mount,
        place: &Place,
        filename: &str,
        nth: u32,
    ) -> Result<(String, Holds), DriveError> {
        self.make_whole(mount)?;
        let plain = mount.name_for(place.booking.as_str());
        let base =
            if self.folders.claim(mount, &plain)? { plain } else { name::escape_strictly(place.booking.as_str()) };
        let folder = if nth == 0 { base } else { name::variant(&base, filename, &place.expected, nth) };
        let holds = self.holds(&folder, filename, &place.expected);
        if holds == Holds::Nothing && !self.folders.claim(mount, &folder)? {
            return Ok((folder, Holds::Others));
        }
        Ok((folder, holds))
    }

    /// Removes a booking's folder if it is empty. The bag stays, though it may hold no copy: it is
    /// valid as it is, and will be wanted again.
    pub(crate) fn tidy(&mut self, mount: &Mount, folder: &str) {
        self.folders.remove(mount, folder);
    }

    /// What is proven in a folder.
    fn holds(&self, folder: &str, filename: &str, expected: &Digest) -> Holds {
        let listed: Vec<_> = self.manifest.in_folder(folder).collect();
        match listed[..] {
            [] => Holds::Nothing,
            // Where the server's algorithm is another one, only the copy itself can tell.
            [(name, sha256)]
                if name == filename && (expected.algorithm() != Algorithm::Sha256 || sha256 == expected) =>
            {
                Holds::Proven(sha256.clone())
            }
            _ => Holds::Others,
        }
    }

    /// The manifest as it is on the drive now.
    pub(crate) fn manifest(&mut self, mount: &Mount) -> Result<&Manifest, DriveError> {
        self.refresh(mount)?;
        Ok(&self.manifest)
    }

    /// Lists proven copies that stand in their places: one answer for each, in their order. If all were listed already,
    /// nothing is written.
    pub(crate) fn list(&mut self, mount: &Mount, proofs: &[Proof]) -> Result<Vec<Result<(), DriveError>>, DriveError> {
        let paths: Vec<_> = proofs.iter().map(|proof| inside(&self.place, proof)).collect();
        if paths.iter().all(Result::is_err) {
            return Ok(paths.into_iter().map(|path| path.map(drop)).collect());
        }
        let _lock = lock_manifests(mount)?;
        self.open(mount)?;
        let mut next = self.manifest.clone();
        let mut folders = BTreeSet::new();
        let listed = proofs
            .iter()
            .zip(paths)
            .map(|(proof, path)| {
                let path = path?;
                // Whoever moves or removes a file holds the same lock: it stays where it is found.
                stands(mount, proof)?;
                let new =
                    next.insert(&path, &proof.sha256).map_err(|_| DriveError::Proven { path: proof.path.clone() })?;
                folders.extend(path.split('/').nth(1).filter(|_| new).map(str::to_owned));
                Ok(())
            })
            .collect();
        self.store_changed(mount, next, &folders)?;
        Ok(listed)
    }

    /// Lists all that the log proves, wherever it is now: whether anything was written.
    fn list_all(&mut self, mount: &Mount, proofs: &BTreeMap<String, Digest>) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        self.open(mount)?;
        let mut next = self.manifest.clone();
        let mut folders = BTreeSet::new();
        for (path, sha256) in proofs {
            let full = || self.place.folder().as_str().to_owned() + "/" + path;
            if next.insert(path, sha256).map_err(|_| DriveError::Proven { path: full() })? {
                folders.extend(path.split('/').nth(1).map(str::to_owned));
            }
        }
        self.store_changed(mount, next, &folders)
    }

    /// Makes `next` the manifest if anything is new in it, in these folders: whether there was.
    fn store_changed(&mut self, mount: &Mount, next: Manifest, folders: &BTreeSet<String>) -> Result<bool, DriveError> {
        let changed = !folders.is_empty() || self.manifest.is_empty();
        if changed {
            // From now on nothing else is received in these folders, and no start looks into them: what an
            // earlier record of the booking left goes now. If we stop here, nothing is listed that is not there.
            for folder in folders {
                sweep_all(mount, &self.place.data().join(folder));
            }
            self.store(mount, next)?;
        }
        Ok(changed)
    }

    /// Does something to an unproven file, while nobody can list it.
    ///
    /// # Errors
    /// It is listed, so that it is not to be touched; or what is done fails.
    pub(crate) fn while_unlisted<T>(
        &mut self,
        mount: &Mount,
        path: &str,
        work: impl FnOnce() -> Result<T, DriveError>,
    ) -> Result<T, DriveError> {
        let _lock = lock_manifests(mount)?;
        if self.manifest(mount)?.get(path).is_some() {
            return Err(DriveError::Proven { path: self.place.folder().as_str().to_owned() + "/" + path });
        }
        work()
    }

    /// Writes the manifest anew where it is missing, damaged or lacks one of these proofs, which are all
    /// that there are: whether it had to be. One that lists a copy otherwise than the log proves it is damaged, too.
    pub(crate) fn rebuild(&mut self, mount: &Mount, proofs: &[(String, Digest)]) -> Result<bool, DriveError> {
        // The log proves a path once; where it does so twice, the later proof is the one that holds.
        let proofs: BTreeMap<String, Digest> = proofs.iter().cloned().collect();
        match self.list_all(mount, &proofs) {
            Err(DriveError::BadManifest { .. } | DriveError::Proven { .. }) => {}
            listed => return listed,
        }
        let _lock = lock_manifests(mount)?;
        let damaged = match self.refresh(mount) {
            Err(DriveError::BadManifest { .. }) => true,
            Err(error) => return Err(error),
            Ok(()) => {
                proofs.iter().any(|(path, sha256)| self.manifest.get(path).is_some_and(|listed| listed != sha256))
            }
        };
        if damaged {
            // If the log was lost, too, it is all that tells of older copies. If we stop here, the manifest is missing,
            // and is written anew at the next start, which finds the damaged one where this one would: in the
            // quarantine (`KeptLines`).
            move_aside(mount, &self.place.folder().join(manifest::FILE), None)?;
            (self.manifest, self.seen) = (Manifest::default(), None);
        }
        let mut next = self.manifest.clone();
        for (path, sha256) in &proofs {
            let _ = next.insert(path, sha256);
        }
        self.store(mount, next)?;
        Ok(true)
    }

    /// Writes the text anew where it is listed and no longer what is listed: whether it had to be.
    pub(crate) fn mend_text(&mut self, mount: &Mount) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        self.refresh(mount)?;
        let Some((path, listed)) = self.manifest.text() else { return Ok(false) };
        let path = path.split('/').fold(self.place.folder(), |at, part| at.join(part));
        if holds(mount, &path, listed) {
            return Ok(false);
        }
        let mut next = self.manifest.clone();
        self.list_text(mount, &mut next)?;
        self.store(mount, next)?;
        Ok(true)
    }

    /// Makes the bag where there is none, and its manifest where that is missing. Whatever is received
    /// after this may be killed at any time: in the month's folder `sha256sum -c` passes.
    fn make_whole(&mut self, mount: &Mount) -> Result<(), DriveError> {
        self.refresh(mount)?;
        if self.manifest.is_empty() {
            let _lock = lock_manifests(mount)?;
            self.open(mount)?;
            if self.manifest.is_empty() {
                // It was left by a version that began a bag with its folders.
                self.store(mount, Manifest::default())?;
            }
        }
        Ok(())
    }

    /// Reads the bag, which is made where there is none. Under the manifests' lock.
    fn open(&mut self, mount: &Mount) -> Result<(), DriveError> {
        draft::make(mount, &self.place)?;
        self.refresh(mount)
    }

    /// Writes the text, durably, and lists it in `next`. Another file under its name is put aside.
    fn list_text(&self, mount: &Mount, next: &mut Manifest) -> Result<(), DriveError> {
        let (data, sha256) = (self.place.data(), text::sha256(&self.place));
        let folder = mount.add_own_folder(&data)?;
        let stands = |name| stat_in(&folder, name).map_err(|error| mount.error(Action::Read, data.join(name), error));
        let taken = stands(text::FILE)?.is_some_and(|stat| is_folder(&stat));
        let name = if taken { text::OTHER_FILE } else { text::FILE };
        let path = data.join(name);
        if stands(name)?.is_some() && !holds(mount, &path, &sha256) {
            let aside = move_aside(mount, &path, None)?;
            tracing::warn!(%path, %aside, "what stood in the place of a bag's text was put aside");
        }
        write_whole(mount, &folder, &data, name, text::words(&self.place).as_bytes())?;
        // If we stop here, or at any time before, the manifest is as it was: the text comes before its line.
        mount.sync_folder(&data).map_err(|error| mount.error(Action::Sync, &data, error))?;
        next.set_text(name, &sha256);
        Ok(())
    }

    fn refresh(&mut self, mount: &Mount) -> Result<(), DriveError> {
        let path = self.place.folder();
        let Some(folder) = mount.own_folder(&path)? else {
            self.manifest = Manifest::default();
            self.seen = Some(None);
            return Ok(());
        };
        let path = path.join(manifest::FILE);
        let stamp = stamp(&folder).map_err(|error| mount.error(Action::Open, &path, error))?;
        if self.seen == Some(stamp) {
            return Ok(());
        }
        self.seen = None;
        self.manifest = if stamp.is_some() { read_manifest(mount, &path)? } else { Manifest::default() };
        self.seen = Some(stamp);
        Ok(())
    }

    /// Makes `next` the bag's manifest, durably, in one step. It is never empty: where it would be, and
    /// where there was none, it lists the text.
    fn store(&mut self, mount: &Mount, mut next: Manifest) -> Result<(), DriveError> {
        let path = self.place.folder();
        let folder = mount.top().folder(&path).map_err(|error| mount.open_error(Action::Open, &path, error))?;
        // If we stop before the manifest is renamed, the old one stands, whole, and lists files that are
        // all there: the new ones are listed when they are recorded again.
        self.seen = None;
        for (name, text) in tags::of(&self.place) {
            let there = stat_in(&folder, name).map_err(|error| mount.error(Action::Open, path.join(name), error))?;
            if there.is_none() {
                write_whole(mount, &folder, &path, name, text.as_bytes())?;
            }
        }
        if self.manifest.is_empty() || next.is_empty() {
            self.list_text(mount, &mut next)?;
        }
        write_whole(mount, &folder, &path, manifest::FILE, next.render().as_bytes())?;
        kill_point!("drive.manifest-renamed");
        // If we stop here, a power cut brings back the old manifest or shows the new one: either is whole.
        mount.sync_folder(&path).map_err(|error| mount.error(Action::Sync, &path, error))?;
        self.manifest = next;
        self.seen = Some(stamp(&folder).map_err(|error| mount.error(Action::Open, &path, error))?);
        Ok(())
    }
}

/// Keeps every other process from writing a manifest.
pub(crate) fn lock_manifests(mount: &Mount) -> Result<Locked, DriveError> {
    let lock = mount.lock_file(MANIFEST_LOCK)?;
    // It is held for one rewrite, so we wait for it.
    let path = || Relative::root().join(identity::FOLDER).join(MANIFEST_LOCK);
    Locked::in_turn(lock).map_err(|error| mount.error(Action::Lock, path(), error))
}

/// Whether the file that was read back stands in its place.
fn stands(mount: &Mount, proof: &Proof) -> Result<(), DriveError> {
    let path = relative(&proof.path)?;
    let missing = || DriveError::CopyMissing { path: proof.path.clone() };
    let found = mount.top().stat(&path).map_err(|error| mount.open_error(Action::Read, &path, error))?;
    let stat = found.filter(is_plain).ok_or_else(missing)?;
    let same = proof.seen.is_none_or(|seen| seen.is(&stat));
    if same || is_still(mount, &path, &proof.sha256)? { Ok(()) } else { Err(missing()) }
}

/// Whether a file can be read and has that digest.
fn holds(mount: &Mount, path: &Relative, sha256: &Digest) -> bool {
    matches!(digests_of(mount, path, Algorithm::Sha256), Ok(Some(pair)) if pair.sha256 == *sha256)
}

fn stamp(bag: impl AsFd) -> io::Result<Stamp> {
    let stat = stat_in(bag, manifest::FILE)?;
    Ok(stat.map(|stat| (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec)))
}

fn read_manifest(mount: &Mount, path: &Relative) -> Result<Manifest, DriveError> {
    let bad = |reason| DriveError::BadManifest { root: mount.root().to_owned(), path: path.to_string(), reason };
    let file = match mount.top().file(path) {
        Ok(file) => file,
        Err(error) => match errno(&error) {
            Some(Errno::ISDIR | Errno::LOOP) => return Err(bad("it is no plain file".to_owned())),
            _ => return Err(mount.error(Action::Open, path, error)),
        },
    };
    let mut bytes = Vec::new();
    file.take(manifest::MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| bad(error.to_string()))?;
    if bytes.len() as u64 > manifest::MAX_BYTES {
        return Err(bad(format!("it is longer than {} bytes", manifest::MAX_BYTES)));
    }
    Manifest::parse(&bytes).map_err(bad)
}
