//! What happens to a booking, of the month 2026-11, with as little told as a test needs.

use strongroom_model::event::{Archived, BackedUp, Enumerated, Fetched, ReadBack, SyncMethod};
use strongroom_model::{Algorithm, ByteCount, Digest, DriveId, Event, Month};

/// The month of every sample.
pub fn month() -> Month {
    "2026-11".parse().unwrap()
}

/// The SHA-256 of these bytes.
pub fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// A booking was taken, of which the server holds a file of that name, size and digest.
pub fn enumerated(filename: &str, size: u64, digest: Digest) -> Event {
    Event::TimesheetEnumerated(Enumerated {
        filename: filename.to_owned(),
        size_bytes: ByteCount(size),
        digest,
        signed_off_at: "2026-11-01T08:00:00Z".parse().unwrap(),
    })
}

/// Its file came onto a drive.
pub fn fetched(drive: DriveId, path: &str, size: u64, sha256: &Digest) -> Event {
    Event::TimesheetFetched(Fetched {
        drive,
        path: path.to_owned(),
        month: month(),
        size_bytes: ByteCount(size),
        sha256: sha256.clone(),
        in_flight: sha256.clone(),
        sync: SyncMethod::Fsync,
        resumed_from_bytes: ByteCount(0),
        elapsed_ms: 1,
    })
}

/// Its copy was proven.
pub fn backed_up(drive: DriveId, path: &str, size: u64, sha256: &Digest) -> Event {
    Event::TimesheetBackedUp(BackedUp {
        drive,
        path: path.to_owned(),
        month: month(),
        size_bytes: ByteCount(size),
        sha256: sha256.clone(),
        digest: sha256.clone(),
        read_back: ReadBack::Direct,
    })
}

/// The server archived it.
pub fn archived(path: &str) -> Event {
    Event::TimesheetArchived(Archived { month: month(), path: path.to_owned() })
}
