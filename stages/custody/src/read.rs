//! Reading copies back, and what is found.

use strongroom_audit::Holding;
use strongroom_drive::{Drive, DriveError, DriveErrorKind, ReadBackResult};
use strongroom_model::event::{CopyDamaged, CopyProven, Found};
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, CustodyId, DriveId, Event};

/// How often a copy is read before it counts as damaged: a person must act on that.
const MAX_LOOKS: u32 = 3;
const REASON_CHARS: usize = 200;

/// What a copy was read as.
#[derive(Debug)]
pub(crate) enum Seen {
    AsProven(ReadBackResult),
    Damaged(Found),
}

/// Reads copies back past the caches, each again where it reads wrong. Blocks.
///
/// # Errors
/// The drive's own: nothing is known of the copies then.
pub(crate) fn read(drive: &Drive, copies: &[Holding]) -> Result<Vec<Seen>, DriveError> {
    let files: Vec<_> = copies.iter().map(|one| (one.path.as_str(), Algorithm::Sha256)).collect();
    let answers = drive.read_back_many(&files);
    copies.iter().zip(answers).map(|(copy, answer)| judge(drive, copy, answer)).collect()
}

fn judge(drive: &Drive, copy: &Holding, answer: Result<ReadBackResult, DriveError>) -> Result<Seen, DriveError> {
    let mut answer = answer;
    for _ in 1..MAX_LOOKS {
        match &answer {
            Ok(read) if read.pair.sha256 == copy.sha256 => break,
            _ => answer = drive.read_back(&copy.path, Algorithm::Sha256),
        }
    }
    match answer {
        Ok(read) if read.pair.sha256 == copy.sha256 => Ok(Seen::AsProven(read)),
        Ok(read) => Ok(Seen::Damaged(Found::Differs { sha256: read.pair.sha256, size_bytes: read.size })),
        Err(DriveError { kind: DriveErrorKind::CopyMissing, .. }) => Ok(Seen::Damaged(Found::Missing)),
        // A bad sector is one file's; a drive that is gone is not.
        Err(error) if error.obstacle().is_some() && drive.space().is_err() => Err(error),
        Err(error) => Ok(Seen::Damaged(Found::Unreadable { reason: printable(&error.to_string(), REASON_CHARS) })),
    }
}

/// What to record of a copy.
pub(crate) fn event(drive: DriveId, request: CustodyId, copy: &Holding, seen: &Seen) -> Event {
    match seen {
        Seen::AsProven(read) => Event::CopyProven(proven(drive, request, copy, read)),
        Seen::Damaged(found) => Event::CopyDamaged(CopyDamaged {
            booking: copy.booking.clone(),
            drive,
            found: found.clone(),
            path: copy.path.clone(),
            request,
            sha256: copy.sha256.clone(),
            size_bytes: copy.size,
        }),
    }
}

/// A proof by what was read back.
pub(crate) fn proven(drive: DriveId, request: CustodyId, copy: &Holding, read: &ReadBackResult) -> CopyProven {
    CopyProven {
        booking: copy.booking.clone(),
        drive,
        from: None,
        path: copy.path.clone(),
        quarantined: None,
        read_back: read.method,
        request,
        sha256: copy.sha256.clone(),
        size_bytes: copy.size,
    }
}

/// What is wrong with a copy, in words.
pub(crate) fn described(found: &Found) -> String {
    match found {
        Found::Missing => "is missing".to_owned(),
        Found::Differs { .. } => "is not what was proven".to_owned(),
        Found::Unreadable { reason } => format!("cannot be read ({reason})"),
    }
}
