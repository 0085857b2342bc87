//! One booking's state, with the proof of its copy.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{Failed, ReadBack};
use strongroom_model::{BookingId, ByteCount, Digest, DriveId};

/// One booking's state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BookingState {
    /// The booking.
    pub id: BookingId,
    /// Its status: `waiting`, `enumerated`, `fetched`, `backed_up`, `archived`, `purged` or `needs_attention`.
    pub state: &'static str,
    /// The file's name, unescaped.
    pub filename: Option<String>,
    /// The file's size.
    pub size_bytes: Option<ByteCount>,
    /// The server's digest before the download.
    pub server_digest: Option<Digest>,
    /// The proof of its copy, once there is one.
    pub proof: Option<CopyProof>,
    /// The path of a copy that is not proven yet.
    pub unproven_path: Option<String>,
    /// The path of the server's archived copy.
    pub archived_path: Option<String>,
    /// The failure that it waits with.
    pub failure: Option<Failed>,
    /// When the last event happened.
    pub changed_at: Option<Timestamp>,
}

/// A proven copy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopyProof {
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The path below the drive's root.
    pub path: String,
    /// SHA-256 of what was read back.
    pub sha256: Digest,
    /// The digest on which server, transfer and drive agree.
    pub digest: Digest,
    /// How it was read back.
    pub read_back: ReadBack,
}

impl BookingState {
    /// The state to show of a booking, from the fold of its events.
    #[must_use]
    pub fn of(id: &BookingId, booking: &Booking) -> Self {
        let proof = booking.backed_up.as_ref().map(|data| CopyProof {
            drive: data.drive,
            path: data.path.clone(),
            sha256: data.sha256.clone(),
            digest: data.digest.clone(),
            read_back: data.read_back,
        });
        let unproven = booking.fetched.as_ref().filter(|_| proof.is_none());
        Self {
            id: id.clone(),
            state: state(booking),
            filename: booking.enumerated.as_ref().map(|data| data.filename.clone()),
            size_bytes: booking.enumerated.as_ref().map(|data| data.size_bytes),
            server_digest: booking.enumerated.as_ref().map(|data| data.digest.clone()),
            proof,
            unproven_path: unproven.map(|data| data.path.clone()),
            archived_path: booking.archived.as_ref().map(|data| data.path.clone()),
            failure: booking.failure.clone(),
            changed_at: booking.changed_at,
        }
    }
}

fn state(booking: &Booking) -> &'static str {
    if booking.needs_attention() {
        return "needs_attention";
    }
    match booking.phase {
        Phase::New => "waiting",
        Phase::Enumerated => "enumerated",
        Phase::Fetched => "fetched",
        Phase::BackedUp => "backed_up",
        Phase::Archived => "archived",
        Phase::Purged => "purged",
    }
}
