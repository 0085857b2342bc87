//! Temporary files. Their names begin with `.strongroom.` and end with `.part` or `.tmp`, as no escaped name does, so
//! that leftovers are known by name alone.

use std::io;
use std::sync::Arc;

use strongroom_files::within::{create_in, remove_in, stat_in};
use strongroom_files::{Creation, Handle, Locked, Refusal, Stat};
use strongroom_model::Digest;

use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::mount::{FILE_MODE, Mount};
use crate::place::Spot;
use crate::relative::{Relative, text_names_in};

const PREFIX: &str = ".strongroom.";
const PART: &str = ".part";
const WHOLE: &str = ".tmp";
/// 128 bits of the expected digest: all of MD5.
const DIGEST_HEX: usize = 32;
/// A file may be renamed or removed between open and lock.
const MAX_LOCK_ATTEMPTS: u32 = 16;
/// Another worker may remove an empty folder.
const MAX_OPEN_ATTEMPTS: u32 = 16;

/// A locked temporary file. Dropped, it stays to be resumed, unless it is empty.
#[derive(Debug)]
pub(crate) struct Temporary {
    mount: Arc<Mount>,
    spot: Spot,
    pub(crate) name: String,
    pub(crate) file: Option<Locked>,
}

impl Temporary {
    pub(crate) fn hold(mount: &Arc<Mount>, spot: &Spot, expected: &Digest) -> Result<Self, DriveError> {
        let name = part_name(expected);
        let path = spot.folder_path();
        for _ in 0..MAX_OPEN_ATTEMPTS {
            let folder = mount.add_own_folder(&path)?;
            match hold(&folder, &name) {
                Ok(Some(file)) => {
                    return Ok(Self { mount: Arc::clone(mount), spot: spot.clone(), name, file: Some(file) });
                }
                Ok(None) => return Err(DriveErrorKind::Busy.of(spot.path())),
                // Removed since it was opened.
                Err(error) if Refusal::of(&error) == Some(Refusal::Missing) => {}
                Err(error) => return Err(mount.error(Operation::Create, path.join(&name), error)),
            }
        }
        Err(mount.error(Operation::Open, &path, Refusal::Missing))
    }

    /// Best effort: recovery removes what stays.
    pub(crate) fn discard(&mut self) {
        if self.file.is_none() {
            return;
        }
        let path = self.spot.folder_path();
        let removed = self.mount.top.folder(&path).and_then(|folder| remove_in(folder, &self.name));
        if let Err(error) = removed {
            tracing::warn!(path = %path.join(&self.name), %error, "a temporary file could not be removed");
        }
        self.file = None;
        self.mount.bags.get(&self.spot.bag).tidy(&self.mount, &self.spot.folder);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let empty = self.file.as_ref().is_some_and(|file| file.metadata().is_ok_and(|data| data.len() == 0));
        if empty {
            self.discard();
        }
    }
}

/// Contains the expected digest, so that only the same content is resumed.
pub(crate) fn part_name(expected: &Digest) -> String {
    format!("{PREFIX}{}-{}{PART}", expected.algorithm().name(), &expected.hex()[..DIGEST_HEX])
}

pub(crate) fn whole_name(name: &str) -> String {
    format!("{PREFIX}{name}{WHOLE}")
}

pub(crate) fn is_temporary(name: &str) -> bool {
    name.len() > PREFIX.len() + PART.len()
        && name.starts_with(PREFIX)
        && (name.ends_with(PART) || name.ends_with(WHOLE))
}

/// Opens and locks a partial file: only the lock's holder writes, renames or removes it. `None` if it is busy.
pub(crate) fn hold(folder: impl Handle, name: &str) -> io::Result<Option<Locked>> {
    for _ in 0..MAX_LOCK_ATTEMPTS {
        let file = create_in(&folder, name, Creation::OrOpen, FILE_MODE)?;
        let Some(file) = Locked::try_exclusive(file)? else { return Ok(None) };
        // Before our lock its former holder may have renamed or removed it: then we hold that worker's finished file,
        // which must not be touched.
        let ours = Stat::of(&file)?;
        match stat_in(&folder, name)? {
            Some(there) if there.id != ours.id => {}
            // A leftover of a rename made of link and unlink: the other name stays.
            Some(_) if ours.has_other_names => drop(remove_in(&folder, name)?),
            Some(_) => return Ok(Some(file)),
            None => {}
        }
    }
    Ok(None)
}

pub(crate) fn sweep(folder: impl Handle, name: &str) -> io::Result<bool> {
    let held = hold(&folder, name)?;
    if held.is_some() {
        remove_in(folder, name)?;
    }
    Ok(held.is_some())
}

pub(crate) fn sweep_all(mount: &Mount, path: &Relative) {
    let sweep_all = || {
        let folder = mount.top.folder(path)?;
        text_names_in(&folder)?
            .iter()
            .filter(|name| is_temporary(name))
            .try_for_each(|name| sweep(&folder, name).map(drop))
    };
    if let Err(error) = sweep_all() {
        tracing::warn!(%path, %error, "temporary files could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use strongroom_model::Algorithm;

    use super::*;
    use crate::mount::Access;
    use crate::place::BagPlace;

    #[test]
    fn a_temporary_file_is_known_by_its_name_and_no_other_is() {
        for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha512] {
            assert!(is_temporary(&part_name(&Digest::of(algorithm, b""))));
        }
        assert!(is_temporary(&whole_name("manifest-sha256.txt")));
        for name in [".strongroom", ".strongroom.part", "x.part", "=2Estrongroom.x.part", ".strongroom.md5-0.pdf"] {
            assert!(!is_temporary(name), "{name}");
        }
        assert!(!is_temporary(&crate::name::escape(&part_name(&Digest::of(Algorithm::Md5, b"")))));
    }

    #[test]
    fn only_one_holds_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let folder = File::open(dir.path()).unwrap();
        let held = hold(&folder, "x").unwrap().expect("nobody holds it");
        assert!(hold(&folder, "x").unwrap().is_none());
        assert!(!sweep(&folder, "x").unwrap());
        drop(held);
        assert!(sweep(&folder, "x").unwrap());
        assert!(!dir.path().join("x").exists());
    }

    #[test]
    fn a_months_folder_that_is_gone_is_not_made_again_without_its_manifest() {
        let dir = tempfile::tempdir().unwrap();
        crate::Drive::init(dir.path(), "Blue", "2026-11-21T08:30:00Z".parse().unwrap()).unwrap();
        let mount = Arc::new(Mount::open(dir.path(), None, Access::Write).unwrap());
        let bag = BagPlace { site: "acme".parse().unwrap(), month: "2026-11".parse().unwrap() };
        let spot = Spot { bag, folder: "B-1".to_owned(), filename: "x".to_owned() };
        let error = Temporary::hold(&mount, &spot, &Digest::of(Algorithm::Sha256, b"x")).unwrap_err();
        assert!(!dir.path().join("acme").exists(), "{error}");
        let data = dir.path().join("acme/2026-11/data");
        std::fs::create_dir_all(&data).unwrap();
        drop(Temporary::hold(&mount, &spot, &Digest::of(Algorithm::Sha256, b"x")).unwrap());
        assert_eq!(std::fs::read_dir(data).unwrap().count(), 0);
    }

    #[test]
    fn a_second_name_of_a_finished_file_is_never_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let folder = File::open(dir.path()).unwrap();
        std::fs::write(dir.path().join("final"), b"finished").unwrap();
        std::fs::hard_link(dir.path().join("final"), dir.path().join("x")).unwrap();
        let file = hold(&folder, "x").unwrap().expect("nobody holds it");
        assert_eq!(file.metadata().unwrap().len(), 0);
        assert_eq!(std::fs::read(dir.path().join("final")).unwrap(), b"finished");
    }
}
