//! A month's bag on a drive (RFC 8493): its manifest, and which folder is whose.

mod folders;
mod whole;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use strongroom_model::{Algorithm, Digest};
use strongroom_service::kill_point;

use self::folders::{Folders, remove_folder};
use self::whole::write_whole;
use crate::beneath::{Relative, stat_in};
use crate::error::{Action, DriveError};
use crate::hashing::digests_of;
use crate::lock::Locked;
use crate::manifest::{self, Manifest};
use crate::mount::{Mount, errno};
use crate::name;
use crate::place::{BagPlace, Place};
use crate::temporary::{remove, sweep_all};

const DECLARATION_FILE: &str = "bagit.txt";
const DECLARATION: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
const INFO_FILE: &str = "bag-info.txt";
/// Held by whoever reads a manifest to write the next one, in any process.
const MANIFEST_LOCK: &str = "manifest.lock";
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

    /// The name of the folder for a booking's file, made if need be. Folders whose names only
    /// differ in case, or in Unicode's normal form, are kept apart on every file system; and
    /// where a proven copy of other content stands, the new one gets a folder beside it.
    pub(crate) fn folder_for(&mut self, mount: &Mount, place: &Place, filename: &str) -> Result<String, DriveError> {
        self.refresh(mount)?;
        let plain = name::escape(place.booking.as_str());
        let base =
            if self.folders.claim(mount, &plain)? { plain } else { name::escape_strictly(place.booking.as_str()) };
        for folder in [base.clone(), name::variant(&base, filename, &place.expected)] {
            if self.may_hold(mount, &folder, filename, &place.expected)? && self.folders.claim(mount, &folder)? {
                return Ok(folder);
            }
        }
        Err(DriveError::Proven { path: self.place.data().join(&base).to_string() })
    }

    /// Removes a booking's folder if it is empty, and the folders above it if they are, too.
    pub(crate) fn tidy(&mut self, mount: &Mount, folder: &str) {
        let _ = self.folders.remove(mount, folder)
            && remove_folder(mount, &self.place.data())
            && remove_folder(mount, &self.place.folder())
            && remove_folder(mount, &BagPlace::site_folder(&self.place.site));
    }

    /// Whether a file may go into a folder: no proven copy is there, or one of the same content.
    fn may_hold(&self, mount: &Mount, folder: &str, filename: &str, expected: &Digest) -> Result<bool, DriveError> {
        let listed: Vec<_> = self.manifest.in_folder(folder).collect();
        match listed[..] {
            [] => Ok(true),
            [(name, sha256)] if name == filename => {
                if expected.algorithm() == Algorithm::Sha256 {
                    return Ok(sha256 == expected);
                }
                // The server's algorithm is another one: only the copy itself can tell.
                let path = self.place.data().join(folder).join(filename);
                let Some(pair) = digests_of(mount, &path, expected.algorithm())? else { return Ok(false) };
                Ok(pair.named == *expected && pair.sha256 == *sha256)
            }
            _ => Ok(false),
        }
    }

    /// The manifest as it is on the drive now.
    pub(crate) fn manifest(&mut self, mount: &Mount) -> Result<&Manifest, DriveError> {
        self.refresh(mount)?;
        Ok(&self.manifest)
    }

    /// Lists proven copies, by their paths in the bag. `false`: all were listed already, and nothing
    /// was written.
    pub(crate) fn list(&mut self, mount: &Mount, proofs: &[(String, Digest)]) -> Result<bool, DriveError> {
        let _lock = lock_manifests(mount)?;
        self.refresh(mount)?;
        let mut next = self.manifest.clone();
        let mut folders = BTreeSet::new();
        for (path, sha256) in proofs {
            let full = || self.place.folder().as_str().to_owned() + "/" + path;
            if next.insert(path, sha256).map_err(|_| DriveError::Proven { path: full() })? {
                folders.extend(path.split('/').nth(1));
            }
        }
        let changed = !folders.is_empty();
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

    /// Takes a file that is no longer where it was out of the manifest.
    pub(crate) fn unlist(&mut self, mount: &Mount, path: &str) -> Result<(), DriveError> {
        let _lock = lock_manifests(mount)?;
        self.refresh(mount)?;
        let mut next = self.manifest.clone();
        if next.remove(path) { self.store(mount, next) } else { Ok(()) }
    }

    /// Writes the manifest anew where it is missing, damaged or lacks one of these proofs: whether it
    /// had to be.
    pub(crate) fn rebuild(&mut self, mount: &Mount, proofs: &[(String, Digest)]) -> Result<bool, DriveError> {
        match self.list(mount, proofs) {
            Err(DriveError::BadManifest { .. } | DriveError::Proven { .. }) => {}
            listed => return listed,
        }
        let _lock = lock_manifests(mount)?;
        let mut next = Manifest::default();
        for (path, sha256) in proofs {
            // The log proves a path once; where it does so twice, the later proof is the one that holds.
            next.remove(path);
            let _ = next.insert(path, sha256);
        }
        self.store(mount, next)?;
        Ok(true)
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

    /// Makes `next` the bag's manifest, durably, in one step.
    fn store(&mut self, mount: &Mount, next: Manifest) -> Result<(), DriveError> {
        let path = self.place.folder();
        let folder = mount.make_own_folder(&path)?;
        // If we stop before the manifest is renamed, the old one stands, whole, and lists files that are
        // all there: the new ones are listed when they are recorded again.
        self.seen = None;
        for (name, text) in [(DECLARATION_FILE, DECLARATION.to_owned()), (INFO_FILE, self.info())] {
            let there = stat_in(&folder, name).map_err(|error| mount.error(Action::Open, path.join(name), error))?;
            if there.is_none() {
                write_whole(mount, &folder, &path, name, text.as_bytes())?;
            }
        }
        if next.is_empty() {
            // `sha256sum -c` calls an empty list an error, so there is none.
            remove(&folder, manifest::FILE)
                .map_err(|error| mount.error(Action::Remove, path.join(manifest::FILE), error))?;
        } else {
            write_whole(mount, &folder, &path, manifest::FILE, next.render().as_bytes())?;
        }
        kill_point!("drive.manifest-renamed");
        // If we stop here, a power cut brings back the old manifest or shows the new one: either is whole.
        mount.sync_folder(&path).map_err(|error| mount.error(Action::Sync, &path, error))?;
        self.manifest = next;
        self.seen = Some(stamp(&folder).map_err(|error| mount.error(Action::Open, &path, error))?);
        Ok(())
    }

    /// `bag-info.txt` (RFC 8493, section 2.2.2). There is no Payload-Oxum: it would have to change in
    /// one step with the manifest.
    fn info(&self) -> String {
        format!(
            "Bag-Software-Agent: strongroom {}\nExternal-Identifier: {site}/{month}\nBag-Group-Identifier: {site}\n",
            env!("CARGO_PKG_VERSION"),
            site = self.place.site,
            month = self.place.month,
        )
    }
}

/// Keeps every other process from writing a manifest.
pub(crate) fn lock_manifests(mount: &Mount) -> Result<Locked, DriveError> {
    let lock = mount.lock_file(MANIFEST_LOCK)?;
    // It is held for one rewrite, so we wait for it.
    Locked::in_turn(lock).map_err(|error| mount.error(Action::Open, MANIFEST_LOCK, error))
}

fn stamp(bag: impl AsFd) -> io::Result<Stamp> {
    let stat = stat_in(bag, manifest::FILE)?;
    Ok(stat.map(|stat| (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec)))
}

fn read_manifest(mount: &Mount, path: &Relative) -> Result<Manifest, DriveError> {
    let bad = |reason| DriveError::BadManifest { root: mount.root().to_owned(), path: path.to_string(), reason };
    let file: File = match mount.top().file(path) {
        Ok(file) => file.into(),
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
