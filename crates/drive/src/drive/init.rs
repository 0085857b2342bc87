use std::io::{self, Write as _};
use std::path::Path;

use jiff::Timestamp;
use strongroom_files::within::{create_in, remove_in, rename_in};
use strongroom_files::{Backing, Beneath, Creation, Folder, Refusal, sync};
use strongroom_model::text;
use strongroom_service::kill_point;

use super::Drive;
use crate::error::{DriveError, DriveErrorKind, InitError, Operation};
use crate::identity::{self, Identity, is_label};
use crate::mount::{FILE_MODE, birth, open_top, read_identity};
use crate::relative::Relative;
use crate::temporary::whole_name;

impl Drive {
    /// Gives the drive at `root` an identity, durably. The caller decides whether it may be in memory
    /// ([`Drive::backing_of`]); the identity records it.
    pub fn init(root: &Path, label: &str, now: Timestamp) -> Result<Identity, InitError> {
        if !is_label(label) {
            return Err(InitError::BadLabel { label: text::printable(label, 80) });
        }
        let top = open_top(root)?;
        match read_identity(root, &top) {
            Ok(identity) => return Err(InitError::Already { root: root.to_owned(), identity: Box::new(identity) }),
            Err(DriveError {
                kind: DriveErrorKind::NotSetUp | DriveErrorKind::NotMounted | DriveErrorKind::IdentityLost,
                ..
            }) => {}
            Err(error) => return Err(error.into()),
        }
        let written = UnnamedIdentity::new(root, &top, |born| Identity::new(label, now, born))?;
        // If we stop here, the drive is not set up, and the next attempt begins anew.
        match written.name(root, &top)? {
            Some(identity) => Ok(identity),
            // Another process was faster.
            None => {
                let identity = Box::new(read_identity(root, &top)?);
                Err(InitError::Already { root: root.to_owned(), identity })
            }
        }
    }
}

/// An identity, durable under a temporary name: a power cut never leaves an empty file under the final one.
pub(super) struct UnnamedIdentity {
    folder: Folder,
    identity: Identity,
}

impl UnnamedIdentity {
    /// `make` gets the new file's birth time.
    pub(super) fn new(
        root: &Path,
        top: &Beneath,
        make: impl FnOnce(Option<String>) -> Identity,
    ) -> Result<Self, DriveError> {
        let failed = |action| move |error: io::Error| DriveError::from_io(root, action, identity::PATH, error);
        let folder = top.make_folder(Relative::root().join(identity::FOLDER)).map_err(failed(Operation::Open))?.folder;
        let temporary = whole_name(identity::FILE);
        remove_in(&folder, &temporary).map_err(failed(Operation::Remove))?;
        let mut file = create_in(&folder, &temporary, Creation::New, FILE_MODE).map_err(failed(Operation::Open))?;
        let in_memory = Backing::of(top).is_ok_and(|backing| backing == Backing::Memory);
        let identity = Identity { in_memory, ..make(birth(&file, top.filesystem())) };
        file.write_all(&identity.to_bytes()).map_err(failed(Operation::Write))?;
        sync::sync_file(&file).map_err(failed(Operation::Sync))?;
        kill_point!("drive.identity-written");
        Ok(Self { folder, identity })
    }

    /// Renames it, durably; `None` if the name is taken.
    pub(super) fn name(self, root: &Path, top: &Beneath) -> Result<Option<Identity>, DriveError> {
        let failed = |action| move |error: io::Error| DriveError::from_io(root, action, identity::PATH, error);
        let temporary = whole_name(identity::FILE);
        match rename_in(&self.folder, &temporary, &self.folder, identity::FILE) {
            Err(error) if Refusal::of(&error) == Some(Refusal::Exists) => {
                let _ = remove_in(&self.folder, &temporary);
                return Ok(None);
            }
            renamed => renamed.map_err(failed(Operation::Rename))?,
        }
        // If we stop here, a power cut may undo the rename: nothing has used the identity yet.
        for folder in [&self.folder, &top.folder(Relative::root()).map_err(failed(Operation::Open))?] {
            sync::sync_folder(folder).map_err(failed(Operation::Sync))?;
        }
        Ok(Some(self.identity))
    }

    /// Best effort: the next attempt begins anew.
    pub(super) fn discard(self) {
        let _ = remove_in(&self.folder, whole_name(identity::FILE));
    }
}
