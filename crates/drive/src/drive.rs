mod foreign;
mod init;
mod listed_copies;
pub(crate) mod quarantine;
pub(crate) mod read_back;
mod readme;
mod recover;
mod relist;
mod repair;
mod survey;
mod unfinished;
mod unidentified;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use strongroom_files::{Backing, Cache, Use};
use strongroom_model::{ByteCount, DriveId, Month, SiteId};

use crate::bag::{BagCache, FolderContent, journal};
use crate::batch;
use crate::error::{DriveError, DriveErrorKind, Operation, subject};
use crate::identity::Identity;
use crate::manifest;
use crate::mount::{Access, Mount, open_top};
use crate::name;
use crate::partial::Partial;
use crate::place::{BagPlace, Destination, Spot};
use crate::proof::ProvenCopy;
use crate::received::{Landed, Received};
use crate::relative::{Relative, text_names_in};
use crate::space::Space;
use crate::temporary::is_temporary;

pub use self::foreign::Foreign;
pub use self::listed_copies::ListedCopy;
pub use self::readme::readme;
pub use self::relist::Relisted;
pub use self::repair::{Repair, RepairError, RepairOutcome, Repaired};
pub use self::unfinished::Unfinished;
pub use self::unidentified::Unidentified;

/// How a drive is opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriveSettings {
    /// What must stay free for fetched files. `None` if none are fetched: then a full drive is not an obstacle, since
    /// manifests and marks of use may take the reserve.
    pub reserve: Option<ByteCount>,
    /// The only drive that is accepted, if given.
    pub expect: Option<DriveId>,
}

/// Folders of a booking's file in a month: it gets another each time that a proven copy reads back differently.
const MAX_FOLDERS: u32 = 8;

/// A backup drive; clones share it.
#[derive(Debug, Clone)]
pub struct Drive(Arc<OpenDrive>);

#[derive(Debug)]
struct OpenDrive {
    root: PathBuf,
    settings: DriveSettings,
    access: Access,
    identity: Identity,
    /// Alive only while a file is being received, so that the drive can be unmounted between runs.
    mount: Mutex<Weak<Mount>>,
    bags: BagCache,
}

impl Drive {
    /// Opens the drive at `root`; later calls accept no other.
    ///
    /// # Errors
    /// R6: nothing may be written to what is mounted there.
    pub fn open(root: &Path, settings: &DriveSettings) -> Result<Self, DriveError> {
        Self::open_sharing(root, settings, BagCache::default())
    }

    /// With the bags that others in this process have read.
    pub(crate) fn open_sharing(root: &Path, settings: &DriveSettings, bags: BagCache) -> Result<Self, DriveError> {
        let mount = Mount::open(root, settings.expect, Access::Write)?;
        let drive = Self::of(root, *settings, Access::Write, mount.identity.clone(), bags);
        drive.check_mount(&mount, ByteCount(0))?;
        Ok(drive)
    }

    /// Opens the drive at `root` for reading alone: it may be write-protected or full. Whatever would write to it fails
    /// with [`DriveErrorKind::OpenedReadOnly`].
    pub fn open_read_only(root: &Path, expect: Option<DriveId>) -> Result<Self, DriveError> {
        Self::open_for(root, expect, Access::Read)
    }

    /// As [`Drive::open_read_only`], also where only a copy of a drive's files is left: for restoring from it, where
    /// each file is compared with its digest. Nothing that is read there is evidence for the drive.
    pub fn open_any_copy(root: &Path) -> Result<Self, DriveError> {
        Self::open_for(root, None, Access::ReadAnyCopy)
    }

    fn open_for(root: &Path, expect: Option<DriveId>, access: Access) -> Result<Self, DriveError> {
        let mount = Mount::open(root, expect, access)?;
        let settings = DriveSettings { reserve: None, expect };
        Ok(Self::of(root, settings, access, mount.identity, BagCache::default()))
    }

    fn of(root: &Path, settings: DriveSettings, access: Access, identity: Identity, bags: BagCache) -> Self {
        let (root, mount) = (root.to_owned(), Mutex::new(Weak::new()));
        Self(Arc::new(OpenDrive { root, settings, access, identity, mount, bags }))
    }

    /// Identity and space of the drive at `root`, which may be read-only or full.
    pub fn look(root: &Path) -> Result<(Identity, Space), DriveError> {
        let mount = Mount::open(root, None, Access::Read)?;
        Ok((mount.identity.clone(), mount.space()?))
    }

    /// What any folder is on, a drive or not.
    pub fn backing_of(root: &Path) -> Result<Backing, DriveError> {
        let top = open_top(root)?;
        Ok(Backing::of(&top).unwrap_or(Backing::Cache(Cache::Unknown)))
    }

    /// What the drive is on.
    pub fn backing(&self) -> Result<Backing, DriveError> {
        Ok(self.mount()?.backing())
    }

    /// Its identity.
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The folder where it is mounted.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The subject of its alarms.
    pub fn alarm_subject(&self) -> String {
        subject(&self.0.root)
    }

    /// Checks before a batch that the drive is unchanged, writable, and has room for `needed` bytes beyond the
    /// reserve and promised bytes.
    pub fn check(&self, needed: ByteCount) -> Result<(), DriveError> {
        let mount = self.mount()?;
        self.check_mount(&mount, needed)
    }

    /// Its space.
    pub fn space(&self) -> Result<Space, DriveError> {
        self.mount()?.space()
    }

    /// Opens a temporary file in the final folder, or resumes an earlier transfer of the same content.
    ///
    /// # Errors
    /// Also if another worker is writing the file ([`DriveError::is_busy`]), or the path is taken.
    pub fn receive(&self, place: &Destination) -> Result<Partial, DriveError> {
        let mount = self.session()?;
        mount.announce()?;
        let bag = mount.bags.get(&BagPlace { site: place.site.clone(), month: place.month });
        let filename = mount.name_for(&place.filename);
        for nth in 0..MAX_FOLDERS {
            let (folder, holds) = bag.folder_for(&mount, place, &filename, nth)?;
            if let Some(partial) = self.receive_in(&mount, place, folder, filename.clone(), holds)? {
                return Ok(partial);
            }
        }
        let folder = BagPlace { site: place.site.clone(), month: place.month }.data();
        Err(DriveErrorKind::Proven.of(folder.join(&name::escape(place.booking.as_str()))))
    }

    /// As [`Drive::receive`], for a copy of what lies at `path` on another drive: at the same path, unless this drive's file
    /// system cannot have it, or something else is proven there. [`Partial::path`] says where it is.
    pub fn receive_copy(&self, path: &str, place: &Destination) -> Result<Partial, DriveError> {
        let path = relative(path)?;
        let of = BagPlace { site: place.site.clone(), month: place.month };
        let Some((folder, filename)) = folder_and_name(&of, &path) else { return Err(bad_path(path.as_str())) };
        let mount = self.session()?;
        mount.announce()?;
        if path.as_str().is_ascii() || mount.holds_unicode() {
            let holds = mount.bags.get(&of).this_folder(&mount, folder, filename, &place.expected)?;
            if let Some(partial) = self.receive_in(&mount, place, folder.to_owned(), filename.to_owned(), holds)? {
                return Ok(partial);
            }
        }
        self.receive(place)
    }

    /// `None`: it has to go elsewhere.
    fn receive_in(
        &self,
        mount: &Arc<Mount>,
        place: &Destination,
        folder: String,
        filename: String,
        holds: FolderContent,
    ) -> Result<Option<Partial>, DriveError> {
        let spot = Spot { bag: BagPlace { site: place.site.clone(), month: place.month }, folder, filename };
        let partial = match holds {
            FolderContent::Nothing => Some(Partial::open(mount, spot, place)?),
            // A proven copy that now reads differently is not touched: the file goes elsewhere.
            FolderContent::Proven(sha256) => Partial::of_proven(mount, spot, place, &sha256)?,
            FolderContent::Others => None,
        };
        if partial.is_some() {
            // Its own bytes are promised already.
            self.check_room(mount, ByteCount(0))?;
        }
        Ok(partial)
    }

    /// Checks that this user may use the site's folders and files, and that they are plain.
    pub fn check_site(&self, site: &SiteId, month: Month) -> Result<(), DriveError> {
        let mount = self.mount()?;
        let bag = BagPlace { site: site.clone(), month };
        let folders = [BagPlace::site_folder(site), bag.folder(), bag.data(), quarantine::folder()];
        for path in folders {
            // A check by name would follow a link.
            mount.own_folder(&path)?;
            mount.check_access(path.as_str(), Use::Fill)?;
        }
        mount.check_access(bag.folder().join(manifest::FILE).as_str(), Use::Read)?;
        mount.check_access(bag.folder().join(journal::FILE).as_str(), Use::Write)
    }

    /// Whether names keep letters beyond ASCII as the drive is mounted; else they are escaped.
    pub fn holds_unicode(&self) -> Result<bool, DriveError> {
        Ok(self.mount()?.holds_unicode())
    }

    /// Makes files durable under their final names (R1); one result each, in order. After an obstacle, files whose
    /// bytes were not synced keep their temporary names; after a failed sync they are gone.
    #[must_use]
    pub fn commit(&self, files: Vec<Received>) -> Vec<Result<Landed, DriveError>> {
        let looked = self.mount().and_then(|mount| mount.check_writable().map(|()| mount));
        match looked {
            Ok(mount) => batch::land(&mount, files),
            Err(error) => files.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Lists proven copies in their month's manifest, in one durable step; one result each, in order. What is listed
    /// already costs no write. A copy is listed only while the file that was read back is in its place; from then on
    /// no fetch or verify moves, replaces or removes it (R3).
    #[must_use]
    pub fn record(&self, site: &SiteId, month: Month, proofs: &[ProvenCopy]) -> Vec<Result<(), DriveError>> {
        let place = BagPlace { site: site.clone(), month };
        let listed = self.mount().and_then(|mount| mount.bags.get(&place).list(&mount, proofs));
        listed.unwrap_or_else(|error| proofs.iter().map(|_| Err(error.clone())).collect())
    }

    /// Whether a month's manifest lists these copies as they are; `false` if it is missing or damaged.
    pub fn lists(&self, site: &SiteId, month: Month, proofs: &[ProvenCopy]) -> Result<bool, DriveError> {
        let place = BagPlace { site: site.clone(), month };
        let mount = self.mount()?;
        let bag = mount.bags.get(&place);
        let listed = match bag.listed(&mount) {
            Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => return Ok(false),
            listed => listed?,
        };
        for proof in proofs {
            if listed.all.get(&inside(&place, proof)?).as_ref() != Some(&proof.sha256) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Folds a site's journals into their manifests, and returns those months. After an error nothing listed is lost.
    pub fn fold(&self, site: &SiteId) -> Result<Vec<Month>, DriveError> {
        let mount = self.mount()?;
        let mut folded = Vec::new();
        for month in months_of(&mount, site)? {
            let place = BagPlace { site: site.clone(), month };
            let path = place.folder().join(journal::FILE);
            let is_there = mount.top.stat(&path).map_err(|error| mount.open_error(Operation::Open, &path, error))?;
            if is_there.is_some() && mount.bags.get(&place).fold(&mount)? {
                folded.push(month);
            }
        }
        Ok(folded)
    }

    /// Opens and checks the mount anew; an unchanged one is shared.
    pub(crate) fn mount(&self) -> Result<Arc<Mount>, DriveError> {
        let fresh = Mount::open(&self.0.root, Some(self.0.identity.id), self.0.access)?;
        let mut held = self.0.mount.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mount) = held.upgrade()
            && mount.is_same_as(&fresh)
            && !mount.has_failed()
        {
            return Ok(mount);
        }
        let fresh = Arc::new(fresh.remembering(&self.0.bags));
        *held = Arc::downgrade(&fresh);
        Ok(fresh)
    }

    /// Reuses a current mount, so that not every file reads the identity.
    fn session(&self) -> Result<Arc<Mount>, DriveError> {
        let held = self.0.mount.lock().unwrap_or_else(PoisonError::into_inner).upgrade();
        match held {
            Some(mount) if mount.is_current() => Ok(mount),
            _ => {
                let mount = self.mount()?;
                mount.check_writable()?;
                Ok(mount)
            }
        }
    }

    fn check_mount(&self, mount: &Mount, needed: ByteCount) -> Result<(), DriveError> {
        mount.check_writable()?;
        self.check_room(mount, needed)
    }

    fn check_room(&self, mount: &Mount, needed: ByteCount) -> Result<(), DriveError> {
        self.0.settings.reserve.map_or(Ok(()), |reserve| mount.check_room(reserve, needed))
    }
}

pub(crate) fn months_of(mount: &Mount, site: &SiteId) -> Result<BTreeSet<Month>, DriveError> {
    named_in_site(mount, site, |name| name.parse().ok())
}

pub(crate) fn named_in_site(
    mount: &Mount,
    site: &SiteId,
    month: impl Fn(&str) -> Option<Month>,
) -> Result<BTreeSet<Month>, DriveError> {
    let path = BagPlace::site_folder(site);
    let Some(folder) = mount.own_folder(&path)? else { return Ok(BTreeSet::new()) };
    let names = text_names_in(folder).map_err(|error| mount.error(Operation::Open, &path, error))?;
    Ok(names.iter().filter_map(|name| month(name)).collect())
}

pub(crate) fn inside(bag: &BagPlace, proof: &ProvenCopy) -> Result<String, DriveError> {
    match BagPlace::of(&relative(&proof.path)?) {
        Some((place, inside)) if place == *bag => Ok(inside),
        _ => Err(bad_path(&proof.path)),
    }
}

pub(crate) fn relative(path: &str) -> Result<Relative, DriveError> {
    Relative::parse(path).ok_or_else(|| bad_path(path))
}

/// A payload file's folder and name in that bag.
fn folder_and_name<'p>(bag: &BagPlace, path: &'p Relative) -> Option<(&'p str, &'p str)> {
    BagPlace::of(path).filter(|(of, _)| of == bag)?;
    let (folder, filename) = path.as_str().rsplit_once('/')?;
    let (_, folder) = folder.rsplit_once('/')?;
    (!is_temporary(folder) && !is_temporary(filename)).then_some((folder, filename))
}

pub(super) fn bad_path(path: &str) -> DriveError {
    DriveErrorKind::BadPath.of(strongroom_model::text::printable(path, 200))
}
