use std::ffi::{OsStr, OsString};

use strongroom_files::Handle;
use strongroom_files::within::{names_in, stat_in};
use strongroom_model::{Month, SiteId};

use super::Drive;
use crate::bag::{Bag, text};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::mount::Mount;
use crate::name;
use crate::place::BagPlace;
use crate::relative::{Relative, text_names_in};
use crate::temporary::is_temporary;

const MAX_NAMED: usize = 5;

/// Files in the bags that Strongroom did not make.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Foreign {
    /// How many were found.
    pub files: u64,
    /// The first ones, relative to the drive's root. They come from outside: escape them.
    pub named: Vec<String>,
    /// Whether the search ended early.
    pub ended_early: bool,
}

impl Foreign {
    fn add(&mut self, folder: &Relative, name: &OsStr) {
        self.files += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push(format!("{folder}/{}", name.to_string_lossy()));
        }
    }
}

impl Drive {
    /// Counts payload files that cannot be copies: beside the bookings' folders, beside a listed copy, or with a
    /// desktop's names. Newest month first, until `go_on` returns `false`: a drive may have a million folders.
    ///
    /// Copies are not affected: `sha256sum -c` passes. A BagIt validator calls such a bag incomplete.
    pub fn foreign(&self, go_on: impl Fn() -> bool) -> Result<Foreign, DriveError> {
        let mount = self.mount()?;
        let mut found = Foreign::default();
        let mut folders = Vec::new();
        for place in bags(&mount)? {
            if !go_on() {
                found.ended_early = true;
                return Ok(found);
            }
            folders.push((beside_the_folders(&mount, &place, &mut found)?, place));
        }
        for (folders, place) in folders {
            let bag = mount.bags.get(&place);
            for folder in folders {
                if !go_on() {
                    found.ended_early = true;
                    return Ok(found);
                }
                in_a_folder(&mount, &place, &folder, &bag, &mut found)?;
            }
        }
        Ok(found)
    }
}

fn bags(mount: &Mount) -> Result<Vec<BagPlace>, DriveError> {
    let root = Relative::root();
    let unread = |path: &Relative| {
        let path = path.clone();
        move |error| mount.error(Operation::Open, &path, error)
    };
    let mut bags = Vec::new();
    let sites = text_names_in(&mount.top).map_err(unread(&root))?;
    let sites = sites.iter().filter_map(|name| name::unescape(name)?.parse::<SiteId>().ok());
    for site in sites {
        let path = BagPlace::site_folder(&site);
        let Ok(folder) = mount.top.folder(&path) else { continue };
        let months = text_names_in(folder).map_err(unread(&path))?;
        let months = months.iter().filter_map(|name| name.parse::<Month>().ok());
        bags.extend(months.map(|month| BagPlace { site: site.clone(), month }));
    }
    bags.sort_unstable_by(|one, other| (other.month, &one.site).cmp(&(one.month, &other.site)));
    Ok(bags)
}

fn beside_the_folders(mount: &Mount, place: &BagPlace, found: &mut Foreign) -> Result<Vec<OsString>, DriveError> {
    let data = place.data();
    let Some(folder) = mount.own_folder(&data)? else { return Ok(Vec::new()) };
    let names = sorted_names(mount, &folder, &data)?;
    let mut folders = Vec::new();
    for name in names {
        let ours = name.to_str().is_some_and(|name| text::is_name(name) || is_temporary(name));
        match stat_in(&folder, &name) {
            Ok(Some(stat)) if stat.is_folder() => folders.push(name),
            Ok(Some(_)) if !ours => found.add(&data, &name),
            _ => {}
        }
    }
    Ok(folders)
}

fn in_a_folder(
    mount: &Mount,
    place: &BagPlace,
    folder: &OsStr,
    bag: &Bag,
    found: &mut Foreign,
) -> Result<(), DriveError> {
    let Some(name) = folder.to_str() else {
        // Not UTF-8, so not ours.
        found.add(&place.data(), folder);
        return Ok(());
    };
    let path = place.data().join(name);
    let Ok(opened) = mount.top.folder(&path) else { return Ok(()) };
    let listed: Vec<_> = match bag.listed(mount) {
        Ok(listed) => listed.all.in_folder(name).map(|(name, _)| name.to_owned()).collect(),
        // Until the next start rewrites it, only names can tell.
        Err(DriveError { kind: DriveErrorKind::BadManifest(_), .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    for name in sorted_names(mount, &opened, &path)? {
        let is_ours =
            name.to_str().is_some_and(|name| is_temporary(name) || listed.iter().any(|listed| listed == name));
        // Where nothing is listed, it may be an unproven copy, or another log's.
        if !is_ours && (!listed.is_empty() || is_a_desktops(&name)) {
            found.add(&path, &name);
        }
    }
    Ok(())
}

fn sorted_names(mount: &Mount, folder: impl Handle, path: &Relative) -> Result<Vec<OsString>, DriveError> {
    let mut names = names_in(folder).map_err(|error| mount.error(Operation::Open, path, error))?;
    names.sort_unstable();
    Ok(names)
}

/// Whether only desktops make such names: Strongroom's never begin with a dot.
pub(super) fn is_a_desktops(name: impl AsRef<OsStr>) -> bool {
    let name = name.as_ref();
    name.as_encoded_bytes().starts_with(b".")
        || ["Thumbs.db", "desktop.ini", "ehthumbs.db"].iter().any(|known| name.eq_ignore_ascii_case(known))
}
