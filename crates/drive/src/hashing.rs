//! Digests of files as the file system shows them: to adopt and resume, never to prove.

use std::io;

use strongroom_files::each_chunk;
use strongroom_model::Algorithm;
use strongroom_model::digest::{DigestPair, PairHasher};

use crate::error::{DriveError, Operation};
use crate::mount::Mount;
use crate::relative::Relative;

/// A file's digests, if it exists.
pub(crate) fn digests_of(
    mount: &Mount,
    path: &Relative,
    algorithm: Algorithm,
) -> Result<Option<DigestPair>, DriveError> {
    let file = match mount.top.file(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(mount.open_error(Operation::Read, path, error)),
    };
    let mut hasher = PairHasher::new(algorithm);
    hash_rest(file, &mut hasher).map_err(|error| mount.error(Operation::Read, path, error))?;
    Ok(Some(hasher.finish()))
}

pub(crate) fn hash_rest(file: impl io::Read, hasher: &mut PairHasher) -> io::Result<u64> {
    each_chunk(file, || None, |chunk| hasher.update(chunk))
}
