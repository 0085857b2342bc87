//! Quarantining and removing files that no manifest lists.

use std::io;

use strongroom_files::within::{create_in, remove_in, rename_in, stat_in};
use strongroom_files::{Creation, Refusal};
use strongroom_service::kill_point;

use super::{Drive, relative};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::identity;
use crate::mount::{FILE_MODE, Mount};
use crate::name;
use crate::place::BagPlace;
use crate::relative::{Relative, text_names_in};
use crate::seen::FileVersion;

/// Quarantined files keep their paths below it.
const FOLDER: &str = "quarantine";
const MAX_COPIES: u32 = 10_000;

impl Drive {
    /// Where [`Drive::quarantine`] will put a file, unless another is faster; `None` for a proven file, which stays.
    pub fn quarantine_for(&self, path: &str) -> Result<Option<String>, DriveError> {
        let path = relative(path)?;
        let mount = self.session()?;
        let Some((place, inside)) = BagPlace::of(&path) else {
            return Err(DriveErrorKind::BadPath.of(path));
        };
        if mount.bags.get(&place).listed(&mount)?.all.get(&inside).is_some() {
            return Ok(None);
        }
        let (_, filename) = path.split().expect("it lies in a bag");
        for base in bases(&path) {
            let free =
                mount.top.stat(base.join(filename)).map_err(|error| mount.error(Operation::Read, &base, error))?;
            if free.is_none() {
                return Ok(Some(base.join(filename).as_str().to_owned()));
            }
        }
        Ok(None)
    }

    /// Moves an untrusted file into the quarantine, and returns its new path. `seen`: only if it is still that file.
    ///
    /// # Errors
    /// An obstacle; it is listed as proven, or another file by now ([`DriveErrorKind::CopyMissing`]).
    pub fn quarantine(&self, path: &str, seen: Option<FileVersion>) -> Result<String, DriveError> {
        let path = relative(path)?;
        Ok(quarantine_unlisted(self.session()?.as_ref(), &path, seen)?.as_str().to_owned())
    }

    /// Removes a file that was never proven, and its folder if empty then. `seen`: only if it is still that file. It
    /// may be gone already.
    ///
    /// # Errors
    /// An obstacle; or the file is listed as proven.
    pub fn discard(&self, path: &str, seen: Option<FileVersion>) -> Result<(), DriveError> {
        discard(self.session()?.as_ref(), &relative(path)?, seen)
    }
}

pub(crate) fn discard(mount: &Mount, path: &Relative, seen: Option<FileVersion>) -> Result<(), DriveError> {
    let Some(((place, inside), (folder, filename))) = BagPlace::of(path).zip(path.split()) else {
        return Err(DriveErrorKind::BadPath.of(path));
    };
    let Some(opened) = mount.own_folder(&folder)? else { return Ok(()) };
    let bag = mount.bags.get(&place);
    bag.while_unlisted(mount, &inside, || {
        let there = stat_in(&opened, filename).map_err(|error| mount.error(Operation::Read, path, error))?;
        if there.is_some_and(|stat| seen.is_none_or(|seen| seen.is(&stat))) {
            remove_in(&opened, filename).map_err(|error| mount.error(Operation::Remove, path, error))?;
        }
        Ok(())
    })?;
    // If we stop here, a power cut may bring the file back: it is fetched again, and the old one is quarantined.
    mount.sync_folder(&folder).map_err(|error| mount.error(Operation::Sync, &folder, error))?;
    if let Some((_, name)) = folder.split() {
        bag.tidy(mount, name);
    }
    Ok(())
}

pub(crate) fn quarantine_unlisted(
    mount: &Mount,
    path: &Relative,
    seen: Option<FileVersion>,
) -> Result<Relative, DriveError> {
    let Some(((place, inside), (folder, _))) = BagPlace::of(path).zip(path.split()) else {
        return Err(DriveErrorKind::BadPath.of(path));
    };
    let bag = mount.bags.get(&place);
    let aside = bag.while_unlisted(mount, &inside, || move_to_quarantine(mount, path, seen))?;
    if let Some((_, name)) = folder.split() {
        bag.tidy(mount, name);
    }
    Ok(aside)
}

/// Durably. The caller holds the manifests' lock and knows that no manifest lists it.
pub(crate) fn move_to_quarantine(
    mount: &Mount,
    path: &Relative,
    seen: Option<FileVersion>,
) -> Result<Relative, DriveError> {
    move_among(mount, path, seen, bases(path))
}

/// As [`move_to_quarantine`], for what stands where a folder belongs: never where that folder's files are kept.
pub(super) fn move_from_folders_place(mount: &Mount, path: &Relative) -> Result<Relative, DriveError> {
    move_among(mount, path, None, bases(path).skip(1))
}

fn move_among(
    mount: &Mount,
    path: &Relative,
    seen: Option<FileVersion>,
    bases: impl Iterator<Item = Relative>,
) -> Result<Relative, DriveError> {
    let missing = || DriveErrorKind::CopyMissing.of(path);
    let (folder, filename) = path.split().ok_or_else(|| DriveErrorKind::BadPath.of(path))?;
    let from = mount.top.folder(&folder).map_err(|error| mount.open_error(Operation::Read, &folder, error))?;
    let there = stat_in(&from, filename).map_err(|error| mount.error(Operation::Read, path, error))?;
    if let (Some(seen), Some(stat)) = (seen, there)
        && !seen.is(&stat)
    {
        return Err(missing());
    }
    for base in bases {
        let to = mount.make_own_folder(&base)?;
        match rename_in(&from, filename, &to, filename) {
            Ok(()) => {
                kill_point!("drive.put-aside");
                // If we stop here, a power cut may bring the file back: whoever found it untrusted finds it again.
                for folder in [&folder, &base] {
                    mount.sync_folder(folder).map_err(|error| mount.error(Operation::Sync, folder, error))?;
                }
                return Ok(base.join(filename));
            }
            Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => {}
            Err(error) if Refusal::of(&error) == Some(Refusal::Missing) => return Err(missing()),
            Err(error) => return Err(mount.error(Operation::Rename, path, error)),
        }
    }
    Err(DriveErrorKind::NotPlain.of(path))
}

/// Keeps a copy of a small file that is about to be replaced, durably, and returns its path. The caller holds the
/// manifests' lock.
pub(crate) fn copy_to_quarantine(mount: &Mount, path: &Relative) -> Result<Relative, DriveError> {
    let (_, filename) = path.split().ok_or_else(|| DriveErrorKind::BadPath.of(path))?;
    let mut from = mount.top.file(path).map_err(|error| mount.open_error(Operation::Read, path, error))?;
    for base in bases(path) {
        let to = mount.make_own_folder(&base)?;
        let mut copy = match create_in(&to, filename, Creation::New, FILE_MODE) {
            Ok(copy) => copy,
            Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => continue,
            Err(error) => return Err(mount.error(Operation::Create, base.join(filename), error)),
        };
        io::copy(&mut from, &mut copy).map_err(|error| mount.error(Operation::Write, base.join(filename), error))?;
        mount.sync_file(&copy).map_err(|error| mount.error(Operation::Sync, base.join(filename), error))?;
        // If we stop here, a power cut may take the copy: the original is still in its place.
        mount.sync_folder(&base).map_err(|error| mount.error(Operation::Sync, &base, error))?;
        return Ok(base.join(filename));
    }
    Err(DriveErrorKind::NotPlain.of(path))
}

pub(super) fn folder() -> Relative {
    Relative::root().join(identity::FOLDER).join(FOLDER)
}

/// The quarantined files of a path, newest first.
pub(crate) fn quarantined_from(mount: &Mount, path: &Relative) -> Result<Vec<Relative>, DriveError> {
    let Some((base, (_, filename))) = bases(path).next().zip(path.split()) else { return Ok(Vec::new()) };
    let (parent, last) = base.split().expect("it lies below the quarantine's folder");
    let Some(folder) = mount.own_folder(&parent)? else { return Ok(Vec::new()) };
    let names = text_names_in(folder).map_err(|error| mount.error(Operation::Open, &parent, error))?;
    let mut kept: Vec<_> = names.iter().filter_map(|name| Some((name::number_of(last, name)?, name))).collect();
    kept.sort_unstable_by(|one, other| other.cmp(one));
    Ok(kept.into_iter().map(|(_, name)| parent.join(name).join(filename)).collect())
}

fn bases(path: &Relative) -> impl Iterator<Item = Relative> {
    let aside = self::folder();
    let folder = path.split().map(|(folder, _)| folder).unwrap_or(Relative::root());
    let base = folder.as_str().split('/').fold(aside, |at, part| at.join(part));
    (1..=MAX_COPIES).map(move |copy| match base.split() {
        Some((parent, last)) if copy > 1 => parent.join(&name::numbered(last, copy)),
        _ => base.clone(),
    })
}
