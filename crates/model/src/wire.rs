//! The document server's wire types (`/v1`). Ids, names and digests are hostile text until parsed.

mod evidence;
mod purge;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::event::ReadBack;
use crate::id::{DriveId, EventId};
use crate::quantity::Month;

pub use self::evidence::{EvidenceEvent, MarkEvidence};
pub use self::purge::{
    PurgeApproval, PurgeEvidence, PurgeInfo, PurgeItem, PurgePage, PurgeProposal, PurgeRefusal, PurgeRun, PurgeState,
    PurgeSummary, PurgedInfo, RestoredInfo,
};

/// The most bookings in a list.
pub const MAX_LIST: u32 = 1000;
/// The most bookings in a request.
pub const MAX_ITEMS: usize = 1000;
/// The most bookings in a purge.
pub const MAX_PURGE_ITEMS: usize = 20_000;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// The purge that deleted its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged: Option<PurgedInfo>,
    /// When its file was last put back from a copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<RestoredInfo>,
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
    /// The proofs' events, and proof that they are in the site's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<MarkEvidence>,
}

/// Moves marked files to `archived/<month>/` (`POST /v1/moves`). Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MoveRequest {
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
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
    /// There is no such booking.
    UnknownBooking,
    /// Its file is not archived: move it first.
    NotArchived,
    /// Proven on fewer drives than a purge needs: copy it.
    TooFewCopies,
    /// Proofs are too old: verify the drives.
    StaleEvidence,
    /// Copies were read back from a cache: verify the drives.
    CachedEvidence,
    /// Proofs were not checked against the site's key: mark them again with evidence.
    UncheckedEvidence,
    /// One event stands for copies on two drives.
    SharedEvidence,
    /// Proofs were reported with the purge's own tokens.
    OwnEvidence,
    /// A mark's evidence is missing, or does not prove it.
    BadEvidence,
    /// The purge does not name it.
    NotInProposal,
    /// Nobody has approved the purge.
    NotApproved,
    /// The approval is too old.
    ApprovalExpired,
    /// Somebody refused the purge.
    PurgeRefused,
    /// The purge deleted its file before, and it was put back since.
    Restored,
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
