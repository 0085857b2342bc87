//! Putting a file aside, and throwing one away.

use rustix::io::Errno;
use strongroom_files::errno;
use strongroom_files::within::{remove_in, rename_in};
use strongroom_service::kill_point;

use super::{Drive, relative};
use crate::bag;
use crate::error::{Action, DriveError};
use crate::identity;
use crate::mount::Mount;
use crate::name;
use crate::place::BagPlace;
use crate::relative::Relative;

/// Where what cannot be trusted is kept, below Strongroom's own folder, under its old path.
const FOLDER: &str = "quarantine";
/// How many files of one path can be put aside.
const MAX_COPIES: u32 = 10_000;

impl Drive {
    /// Moves a file that cannot be trusted into the drive's quarantine, and out of its manifest:
    /// its new path.
    ///
    /// # Errors
    /// An obstacle; or the file is not there.
    pub fn quarantine(&self, path: &str) -> Result<String, DriveError> {
        let path = relative(path)?;
        Ok(set_aside(self.session()?.as_ref(), &path)?.as_str().to_owned())
    }

    /// Removes a file that was never proven, and its folder if that is empty then. One that is gone
    /// already is well.
    ///
    /// # Errors
    /// An obstacle; or the file is listed as proven.
    pub fn discard(&self, path: &str) -> Result<(), DriveError> {
        let path = relative(path)?;
        let mount = self.session()?;
        let Some(((place, inside), (folder, filename))) = BagPlace::of(&path).zip(path.split()) else {
            return Err(DriveError::BadPath { path: path.to_string() });
        };
        let Some(opened) = mount.own_folder(&folder)? else { return Ok(()) };
        let bag = mount.bags.get(&place);
        let mut bag = bag::lock(&bag);
        if bag.manifest(&mount)?.get(&inside).is_some() {
            return Err(DriveError::Proven { path: path.to_string() });
        }
        remove_in(&opened, filename).map_err(|error| mount.error(Action::Remove, &path, error))?;
        // If we stop here, a power cut may bring the file back: it is fetched again, and then put aside.
        mount.sync_folder(&folder).map_err(|error| mount.error(Action::Sync, &folder, error))?;
        if let Some((_, name)) = folder.split() {
            bag.tidy(&mount, name);
        }
        Ok(())
    }
}

/// Moves a file into the quarantine: its new path.
pub(crate) fn set_aside(mount: &Mount, path: &Relative) -> Result<Relative, DriveError> {
    let (folder, filename) = path.split().ok_or_else(|| DriveError::BadPath { path: path.to_string() })?;
    let from = mount.top().folder(&folder).map_err(|error| mount.open_error(Action::Read, &folder, error))?;
    let place = BagPlace::of(path);
    if let Some((place, inside)) = &place {
        bag::lock(&mount.bags.get(place)).unlist(mount, inside)?;
    }
    kill_point!("drive.unlisted");
    // If we stop here, the file is no longer listed, and still in its place: whoever found that it cannot be
    // trusted finds it again.
    let aside = Relative::root().join(identity::FOLDER).join(FOLDER);
    let base = folder.as_str().split('/').fold(aside, |at, part| at.join(part));
    for copy in 1..=MAX_COPIES {
        let (parent, last) = base.split().expect("it lies below the quarantine");
        let base = if copy == 1 { base.clone() } else { parent.join(&name::numbered(last, copy)) };
        let to = mount.make_own_folder(&base)?;
        match rename_in(&from, filename, &to, filename) {
            Ok(()) => {
                kill_point!("drive.put-aside");
                // If we stop here, a power cut may bring the file back: it is found again, as above.
                for folder in [&folder, &base] {
                    mount.sync_folder(folder).map_err(|error| mount.error(Action::Sync, folder, error))?;
                }
                if let Some(((place, _), (_, name))) = place.zip(folder.split()) {
                    bag::lock(&mount.bags.get(&place)).tidy(mount, name);
                }
                return Ok(base.join(filename));
            }
            Err(error) if errno(&error) == Some(Errno::EXIST) => {}
            Err(error) if errno(&error) == Some(Errno::NOENT) => {
                return Err(DriveError::CopyMissing { path: path.to_string() });
            }
            Err(error) => return Err(mount.error(Action::Rename, path, error)),
        }
    }
    Err(DriveError::NotPlain { path: base.to_string() })
}
