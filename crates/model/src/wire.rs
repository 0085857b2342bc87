//! The document server's wire types (`/v1`). Ids, names and digests are hostile text until parsed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::ReadBack;
use crate::id::{DriveId, EventId};
use crate::quantity::Month;

/// The most bookings in a list.
pub const MAX_LIST: u32 = 1000;
/// The most bookings in a request.
pub const MAX_ITEMS: usize = 1000;

/// A booking to back up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Listed {
    /// The booking's id.
    pub id: String,
    /// The file's name as uploaded.
    pub filename: String,
    /// The file's size.
    pub size_bytes: u64,
    /// Its digest at upload or import.
    pub digest: String,
    /// When it was signed off.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub signed_off_at: Timestamp,
}

/// Bookings to back up, oldest first (`GET /v1/bookings/waiting?limit=N&after=CURSOR`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Waiting {
    /// The bookings, [`MAX_LIST`] at most.
    pub bookings: Vec<Listed>,
    /// How many wait in all.
    pub waiting: u64,
    /// The next page's cursor, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A booking's state on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ServerState {
    /// No timesheet yet.
    Created,
    /// Its timesheet is not signed off.
    Uploaded,
    /// Signed off, not backed up.
    SignedOff,
    /// Marked as backed up.
    BackedUp,
    /// Marked, and moved to `archived/<month>/`.
    Archived,
    /// Deleted by an approved purge.
    Purged,
}

/// A booking (`GET /v1/bookings/{id}`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BookingInfo {
    /// The booking's id.
    pub id: String,
    /// Its state.
    pub state: ServerState,
    /// Its timesheet, once uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timesheet: Option<TimesheetInfo>,
    /// When it was signed off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub signed_off_at: Option<Timestamp>,
    /// The proven copies.
    pub proofs: Vec<Mark>,
}

/// A timesheet's information.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TimesheetInfo {
    /// The file's name as uploaded.
    pub filename: String,
    /// The file's size.
    pub size_bytes: u64,
    /// Its digest at upload or import.
    pub digest: String,
    /// Below the document root.
    pub path: String,
}

/// A proven copy, reported to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Mark {
    /// The booking's id.
    pub id: String,
    /// The digest read back; the record's, or it is refused.
    pub digest: String,
    /// Its drive.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub drive: DriveId,
    /// The path on the drive.
    pub path: String,
    /// How it was read back.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^(direct|cache-dropped|cached)$"))]
    pub read_back: ReadBack,
    /// When it was proven.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proven_at: Timestamp,
    /// The proof's event in the log.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub event: EventId,
}

/// Marks bookings as backed up (`POST /v1/marks`). Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MarkRequest {
    /// The proofs.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub marks: Vec<Mark>,
}

/// Moves marked files to `archived/<month>/` (`POST /v1/moves`). Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveRequest {
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
}

/// Proposes to delete archived files (`POST /v1/purges`), for somebody else's approval. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeProposal {
    /// The purge's id.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"))]
    pub purge: String,
    /// Who proposes it: 1 to 100 characters, without controls or leading space.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub proposed_by: String,
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
}

/// Approves and executes a purge (`POST /v1/purges/{purge}/approval`). Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeApproval {
    /// Another person, with another token.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub approved_by: String,
}

/// A purge and its current obstacles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeInfo {
    /// The purge's id.
    pub purge: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When it was proposed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proposed_at: Timestamp,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The bookings' ids.
    pub ids: Vec<String>,
    /// Files that cannot be deleted now.
    pub refused: Vec<Answer>,
}

/// Outcomes, in the request's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answers {
    /// One answer per booking.
    pub answers: Vec<Answer>,
}

/// One booking's outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Answer {
    /// The booking's id.
    pub id: String,
    /// The outcome.
    pub outcome: AnswerOutcome,
    /// Why it was refused; what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, for a program, if it can act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<RefusalCause>,
    /// Its folder's month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub month: Option<Month>,
    /// Below the document root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// One booking's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AnswerOutcome {
    /// Done now.
    Done,
    /// Done before: nothing changed.
    Already,
    /// Not done; see the reason.
    Refused,
}

/// A refusal that a client can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCause {
    /// Its file was changed; left in place.
    FileChanged,
    /// Its file is gone.
    FileMissing,
    /// The proof's digest is another.
    OtherDigest,
    /// Another request is working on it: retry soon.
    Busy,
    /// The server's disk does not work.
    Storage,
    /// A newer version's cause.
    #[serde(other)]
    Other,
}

/// Creates a booking (`POST /v1/bookings`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewBooking {
    /// Its id; absent: the server's choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"))]
    pub id: Option<String>,
}
