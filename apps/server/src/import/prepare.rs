//! Reads a file for an import: hashes it in place, or copies it.

use std::fs::File;

use jiff::Timestamp;
use strongroom_files::Stat;
use strongroom_model::{Algorithm, ByteCount, Digest};

use super::found::ScannedFile;
use crate::bytes::{Tee, digest_of};
use crate::disk_error::DiskError;
use crate::incoming::Temporary;
use crate::path::RelativePath;
use crate::root::DocumentRoot;

#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) found: ScannedFile,
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) modified_at: Option<Timestamp>,
    /// Not yet synced; `None` for an adopted file.
    pub(crate) copy: Option<(Temporary, File)>,
}

#[derive(Debug)]
pub(crate) enum PrepareError {
    /// This file is left out.
    Skip(Box<ScannedFile>, String),
    /// No file can be read or written: the import ends.
    Stop(DiskError),
}

/// The algorithm is the one for its record.
pub(crate) fn prepare(
    documents: &DocumentRoot,
    temporary: RelativePath,
    found: ScannedFile,
) -> Result<Prepared, PrepareError> {
    let algorithm = found.digest.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
    let opened = match found.root.open_file(&found.path) {
        Ok(file) => file,
        Err(error) => return left_out(found, "opened", error),
    };
    let Ok(Some(before)) = found.root.entry(&found.path) else {
        return skip(found, "it vanished while it was looked at".to_owned());
    };
    let (read, copy) = if found.adopt {
        (digest_of(opened, algorithm), None)
    } else {
        let (kept, mut copy) = Temporary::create(documents, temporary).map_err(PrepareError::Stop)?;
        let mut tee = Tee { from: opened, to: &mut copy, failed: None };
        let read = digest_of(&mut tee, algorithm);
        if let Some(error) = tee.failed {
            return Err(PrepareError::Stop(error));
        }
        (read, Some((kept, copy)))
    };
    let (size_bytes, digest) = match read {
        Ok(read) => read,
        Err(error) => return left_out(found, "read", error),
    };
    let after = found.root.entry(&found.path).ok().flatten();
    let is_still = after.is_some_and(|after| after == before && after.is_plain());
    if !is_still || size_bytes != before.size {
        return skip(found, "it changed while it was read: import again once nobody writes to it".to_owned());
    }
    Ok(Prepared {
        found,
        size: ByteCount(size_bytes),
        digest,
        modified_at: modified_at(&before).map(to_the_microsecond),
        copy,
    })
}

/// A file that cannot be read, unless no other can be either.
fn left_out<T>(found: ScannedFile, done: &str, error: DiskError) -> Result<T, PrepareError> {
    match error.trouble() {
        Some(_) => Err(PrepareError::Stop(error)),
        None => skip(found, format!("it cannot be {done}: {error}")),
    }
}

fn skip<T>(found: ScannedFile, why: String) -> Result<T, PrepareError> {
    Err(PrepareError::Skip(Box::new(found), why))
}

/// Last modification; `None` if no calendar has that time (years -9999 to 9999).
fn modified_at(stat: &Stat) -> Option<Timestamp> {
    Timestamp::new(stat.modified.seconds, stat.modified.nanoseconds.cast_signed()).ok()
}

fn to_the_microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
