//! A backup drive, and what a caller does with it.

mod foreign;
mod init;
pub(crate) mod quarantine;
pub(crate) mod read_back;
mod recover;
mod unfinished;
mod unidentified;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use strongroom_files::{Backing, Cache, Use};
use strongroom_model::{ByteCount, DriveId, Month, SiteId};

use crate::bag::{BagCache, Holds, journal};
use crate::batch;
use crate::error::{Action, DriveError, Kind, subject};
use crate::identity::Identity;
use crate::manifest;
use crate::mount::{Mount, open_top};
use crate::name;
use crate::partial::Partial;
use crate::place::{BagPlace, Place};
use crate::proof::Proof;
use crate::received::{Landed, Received};
use crate::relative::{Relative, text_names_in};
use crate::space::Space;

pub use self::foreign::Foreign;
pub use self::unfinished::Unfinished;
pub use self::unidentified::Unidentified;

/// What an operator says of a drive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DriveSettings {
    /// How much must stay free for files that are fetched. `None`: no file is fetched, so that a full drive is no
    /// obstacle; manifests and marks of use are what the reserve is for.
    pub reserve: Option<ByteCount>,
    /// The drive that must be there, whichever it is otherwise.
    pub expect: Option<DriveId>,
}

/// How many folders one booking's file may have in a month: one, and one more each time that what was proven there
/// is read back otherwise.
const MAX_FOLDERS: u32 = 8;

/// A backup drive. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Drive(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    settings: DriveSettings,
    identity: Identity,
    /// Held open by whoever has a file in hand, and by nobody else.
    mount: Mutex<Weak<Mount>>,
    bags: BagCache,
}

impl Drive {
    /// Opens the drive that is mounted at `root`. From then on it must be that very drive.
    ///
    /// # Errors
    /// R6: nothing is there, the folder is empty, it was never set up (the error gives the command to
    /// type), it is another drive than expected, its identity was copied, it is read-only, or it has
    /// no room beyond the reserve.
    pub fn open(root: &Path, settings: &DriveSettings) -> Result<Self, DriveError> {
        Self::open_sharing(root, settings, BagCache::default())
    }

    /// The same, with what others in this process read of its bags.
    ///
    /// # Errors
    /// As above.
    pub fn open_sharing(root: &Path, settings: &DriveSettings, bags: BagCache) -> Result<Self, DriveError> {
        let mount = Mount::open(root, settings.expect)?;
        let drive = Self(Arc::new(Inner {
            root: root.to_owned(),
            settings: *settings,
            identity: mount.identity().clone(),
            mount: Mutex::new(Weak::new()),
            bags,
        }));
        drive.check_mount(&mount, ByteCount(0))?;
        Ok(drive)
    }

    /// Who is mounted at `root`, and how much room it has, though it may be read-only or full.
    ///
    /// # Errors
    /// There is no drive, or it is in a state that says nothing certain about who it is.
    pub fn look(root: &Path) -> Result<(Identity, Space), DriveError> {
        let mount = Mount::open(root, None)?;
        Ok((mount.identity().clone(), mount.space()?))
    }

    /// What the folder at `root` lies on, whether or not it is a drive.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn backing_of(root: &Path) -> Result<Backing, DriveError> {
        let top = open_top(root)?;
        Ok(Backing::of(&top).unwrap_or(Backing::Cache(Cache::Unknown)))
    }

    /// What it lies on.
    ///
    /// # Errors
    /// The drive is not there.
    pub fn backing(&self) -> Result<Backing, DriveError> {
        Ok(self.mount()?.backing())
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The folder where it is mounted.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The subject of every alarm about this drive.
    #[must_use]
    pub fn alarm_subject(&self) -> String {
        subject(&self.0.root)
    }

    /// Looks at the drive before a batch: whether it is still there, still the same, can be
    /// written to, and has room for `needed` bytes beyond the reserve and what is being written.
    ///
    /// # Errors
    /// An obstacle.
    pub fn check(&self, needed: ByteCount) -> Result<(), DriveError> {
        let mount = self.mount()?;
        self.check_mount(&mount, needed)
    }

    /// How much room it has.
    ///
    /// # Errors
    /// The drive is not there, or is another one.
    pub fn space(&self) -> Result<Space, DriveError> {
        self.mount()?.space()
    }

    /// Opens a temporary file, in its final folder, for a file that is to be fetched; or goes on
    /// with what an earlier transfer of the same content left.
    ///
    /// # Errors
    /// An obstacle; or another worker is writing this very file ([`DriveError::is_busy`]); or
    /// something stands in its place.
    pub fn receive(&self, place: &Place) -> Result<Partial, DriveError> {
        let mount = self.session()?;
        mount.announce()?;
        let bag = mount.bags.get(&BagPlace { site: place.site.clone(), month: place.month });
        let filename = mount.name_for(&place.filename);
        for nth in 0..MAX_FOLDERS {
            let (folder, holds) = bag.folder_for(&mount, place, &filename, nth)?;
            let partial = match holds {
                Holds::Nothing => Some(Partial::open(&mount, folder, place)?),
                // It was proven. If it is read back otherwise now, it is not ours to touch: the file goes elsewhere.
                Holds::Proven(sha256) => Partial::of_proven(&mount, folder, place, &sha256)?,
                Holds::Others => None,
            };
            if let Some(partial) = partial {
                // What is promised to this file is counted already.
                self.check_room(&mount, ByteCount(0))?;
                return Ok(partial);
            }
        }
        let folder = BagPlace { site: place.site.clone(), month: place.month }.data();
        Err(Kind::Proven.of(folder.join(&name::escape(place.booking.as_str()))))
    }

    /// Looks whether this user may use what other runs have made of a site on the drive, and whether folders are still
    /// in its places.
    ///
    /// # Errors
    /// An obstacle that names what may not be used.
    pub fn check_site(&self, site: &SiteId, month: Month) -> Result<(), DriveError> {
        let mount = self.mount()?;
        let bag = BagPlace { site: site.clone(), month };
        let folders = [BagPlace::site_folder(site), bag.folder(), bag.data(), quarantine::folder()];
        for path in folders {
            // Opened as the job opens it: an access by name would follow a link in its place.
            mount.own_folder(&path)?;
            mount.check_access(path.as_str(), Use::Fill)?;
        }
        mount.check_access(bag.folder().join(manifest::FILE).as_str(), Use::Read)?;
        mount.check_access(bag.folder().join(journal::FILE).as_str(), Use::Write)
    }

    /// Whether names keep their letters beyond ASCII there, as it is mounted. If not, they are escaped.
    ///
    /// # Errors
    /// The drive is not there.
    pub fn holds_unicode(&self) -> Result<bool, DriveError> {
        Ok(self.mount()?.holds_unicode())
    }

    /// Makes a batch of files durable under their final names (R1): one answer for each, in their
    /// order. Where it says that a file has landed, it is on the device.
    ///
    /// After an obstacle, files whose bytes were not synced are still there under their temporary
    /// names, unless the sync itself failed: then they are gone, and must be fetched again.
    #[must_use]
    pub fn commit(&self, files: Vec<Received>) -> Vec<Result<Landed, DriveError>> {
        let looked = self.mount().and_then(|mount| mount.check_writable().map(|()| mount));
        match looked {
            Ok(mount) => batch::land(&mount, files),
            Err(error) => files.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Lists proven copies in their month's manifest, durably and in one step: one answer for each, in their
    /// order. What is listed already costs no write. A copy is listed only if the file that was read back stands in its
    /// place, and from then on no fetch and no verify moves, replaces or removes it (R3).
    ///
    /// # Errors
    /// All of them: an obstacle. One: it is not there any more; its path is not in that bag; or is listed with another
    /// digest.
    #[must_use]
    pub fn record(&self, site: &SiteId, month: Month, proofs: &[Proof]) -> Vec<Result<(), DriveError>> {
        let place = BagPlace { site: site.clone(), month };
        let listed = self.mount().and_then(|mount| mount.bags.get(&place).list(&mount, proofs));
        listed.unwrap_or_else(|error| proofs.iter().map(|_| Err(error.clone())).collect())
    }

    /// Whether a month's manifest lists all these proofs as they are. One that is missing or damaged does not.
    ///
    /// # Errors
    /// An obstacle; or a path that is not in that bag.
    pub fn lists(&self, site: &SiteId, month: Month, proofs: &[Proof]) -> Result<bool, DriveError> {
        let place = BagPlace { site: site.clone(), month };
        let mount = self.mount()?;
        let bag = mount.bags.get(&place);
        let listed = match bag.listed(&mount) {
            Err(DriveError { kind: Kind::BadManifest(_), .. }) => return Ok(false),
            listed => listed?,
        };
        for proof in proofs {
            if listed.all().get(&inside(&place, proof)?).as_ref() != Some(&proof.sha256) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes the manifests of a site's months anew with what their journals list, and takes the journals away: the months
    /// that had one. Afterwards each month's manifest alone lists all that is proven.
    ///
    /// # Errors
    /// An obstacle. What is listed stays so.
    pub fn fold(&self, site: &SiteId) -> Result<Vec<Month>, DriveError> {
        let mount = self.mount()?;
        let mut folded = Vec::new();
        for month in months_of(&mount, site)? {
            let place = BagPlace { site: site.clone(), month };
            let path = place.folder().join(journal::FILE);
            let is_there = mount.top().stat(&path).map_err(|error| mount.open_error(Action::Open, &path, error))?;
            if is_there.is_some() && mount.bags.get(&place).fold(&mount)? {
                folded.push(month);
            }
        }
        Ok(folded)
    }

    /// What is mounted now, looked at anew.
    pub(crate) fn mount(&self) -> Result<Arc<Mount>, DriveError> {
        let fresh = Mount::open(&self.0.root, Some(self.0.identity.id))?;
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

    /// What is mounted now; if it is still what it was when the files in hand were begun, without
    /// reading its identity for each file.
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

/// The months that a site has folders of.
pub(crate) fn months_of(mount: &Mount, site: &SiteId) -> Result<BTreeSet<Month>, DriveError> {
    named_in_site(mount, site, |name| name.parse().ok())
}

/// The months that names in a site's folder stand for.
pub(crate) fn named_in_site(
    mount: &Mount,
    site: &SiteId,
    month: impl Fn(&str) -> Option<Month>,
) -> Result<BTreeSet<Month>, DriveError> {
    let path = BagPlace::site_folder(site);
    let Some(folder) = mount.own_folder(&path)? else { return Ok(BTreeSet::new()) };
    let names = text_names_in(folder).map_err(|error| mount.error(Action::Open, &path, error))?;
    Ok(names.iter().filter_map(|name| month(name)).collect())
}

/// A proof's path in the bag.
pub(crate) fn inside(bag: &BagPlace, proof: &Proof) -> Result<String, DriveError> {
    match BagPlace::of(&relative(&proof.path)?) {
        Some((place, inside)) if place == *bag => Ok(inside),
        _ => Err(bad_path(&proof.path)),
    }
}

/// A path that came from a log.
pub(crate) fn relative(path: &str) -> Result<Relative, DriveError> {
    Relative::parse(path).ok_or_else(|| bad_path(path))
}

fn bad_path(path: &str) -> DriveError {
    Kind::BadPath.of(strongroom_model::text::printable(path, 200))
}
