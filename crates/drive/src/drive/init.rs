//! Setting a drive up.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::OFlags;
use rustix::io::Errno;
use strongroom_model::text;
use strongroom_service::kill_point;

use super::Drive;
use crate::batch::rename_new;
use crate::beneath::{Relative, create_in};
use crate::error::{Action, DriveError, InitError};
use crate::filesystem::Filesystem;
use crate::identity::{self, Identity, is_label};
use crate::mount::{birth, errno, open_top, read_identity};
use crate::temporary::{remove, whole_name};

impl Drive {
    /// Gives the drive that is mounted at `root` an identity, durably.
    ///
    /// # Errors
    /// It has one already; the label cannot stand on a sticker; or the drive cannot be written to.
    pub fn init(root: &Path, label: &str, now: Timestamp) -> Result<Identity, InitError> {
        if !is_label(label) {
            return Err(InitError::BadLabel { label: text::printable(label, 80) });
        }
        let top = open_top(root)?;
        let failed = |action| move |error: io::Error| DriveError::from_io(root, action, identity::PATH, error);
        let filesystem = Filesystem::of(top.fd()).map_err(failed(Action::Open))?;
        match read_identity(root, &top, filesystem) {
            Ok(identity) => return Err(InitError::Already { root: root.to_owned(), identity: Box::new(identity) }),
            Err(DriveError::NotSetUp { .. } | DriveError::NotMounted { .. }) => {}
            Err(error) => return Err(error.into()),
        }

        let folder = top.make_folder(&Relative::root().join(identity::FOLDER)).map_err(failed(Action::Open))?;
        let temporary = whole_name(identity::FILE);
        remove(&folder, &temporary).map_err(failed(Action::Remove))?;
        let mut file: File = create_in(&folder, &temporary, OFlags::EXCL).map_err(failed(Action::Open))?.into();
        let identity = Identity::new(label, now, birth(&file, filesystem));
        file.write_all(&identity.to_bytes()).map_err(failed(Action::Write))?;
        file.sync_all().map_err(failed(Action::Sync))?;
        kill_point!("drive.identity-written");
        // If we stop here, the drive is not set up, and setting it up begins anew.
        match rename_new(&folder, &temporary, identity::FILE) {
            Err(error) if errno(&error) == Some(Errno::EXIST) => {
                // Another process was faster: its identity stands.
                let _ = remove(&folder, &temporary);
                let identity = Box::new(read_identity(root, &top, filesystem)?);
                return Err(InitError::Already { root: root.to_owned(), identity });
            }
            renamed => renamed.map_err(failed(Action::Rename))?,
        }
        // If we stop here, a power cut may take the name away again: nothing has used it yet.
        for folder in [&folder, &top.folder(&Relative::root()).map_err(failed(Action::Open))?] {
            rustix::fs::fsync(folder).map_err(|error| failed(Action::Sync)(error.into()))?;
        }
        Ok(identity)
    }
}
