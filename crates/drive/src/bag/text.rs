//! A text that explains the bag to people. It is payload, so that a manifest always has a line: `sha256sum -c` fails
//! for an empty one.

use strongroom_model::{Algorithm, Digest};

use crate::place::BagPlace;

/// No booking's folder gets this name.
pub(crate) const FILE: &str = "README.txt";
/// Its name where an older version's bag has a booking's folder of the first one. No booking's folder can have it
/// (`name::numbered`).
pub(super) const OTHER_FILE: &str = "README=~2.txt";

pub(crate) fn is_name(name: &str) -> bool {
    [FILE, OTHER_FILE].contains(&name)
}

/// It contains no time and no version, so that site and month determine its digest.
pub(super) fn contents(place: &BagPlace) -> String {
    format!(
        "Timesheets of the site {site}, backed up in {month}.\n\
         \n\
         Each folder beside this file belongs to one booking and holds its timesheet.\n\
         \n\
         In the folder above, manifest-sha256.txt lists this file and every timesheet\n\
         whose copy was read back from this drive and found right. To see that they are\n\
         all still as they were, open a terminal in the folder above and type\n\
         \n\
         \x20   sha256sum -c manifest-sha256.txt            on Linux\n\
         \x20   shasum -a 256 -c manifest-sha256.txt        on macOS\n\
         \n\
         Each line must end in \"OK\". On Windows, certutil -hashfile FILE SHA256 shows one\n\
         file's digest, which is to be compared with the file's line in the list.\n\
         \n\
         If there is a file journal-sha256.txt as well, the program is at work or was\n\
         stopped in the midst of it. That file lists the newest copies: check it, too.\n\
         \n\
         A file that is not listed was not proven yet. Open and copy here whatever you\n\
         like, but change nothing: a copy that was changed is no proof any more.\n",
        site = place.site,
        month = place.month,
    )
}

pub(crate) fn sha256(place: &BagPlace) -> Digest {
    Digest::of(Algorithm::Sha256, contents(place).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_known_from_the_site_and_the_month() {
        let place = BagPlace { site: "acme".parse().unwrap(), month: "2026-11".parse().unwrap() };
        insta::assert_snapshot!(contents(&place));
        assert_eq!(OTHER_FILE, crate::name::numbered(FILE, 2));
        assert!(contents(&place).lines().all(|line| line.len() <= 80));
    }
}
