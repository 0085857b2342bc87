//! The bookings' folders of a bag. No two have names that some file system takes for one.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use strongroom_files::within::{for_each_name_in, make_in, remove_folder_in, stat_in};
use strongroom_files::{Folder, Refusal};

use super::text;
use crate::error::{DriveError, Operation};
use crate::mount::{FOLDER_MODE, Mount};
use crate::name::folded;
use crate::relative::Relative;

/// Another worker may remove an empty folder.
const MAX_MAKE_ATTEMPTS: u32 = 16;

/// Hashes of the folded name and of the name: a month may have a million. A collision is improbable (the key is
/// random) and harmless: the folder is escaped as for a difference in case.
type Name = (u64, u64);

/// Read once; a folder that another process makes later is noticed when its name is needed.
#[derive(Debug)]
pub(super) struct Folders {
    path: Relative,
    names: Option<BTreeSet<Name>>,
    hashing: RandomState,
}

impl Folders {
    pub(super) fn new(path: Relative) -> Self {
        Self { path, names: None, hashing: RandomState::new() }
    }

    /// `false` if some file system takes another folder's name for this one.
    pub(super) fn claim(&mut self, mount: &Mount, name: &str) -> Result<bool, DriveError> {
        if let Some(ours) = self.known(mount, name)? {
            return Ok(ours);
        }
        for _ in 0..MAX_MAKE_ATTEMPTS {
            let folder = mount.add_own_folder(&self.path)?;
            match make_in(&folder, name, FOLDER_MODE) {
                Ok(()) => {
                    let entry = entry_of(&self.hashing, name);
                    self.names(mount)?.insert(entry);
                    return Ok(true);
                }
                // Another worker made this one, or one that this file system takes for it.
                Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => {
                    self.names = None;
                    return Ok(self.known(mount, name)?.unwrap_or(true));
                }
                // Removed since it was opened.
                Err(error) if Refusal::of(&error) == Some(Refusal::Missing) => {}
                Err(error) => return Err(mount.error(Operation::Create, self.path.join(name), error)),
            }
        }
        Err(mount.error(Operation::Open, self.path.join(name), Refusal::Missing))
    }

    pub(super) fn remove(&mut self, mount: &Mount, name: &str) -> bool {
        let gone = remove_folder(mount, &self.path.join(name));
        if let Some(names) = self.names.as_mut().filter(|_| gone) {
            names.remove(&entry_of(&self.hashing, name));
        }
        gone
    }

    /// Whether the name is there, or (`false`) one that may be taken for it.
    fn known(&mut self, mount: &Mount, name: &str) -> Result<Option<bool>, DriveError> {
        let entry = entry_of(&self.hashing, name);
        let names = self.names(mount)?;
        if names.contains(&entry) {
            return Ok(Some(true));
        }
        let is_taken = folded(name) == folded(text::FILE)
            || names.range((entry.0, u64::MIN)..=(entry.0, u64::MAX)).next().is_some();
        Ok(is_taken.then_some(false))
    }

    fn names(&mut self, mount: &Mount) -> Result<&mut BTreeSet<Name>, DriveError> {
        if self.names.is_none() {
            let names = match mount.own_folder(&self.path)? {
                Some(folder) => without_text(&self.hashing, &folder)
                    .map_err(|error| mount.error(Operation::Open, &self.path, error))?,
                None => BTreeSet::new(),
            };
            self.names = Some(names);
        }
        Ok(self.names.as_mut().expect("it was just filled"))
    }
}

fn entry_of(hashing: &RandomState, name: &str) -> Name {
    (hashing.hash_one(folded(name)), hashing.hash_one(name))
}

/// Without the text, unless it is a folder: in an older version's bag that is a booking's.
fn without_text(hashing: &RandomState, folder: &Folder) -> io::Result<BTreeSet<Name>> {
    let text_is_folder = stat_in(folder, text::FILE)?.is_some_and(|stat| stat.is_folder());
    let mut names = BTreeSet::new();
    for_each_name_in(folder, |name| {
        names.extend(
            name.to_str().filter(|name| text_is_folder || *name != text::FILE).map(|name| entry_of(hashing, name)),
        );
    })?;
    Ok(names)
}

fn remove_folder(mount: &Mount, path: &Relative) -> bool {
    let Some((parent, name)) = path.split() else { return false };
    mount.top.folder(&parent).is_ok_and(|parent| remove_folder_in(&parent, name).is_ok())
}
