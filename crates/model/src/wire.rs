//! What the document server and its clients say to each other (`/v1`).
//!
//! A client must take every field as hostile: ids, names and digests are plain text
//! here, and become [`BookingId`](crate::BookingId) or [`Digest`](crate::Digest) only by
//! being parsed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::ReadBack;
use crate::id::{DriveId, EventId};
use crate::quantity::Month;

/// How many bookings one list holds at most.
pub const MAX_LIST: u32 = 1000;
/// How many bookings one mark or move may name at most.
pub const MAX_ITEMS: usize = 1000;

/// One signed-off booking whose timesheet is not backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listed {
    /// The booking's id.
    pub id: String,
    /// The timesheet's name, as it was uploaded.
    pub filename: String,
    /// The timesheet's size.
    pub size_bytes: u64,
    /// The timesheet's digest, computed at upload or import.
    pub digest: String,
    /// When it was signed off.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub signed_off_at: Timestamp,
}

/// The oldest signed-off bookings that are not backed up
/// (`GET /v1/bookings/waiting?limit=N&after=CURSOR`), oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// The bookings, [`MAX_LIST`] at most.
    pub bookings: Vec<Listed>,
    /// How many wait in all.
    pub waiting: u64,
    /// Where the next page begins; absent at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a booking stands on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServerState {
    /// Created; no timesheet yet.
    Created,
    /// It has a timesheet that is not signed off.
    Uploaded,
    /// Signed off, and not backed up.
    SignedOff,
    /// Marked as backed up.
    BackedUp,
    /// Marked, and its file moved to `archived/<month>/`.
    Archived,
    /// Its file was deleted by an approved purge.
    Purged,
}

/// A booking and its timesheet's information (`GET /v1/bookings/{id}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookingInfo {
    /// The booking's id.
    pub id: String,
    /// Where it stands.
    pub state: ServerState,
    /// Its timesheet, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timesheet: Option<TimesheetInfo>,
    /// When it was signed off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub signed_off_at: Option<Timestamp>,
    /// The copies that were proven.
    pub proofs: Vec<Mark>,
}

/// A timesheet's information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimesheetInfo {
    /// Its name, as it was uploaded.
    pub filename: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its digest, computed at upload or import.
    pub digest: String,
    /// Where it lies, relative to the document root.
    pub path: String,
}

/// A proven copy, as it is told to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mark {
    /// The booking's id.
    pub id: String,
    /// The digest that was read back, in the server's algorithm. The server refuses a mark
    /// whose digest is not its own.
    pub digest: String,
    /// The drive that holds the copy.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub drive: DriveId,
    /// Where it lies there.
    pub path: String,
    /// How it was read back: `direct`, `cache-dropped` or `cached`.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^(direct|cache-dropped|cached)$"))]
    pub read_back: ReadBack,
    /// When it was proven.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proven_at: Timestamp,
    /// The event in the log that records the proof.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub event: EventId,
}

/// Marks bookings as backed up (`POST /v1/marks`), [`MAX_ITEMS`] at most. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRequest {
    /// The proofs.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub marks: Vec<Mark>,
}

/// Moves marked bookings' files to `archived/<month>/` (`POST /v1/moves`),
/// [`MAX_ITEMS`] at most. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveRequest {
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
}

/// Proposes to delete archived files (`POST /v1/purges`), [`MAX_ITEMS`] at most. Nothing is
/// deleted until somebody else approves it. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeProposal {
    /// The purge's own id.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"))]
    pub purge: String,
    /// Who proposes it: 1 to 100 characters, no control characters, no space at its beginning.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub proposed_by: String,
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
}

/// Approves a proposed purge and carries it out (`POST /v1/purges/{purge}/approval`). Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeApproval {
    /// Who approves it: somebody else than who proposed it, with another token.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub approved_by: String,
}

/// A purge, and what an approval would refuse now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeInfo {
    /// The purge's own id.
    pub purge: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proposed_at: Timestamp,
    /// Who approved it, once somebody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The bookings' ids.
    pub ids: Vec<String>,
    /// Those whose files may not be deleted as things stand, with the reasons.
    pub refused: Vec<Answer>,
}

/// What became of each booking that a mark, a move or a purge named, in its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answers {
    /// One answer for each booking named.
    pub answers: Vec<Answer>,
}

/// What became of one booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answer {
    /// The booking's id.
    pub id: String,
    /// How it ended.
    pub outcome: AnswerOutcome,
    /// Why it was refused, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was refused, for a program; absent where the reason is for a person only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RefusalCause>,
    /// The month on the folder that its file was moved to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub month: Option<Month>,
    /// Where its file lies now, relative to the document root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// How a mark, a move or a purge of one booking ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AnswerOutcome {
    /// It was done now.
    Done,
    /// It had been done before: nothing changed.
    Already,
    /// It was not done; see the reason.
    Refused,
}

/// Why a mark, a move or a purge of one booking was refused, where a client goes on by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCause {
    /// Its file is not the one that its digest was taken of. It was left where it is.
    FileChanged,
    /// Its file is gone.
    FileMissing,
    /// The proof is of another digest than the record's.
    OtherDigest,
    /// Another request or process works on it: ask again in a moment.
    Busy,
    /// The server's disk is full, read-only or failing: no fault of the booking's.
    Storage,
    /// A cause that only a later version knows.
    #[serde(other)]
    Other,
}

/// Creates a booking (`POST /v1/bookings`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewBooking {
    /// Its id; the server makes one where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"))]
    pub id: Option<String>,
}
