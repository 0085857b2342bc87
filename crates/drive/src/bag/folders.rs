//! The bookings' folders of a bag, so that no two have names that some file system takes for one.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use strongroom_files::within::{make_in, remove_folder_in, stat_in};
use strongroom_files::{errno, is_folder};

use super::text;
use crate::error::{Action, DriveError};
use crate::mount::{FOLDER_MODE, Mount};
use crate::name::folded;
use crate::relative::{Relative, text_names_in};

/// How often a folder is made again where another worker tidies up meanwhile.
const MAX_MAKE_ATTEMPTS: u32 = 16;

/// The folders in one folder: the names, each after what it folds to. They are read once, and what
/// another process makes later is found when its name is wanted.
#[derive(Debug)]
pub(super) struct Folders {
    path: Relative,
    names: Option<BTreeSet<(String, String)>>,
}

impl Folders {
    pub(super) const fn new(path: Relative) -> Self {
        Self { path, names: None }
    }

    /// Makes a folder. `false`: one whose name some file system takes for the same is there
    /// already, and this one is not.
    pub(super) fn claim(&mut self, mount: &Mount, name: &str) -> Result<bool, DriveError> {
        if let Some(ours) = self.known(mount, name)? {
            return Ok(ours);
        }
        for _ in 0..MAX_MAKE_ATTEMPTS {
            let folder = mount.add_own_folder(&self.path)?;
            match make_in(&folder, name, FOLDER_MODE) {
                Ok(()) => {
                    self.names(mount)?.insert((folded(name), name.to_owned()));
                    return Ok(true);
                }
                // Another worker made it, or one that this file system takes for it: look which.
                Err(error) if errno(&error) == Some(Errno::EXIST) => {
                    self.names = None;
                    return Ok(self.known(mount, name)?.unwrap_or(true));
                }
                // Tidied away since it was opened: once more.
                Err(error) if errno(&error) == Some(Errno::NOENT) => {}
                Err(error) => return Err(mount.error(Action::Create, self.path.join(name), error)),
            }
        }
        Err(mount.error(Action::Open, self.path.join(name), Errno::NOENT))
    }

    /// Removes a folder if it is empty: whether it is gone.
    pub(super) fn remove(&mut self, mount: &Mount, name: &str) -> bool {
        let gone = remove_folder(mount, &self.path.join(name));
        if let Some(names) = self.names.as_mut().filter(|_| gone) {
            names.remove(&(folded(name), name.to_owned()));
        }
        gone
    }

    /// Whether a name is there; `None`: neither it nor one that may be taken for it.
    fn known(&mut self, mount: &Mount, name: &str) -> Result<Option<bool>, DriveError> {
        let names = self.names(mount)?;
        let entry = (folded(name), name.to_owned());
        if names.contains(&entry) {
            return Ok(Some(true));
        }
        let taken = entry.0 == folded(text::FILE)
            || names.range((entry.0.clone(), String::new())..).next().is_some_and(|(key, _)| *key == entry.0);
        Ok(taken.then_some(false))
    }

    fn names(&mut self, mount: &Mount) -> Result<&mut BTreeSet<(String, String)>, DriveError> {
        if self.names.is_none() {
            let names = match mount.own_folder(&self.path)? {
                Some(folder) => without_text(folder).map_err(|error| mount.error(Action::Open, &self.path, error))?,
                None => Vec::new(),
            };
            self.names = Some(names.into_iter().map(|name| (folded(&name), name)).collect());
        }
        Ok(self.names.as_mut().expect("it was just filled"))
    }
}

/// The names in the folder of a bag's payload, but for the text's. A bag of an older version may have a folder
/// of that name, which stays its booking's.
fn without_text(folder: OwnedFd) -> io::Result<Vec<String>> {
    let mut names = text_names_in(&folder)?;
    if !stat_in(folder, text::FILE)?.is_some_and(|stat| is_folder(&stat)) {
        names.retain(|name| name != text::FILE);
    }
    Ok(names)
}

/// Removes a folder if it is empty: whether it is gone.
fn remove_folder(mount: &Mount, path: &Relative) -> bool {
    let Some((parent, name)) = path.split() else { return false };
    mount.top().folder(&parent).is_ok_and(|parent| remove_folder_in(&parent, name).is_ok())
}
