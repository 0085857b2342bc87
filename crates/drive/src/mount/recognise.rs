use std::io::{self, Read as _};
use std::path::Path;

use strongroom_files::stat::{birth_of, is_mount_point};
use strongroom_files::within::names_in;
use strongroom_files::{Beneath, Call, ErrorClass, Filesystem, Handle, Policy, Refusal, meaning};

use super::{FILE_MODE, FOLDER_MODE};
use crate::error::{DriveError, DriveErrorKind, Operation};
use crate::identity::{self, Identity};
use crate::relative::{Relative, text_names_in};
use crate::temporary::is_temporary;

/// A file's birth time in Unix nanoseconds, where it is reliable.
pub(crate) fn birth(file: impl Handle, filesystem: Filesystem) -> Option<String> {
    if !filesystem.keeps_birth {
        return None;
    }
    birth_of(file).map(|born| format!("{}{:09}", born.seconds, born.nanoseconds))
}

pub(crate) fn open_top(root: &Path) -> Result<Beneath, DriveError> {
    let policy = Policy { one_file_system: true, file_mode: FILE_MODE, folder_mode: FOLDER_MODE };
    Beneath::open(root, policy).map_err(|source| missing(root, source))
}

pub(super) fn missing(root: &Path, source: io::Error) -> DriveError {
    // Host limits and permissions say nothing about whether the drive is there.
    let class = meaning(Call::Open, &source).map(|meaning| meaning.class);
    if matches!(class, Some(ErrorClass::Host | ErrorClass::Rights)) {
        return DriveError::from_io(root, Operation::Open, ".", source);
    }
    DriveErrorKind::Missing.at(root).because(Operation::Open, source)
}

pub(crate) fn read_identity(root: &Path, top: &Beneath) -> Result<Identity, DriveError> {
    let path = Relative::root().join(identity::FOLDER).join(identity::FILE);
    let mut file = match top.file(&path) {
        Ok(file) => file,
        Err(error) => return Err(no_identity(root, top, error)),
    };
    let mut bytes = Vec::new();
    let most = identity::MAX_BYTES as u64 + 1;
    file.by_ref()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|source| DriveError::from_io(root, Operation::Open, &path, source))?;
    let identity = Identity::from_bytes(&bytes).map_err(|reason| DriveErrorKind::BadIdentity(reason).at(root))?;
    match (&identity.born, birth(&file, top.filesystem())) {
        (Some(then), Some(now)) if *then != now => Err(DriveErrorKind::Copied(Box::new(identity)).at(root)),
        // Without birth times (a copy onto exFAT, say) a copied identity is not recognised.
        _ => Ok(identity),
    }
}

fn no_identity(root: &Path, top: &Beneath, error: io::Error) -> DriveError {
    match Refusal::of(&error) {
        Some(Refusal::Missing) => match names_in(top) {
            Ok(names) if names.is_empty() && !is_mount_point(root) => DriveErrorKind::NotMounted.at(root),
            Ok(_) if was_in_use(top) => DriveErrorKind::IdentityLost.at(root),
            Ok(_) => DriveErrorKind::NotSetUp.at(root),
            Err(source) => missing(root, source),
        },
        Some(Refusal::Link | Refusal::NotFolder | Refusal::OtherFilesystem) => {
            DriveErrorKind::Linked.at(root).about(identity::FOLDER)
        }
        Some(Refusal::NotFile) => DriveErrorKind::BadIdentity("it is not a plain file".to_owned()).at(root),
        _ => DriveError::from_io(root, Operation::Open, identity::PATH, error),
    }
}

/// Whether Strongroom's folder holds anything but the identity.
fn was_in_use(top: &Beneath) -> bool {
    let names = top.folder(identity::FOLDER).and_then(text_names_in);
    names.is_ok_and(|names| names.iter().any(|name| !is_temporary(name)))
}
