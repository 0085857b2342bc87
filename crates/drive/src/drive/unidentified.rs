use std::collections::HashMap;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use strongroom_files::Beneath;
use strongroom_files::within::{remove_in, replace_in};
use strongroom_model::{DriveId, DriveUse, SiteId};
use strongroom_service::kill_point;

use super::Drive;
use super::init::UnnamedIdentity;
use crate::bag::journal;
use crate::error::{DriveError, DriveErrorKind, Operation, RestoreError};
use crate::identity::{self, Identity, is_label};
use crate::manifest::{self, Manifest};
use crate::mount::{open_top, read_identity};
use crate::place::BagPlace;
use crate::proof::ProvenCopy;
use crate::relative::{Relative, text_names_in};
use crate::uses;

const KEPT: &str = "drive.json.damaged";

/// A drive whose identity is lost or damaged. Nothing was written to it.
#[derive(Debug)]
pub struct Unidentified {
    root: PathBuf,
    top: Beneath,
}

impl Drive {
    /// Opens the drive at `root` if its identity is lost, empty or damaged.
    ///
    /// # Errors
    /// The identity can be read, even if it is a copy; a newer version wrote it; or there is no drive.
    pub fn unidentified(root: &Path) -> Result<Unidentified, RestoreError> {
        let top = open_top(root)?;
        check_unreadable(root, &top)?;
        Ok(Unidentified { root: root.to_owned(), top })
    }
}

fn check_unreadable(root: &Path, top: &Beneath) -> Result<(), RestoreError> {
    match read_identity(root, top) {
        Ok(identity) => Err(RestoreError::Readable { root: root.to_owned(), identity: Box::new(identity) }),
        Err(DriveError { kind: DriveErrorKind::Copied(identity), .. }) => {
            Err(RestoreError::Readable { root: root.to_owned(), identity })
        }
        Err(DriveError { kind: DriveErrorKind::NotSetUp | DriveErrorKind::IdentityLost, .. }) => Ok(()),
        Err(error @ DriveError { kind: DriveErrorKind::BadIdentity(_), .. }) => match content(top) {
            Ok(bytes) if !Identity::is_newer(&bytes) => Ok(()),
            _ => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn content(top: &Beneath) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = top.file(identity::PATH)?;
    file.take(identity::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Unidentified {
    /// The site's marks of use on it, newest first; empty if they cannot be read.
    pub fn uses(&self, site: &SiteId) -> Vec<DriveUse> {
        let names = self.top.folder(uses::folder()).and_then(text_names_in).unwrap_or_default();
        uses::marks_among(&names, site)
    }

    /// How many of these copies it holds: listed with that digest, and a plain file.
    pub fn holds(&self, proofs: &[ProvenCopy]) -> usize {
        let mut manifests: HashMap<BagPlace, Option<Manifest>> = HashMap::new();
        let is_held = |proof: &&ProvenCopy| {
            let Some((bag, inside)) = Relative::parse(&proof.path).and_then(|path| BagPlace::of(&path)) else {
                return false;
            };
            let manifest = manifests.entry(bag).or_insert_with_key(|bag| self.manifest(bag));
            let is_listed = manifest.as_ref().and_then(|manifest| manifest.get(&inside)) == Some(proof.sha256.clone());
            is_listed && self.top.stat(&proof.path).is_ok_and(|stat| stat.is_some_and(|stat| stat.is_plain()))
        };
        proofs.iter().filter(is_held).count()
    }

    /// What manifest and journal list; `None` without a readable manifest.
    fn manifest(&self, bag: &BagPlace) -> Option<Manifest> {
        let open = |name| self.top.file(bag.folder().join(name));
        // The journal first: it is removed once the manifest lists the same.
        let journaled = open(journal::FILE).map(|file| journal::whole_batches(&file)).unwrap_or_default();
        let mut all = Manifest::read(BufReader::new(open(manifest::FILE).ok()?.take(manifest::MAX_BYTES))).ok()?;
        all.merge(&journaled).ok()?;
        Some(all)
    }

    /// Writes an identity back, durably. `record` records the decision, when only the rename is left.
    ///
    /// If we stop before the record, there is one temporary file more. If we stop after it, the log has a decision
    /// without its effect: repeating the command completes it. A damaged file is kept under another name, unless it
    /// is empty or all zeros.
    ///
    /// # Errors
    /// The drive cannot be written to, has an identity by now, or the label is not acceptable; or `record`'s.
    pub fn restore<E: From<RestoreError>>(
        self,
        id: DriveId,
        label: &str,
        created_at: Timestamp,
        record: impl FnOnce() -> Result<(), E>,
    ) -> Result<Identity, E> {
        let (root, top) = (&self.root, &self.top);
        if !is_label(label) {
            return Err(RestoreError::BadLabel { label: strongroom_model::text::printable(label, 80) }.into());
        }
        let make = |born| Identity { id, ..Identity::new(label, created_at, born) };
        let written = UnnamedIdentity::new(root, top, make).map_err(RestoreError::from)?;
        if let Err(error) = record() {
            written.discard();
            return Err(error);
        }
        kill_point!("drive.identity-recorded");
        check_unreadable(root, top)?;
        put_away(top).map_err(|source| {
            RestoreError::from(DriveError::from_io(root, Operation::Remove, identity::PATH, source))
        })?;
        match written.name(root, top).map_err(RestoreError::from)? {
            Some(identity) => Ok(identity),
            None => {
                check_unreadable(root, top)?;
                let reason = "something else took its place".to_owned();
                Err(RestoreError::from(DriveErrorKind::BadIdentity(reason).at(root)).into())
            }
        }
    }
}

fn put_away(top: &Beneath) -> io::Result<()> {
    let bytes = match content(top) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let folder = top.folder(identity::FOLDER)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return remove_in(&folder, identity::FILE).map(drop);
    }
    replace_in(&folder, identity::FILE, KEPT)
}
