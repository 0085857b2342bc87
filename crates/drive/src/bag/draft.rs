//! Makes a month's bag under a temporary name, complete before it is renamed: a month's folder always has a manifest.

use strongroom_files::Refusal;
use strongroom_files::within::{remove_folder_in, remove_in, rename_in};
use strongroom_model::Month;
use strongroom_service::kill_point;

use super::whole::write_first;
use super::{tags, text};
use crate::error::{DriveError, Operation};
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::place::{BagPlace, DATA};
use crate::relative::{Relative, text_names_in};
use crate::temporary::whole_name;

/// Needs the manifests' lock.
pub(super) fn make(mount: &Mount, place: &BagPlace) -> Result<(), DriveError> {
    if mount.own_folder(&place.folder())?.is_some() {
        return Ok(());
    }
    let site = BagPlace::site_folder(&place.site);
    mount.make_own_folder(&site)?;
    let draft = path(place);
    // We hold the lock: a draft here is a dead process's.
    sweep(mount, &draft)?;
    let made = fill(mount, place, &draft).and_then(|()| {
        kill_point!("drive.bag-written");
        // If we stop here, the draft is complete under its temporary name: it is removed and made again.
        give_name(mount, place, &draft)
    });
    if made.is_err() {
        // It may hold the last room of a full drive. Recovery removes what stays.
        let _ = sweep(mount, &draft);
    }
    made
}

pub(crate) fn month_of(name: &str) -> Option<Month> {
    let month = name.split('.').rev().nth(1)?.parse().ok()?;
    (name == draft_name(month)).then_some(month)
}

pub(crate) fn path(place: &BagPlace) -> Relative {
    BagPlace::site_folder(&place.site).join(&draft_name(place.month))
}

/// Whether there was any. Needs the manifests' lock.
pub(crate) fn sweep(mount: &Mount, draft: &Relative) -> Result<bool, DriveError> {
    remove_with_files(mount, &draft.join(DATA))?;
    remove_with_files(mount, draft)
}

fn draft_name(month: Month) -> String {
    whole_name(&month.to_string())
}

fn fill(mount: &Mount, place: &BagPlace, draft: &Relative) -> Result<(), DriveError> {
    let data = draft.join(DATA);
    let (bag, payload) = (mount.add_own_folder(draft)?, mount.add_own_folder(&data)?);
    for (name, text) in tags::of(place) {
        write_first(mount, &bag, draft, name, text.as_bytes())?;
    }
    write_first(mount, &payload, &data, text::FILE, text::contents(place).as_bytes())?;
    kill_point!("drive.bag-begun");
    // If we stop here, there is no manifest yet, but no month's folder either.
    let mut manifest = Manifest::default();
    manifest.set_text(text::FILE, &text::sha256(place));
    let mut lines = Vec::new();
    manifest.write_to(&mut lines).expect("memory takes whatever is written to it");
    write_first(mount, &bag, draft, manifest::FILE, &lines)?;
    for folder in [&data, draft] {
        mount.sync_folder(folder).map_err(|error| mount.error(Operation::Sync, folder, error))?;
    }
    Ok(())
}

fn give_name(mount: &Mount, place: &BagPlace, draft: &Relative) -> Result<(), DriveError> {
    let site = BagPlace::site_folder(&place.site);
    let folder = mount.top.folder(&site).map_err(|error| mount.open_error(Operation::Open, &site, error))?;
    let (from, to) = (draft_name(place.month), place.month.to_string());
    match rename_in(&folder, &from, &folder, &to) {
        // Another host made one, on a network drive where our lock does not hold: keep that.
        Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => return sweep(mount, draft).map(drop),
        renamed => renamed.map_err(|error| mount.error(Operation::Rename, place.folder(), error))?,
    }
    kill_point!("drive.bag-renamed");
    // If we stop here, a power cut may bring the temporary name back. Under either name the bag is complete: its
    // files were synced before.
    for at in [&site, &Relative::root()] {
        if let Err(error) = mount.sync_folder(at) {
            // A repeated sync would succeed without the name being on the device: undo the rename.
            let _ = rename_in(&folder, &to, &folder, &from);
            return Err(mount.error(Operation::Sync, at, error));
        }
    }
    kill_point!("drive.bag-named");
    Ok(())
}

fn remove_with_files(mount: &Mount, path: &Relative) -> Result<bool, DriveError> {
    let Some(folder) = mount.own_folder(path)? else { return Ok(false) };
    let names = text_names_in(&folder).map_err(|error| mount.error(Operation::Open, path, error))?;
    for name in names {
        remove_in(&folder, &name).map_err(|error| mount.error(Operation::Remove, path.join(&name), error))?;
    }
    let (parent, name) = path.split().expect("a draft lies in a site's folder");
    let parent = mount.top.folder(&parent).map_err(|error| mount.open_error(Operation::Open, &parent, error))?;
    remove_folder_in(parent, name).map_err(|error| mount.error(Operation::Remove, path, error))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::Access;

    fn place() -> BagPlace {
        BagPlace { site: "acme".parse().unwrap(), month: "2026-11".parse().unwrap() }
    }

    #[test]
    fn of_two_whom_no_lock_holds_back_the_second_removes_its_own() {
        let dir = tempfile::tempdir().unwrap();
        crate::Drive::init(dir.path(), "Blue", "2026-11-21T08:30:00Z".parse().unwrap()).unwrap();
        let mount = Mount::open(dir.path(), None, Access::Write).unwrap();
        let draft = path(&place());
        mount.make_own_folder(&BagPlace::site_folder(&place().site)).unwrap();
        fill(&mount, &place(), &draft).unwrap();
        let month = dir.path().join("acme/2026-11");
        std::fs::create_dir(&month).unwrap();
        std::fs::write(month.join("theirs"), b"").unwrap();
        give_name(&mount, &place(), &draft).unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("acme")).unwrap().count(), 1);
        assert!(month.join("theirs").exists() && !month.join(manifest::FILE).exists());
    }

    #[test]
    fn a_draft_is_known_by_its_name() {
        let place = place();
        assert_eq!(path(&place).as_str(), "acme/.strongroom.2026-11.tmp");
        assert_eq!(month_of(".strongroom.2026-11.tmp"), Some(place.month));
        for other in ["2026-11", ".strongroom.2026-13.tmp", ".strongroom.x.part", "strongroom.2026-11.tmp", ".tmp", ""]
        {
            assert_eq!(month_of(other), None, "{other}");
        }
    }
}
