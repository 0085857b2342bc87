//! The text at a drive's root, for whoever finds the drive.

use std::io::Read as _;

use strongroom_model::SiteId;

use super::Drive;
use crate::bag::lock_manifests;
use crate::bag::whole::write_whole;
use crate::error::{DriveError, Operation};
use crate::identity::Identity;
use crate::relative::Relative;

const FILE: &str = "README.txt";
/// Where somebody else's `README.txt` is on the drive.
const OTHER_FILE: &str = "README-STRONGROOM.txt";
/// By it the program knows its own text.
const FIRST_LINE: &str = "This drive holds backups made by Strongroom.\n";
const MAX_BYTES: u64 = 64 << 10;

/// What a drive is, how its files are opened and checked without the program, for people who know nothing of it.
pub fn readme(identity: &Identity, site: &SiteId) -> String {
    format!(
        "{FIRST_LINE}\
         \n\
         Label on the drive:  {label}\n\
         Number of the drive: {id}\n\
         Site:                {site}\n\
         \n\
         The folder {folder} has a folder for each month, such as 2026-11. In a month's\n\
         folder, the folder data has a folder for each booking, and in that lies its\n\
         timesheet. Any file manager opens them: nothing is packed or encrypted.\n\
         Open and copy whatever you like, but change nothing on the drive: a copy that\n\
         was changed is no proof any more.\n\
         \n\
         To see that all files of a month are still as they were when they were backed\n\
         up, open a terminal in the month's folder and type\n\
         \n\
         \x20   sha256sum -c manifest-sha256.txt            on Linux\n\
         \x20   shasum -a 256 -c manifest-sha256.txt        on macOS\n\
         \n\
         Each line must end in \"OK\". If there is a file journal-sha256.txt as well, it\n\
         lists the newest files: check it in the same way. Each month's folder is a bag\n\
         as RFC 8493 describes it, so that any BagIt validator checks it, too.\n\
         \n\
         Whether a list itself is still the one that was written, the operator of the\n\
         site can tell from the log: .strongroom/checkpoint.{site} is the newest signed\n\
         state of that log that this drive has seen. Files that no longer read right\n\
         were moved to .strongroom/quarantine. Leave the folder .strongroom as it is:\n\
         by it the drive is known.\n\
         \n\
         If you found this drive, please return it to whoever is named on its label.\n",
        label = identity.label,
        id = identity.id,
        folder = crate::name::escape(site.as_str()),
    )
}

impl Drive {
    /// Writes the drive's [`readme`], durably, and returns its name. The same text costs no write; somebody else's
    /// `README.txt` stays, and the text gets another name.
    pub fn write_readme(&self, text: &str) -> Result<&'static str, DriveError> {
        let mount = self.session()?;
        let root = Relative::root();
        let _lock = lock_manifests(&mount)?;
        let found = |name| {
            let mut bytes = Vec::new();
            let file = mount.top.file(root.join(name)).ok()?;
            file.take(MAX_BYTES).read_to_end(&mut bytes).ok().map(|_| bytes)
        };
        let is_free = |name| {
            let stat = mount.top.stat(root.join(name)).map_err(|error| mount.error(Operation::Open, name, error))?;
            Ok::<_, DriveError>(
                stat.is_none() || found(name).is_some_and(|bytes| bytes.starts_with(FIRST_LINE.as_bytes())),
            )
        };
        let name = if is_free(FILE)? { FILE } else { OTHER_FILE };
        if found(name).is_some_and(|bytes| bytes == text.as_bytes()) {
            return Ok(name);
        }
        write_whole(&mount, &mount.top, &root, name, text.as_bytes())?;
        // If we stop here, a power cut shows the old or the new text.
        mount.sync_folder(&root).map_err(|error| mount.error(Operation::Sync, &root, error))?;
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_told_what_the_drive_is() {
        let bytes = br#"{"format":1,"id":"7d444840-9dc0-41d1-b245-5ffdce74fad2","label":"Blue","created_at":"2026-11-21T08:30:00Z"}"#;
        let text = readme(&Identity::from_bytes(bytes).unwrap(), &"acme".parse().unwrap());
        insta::assert_snapshot!(text);
        assert!(text.starts_with(FIRST_LINE) && text.lines().all(|line| line.len() <= 80));
    }
}
