use std::collections::BTreeSet;

use strongroom_model::{Digest, Month, SiteId};

use super::{Drive, months_of};
use crate::bag::readable;
use crate::error::{DriveError, Operation};
use crate::name;
use crate::place::BagPlace;
use crate::relative::{Relative, text_names_in};
use crate::survey::BagSurvey;

/// A copy as a month's manifest lists it. All of it comes from the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCopy {
    /// Its path below the drive's root.
    pub path: String,
    /// The listed digest.
    pub sha256: Digest,
    /// The booking, as its folder's name says; the name itself where that was shortened.
    pub booking: String,
    /// The server's name for the file; its name on the drive where that was shortened. It may contain anything, also a
    /// slash: no path.
    pub filename: String,
}

impl Drive {
    /// Sites with a folder on the drive.
    pub fn sites(&self) -> Result<BTreeSet<SiteId>, DriveError> {
        let mount = self.mount()?;
        let names = text_names_in(&mount.top).map_err(|error| mount.error(Operation::List, Relative::root(), error))?;
        let mut sites = BTreeSet::new();
        for site in names.iter().filter_map(|name| name::unescape(name)?.parse::<SiteId>().ok()) {
            // A link is not followed, and a file is no site.
            if mount.top.folder(BagPlace::site_folder(&site)).is_ok() {
                sites.insert(site);
            }
        }
        Ok(sites)
    }

    /// Months of a site with a folder on the drive.
    pub fn months(&self, site: &SiteId) -> Result<BTreeSet<Month>, DriveError> {
        months_of(&*self.mount()?, site)
    }

    /// The copies that a month's manifest and journal list, sorted by path; of a damaged list, what is readable. Without
    /// the log it is all that is known of a drive; with it, [`Drive::survey`] compares.
    pub fn listed_copies(&self, site: &SiteId, month: Month) -> Result<Vec<ListedCopy>, DriveError> {
        let (mount, place) = (self.mount()?, BagPlace { site: site.clone(), month });
        let bag = place.folder();
        let listed = readable::listing(&mount, &place, &mut BagSurvey::default())?;
        Ok(listed.in_order().filter_map(|(inside, sha256)| listed_copy(&bag, inside, sha256)).collect())
    }
}

/// `None` for a path that is no copy's.
fn listed_copy(bag: &Relative, inside: &str, sha256: Digest) -> Option<ListedCopy> {
    let path = format!("{bag}/{inside}");
    BagPlace::of(&Relative::parse(&path)?)?;
    let (_, rest) = inside.split_once('/')?;
    let (folder, filename) = rest.split_once('/')?;
    let original = |name: &str| name::unescape(name).unwrap_or_else(|| name.to_owned());
    Some(ListedCopy { sha256, booking: original(&name::base_of(folder)), filename: original(filename), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listed_copy_has_its_booking_and_its_name_back() {
        let bag = BagPlace { site: "acme".parse().unwrap(), month: "2026-11".parse().unwrap() }.folder();
        let names = |inside: &str| {
            let copy = listed_copy(&bag, inside, Digest::from_sha256([1; 32]))?;
            Some((copy.path, copy.booking, copy.filename))
        };
        let some = |path: &str, booking: &str, filename: &str| {
            Some((format!("acme/2026-11/{path}"), booking.to_owned(), filename.to_owned()))
        };
        assert_eq!(names("data/B-1/x y.pdf"), some("data/B-1/x y.pdf", "B-1", "x y.pdf"));
        assert_eq!(names("data/a=2Fb/=2E=2E=2Fx"), some("data/a=2Fb/=2E=2E=2Fx", "a/b", "../x"));
        let variant = name::variant("B-1", "x", &Digest::from_sha256([2; 32]), 1);
        assert_eq!(names(&format!("data/{variant}/x")), some(&format!("data/{variant}/x"), "B-1", "x"));
        assert_eq!(names("data/B-1/x=~0.pdf"), some("data/B-1/x=~0.pdf", "B-1", "x=~0.pdf"));
        assert_eq!(names("data/B-1/deeper/x"), None);
    }
}
