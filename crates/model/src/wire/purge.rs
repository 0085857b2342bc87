use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Answer, ServerState};
use crate::event::ReadBack;
use crate::id::{DriveId, EventId};

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
    /// Why: up to 500 characters, without controls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{0,500}$"))]
    pub reason: Option<String>,
    /// The bookings' ids.
    #[cfg_attr(feature = "openapi", schema(max_items = 20000))]
    pub ids: Vec<String>,
}

/// Approves a purge (`POST /v1/purges/{id}/approval`). Deletes nothing. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeApproval {
    /// Another person, with another token.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub approved_by: String,
}

/// Refuses a purge (`POST /v1/purges/{id}/refusal`): it can never run from then on. Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeRefusal {
    /// Who refuses it.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\s\\x00-\\x1f\\x7f-\\x9f][^\\x00-\\x1f\\x7f-\\x9f]{0,99}$"))]
    pub refused_by: String,
    /// Why: up to 500 characters, without controls.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[^\\x00-\\x1f\\x7f-\\x9f]{0,500}$"))]
    pub reason: String,
}

/// Deletes files of an approved purge (`POST /v1/purges/{id}/run`), each that is proven enough at that moment.
/// Idempotent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PurgeRun {
    /// Bookings that the purge names.
    #[cfg_attr(feature = "openapi", schema(max_items = 1000))]
    pub ids: Vec<String>,
}

/// How far a purge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PurgeState {
    /// Waits for an approval.
    Proposed,
    /// Approved; nothing is deleted yet.
    Approved,
    /// Refused, for ever.
    Refused,
    /// It deleted some of its files.
    RunPartly,
    /// It deleted all of its files.
    Run,
    /// A newer version's state.
    #[serde(other)]
    Other,
}

/// A purge: who, when and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeSummary {
    /// Its id.
    pub purge: String,
    /// How far it is.
    pub state: PurgeState,
    /// Who proposed it.
    pub proposed_by: String,
    /// When it was proposed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proposed_at: Timestamp,
    /// Why it was proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub approved_at: Option<Timestamp>,
    /// Until when it may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub valid_until: Option<Timestamp>,
    /// Who refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_by: Option<String>,
    /// When it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub refused_at: Option<Timestamp>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal_reason: Option<String>,
    /// How many bookings it names.
    pub bookings: u64,
    /// The sizes of the files that it named when it was proposed.
    pub size_bytes: u64,
    /// How many files it deleted.
    pub purged: u64,
    /// Their sizes.
    pub purged_bytes: u64,
}

/// The purges, newest first (`GET /v1/purges?limit=N&after=CURSOR`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgePage {
    /// The purges, [`MAX_LIST`](super::MAX_LIST) at most.
    pub purges: Vec<PurgeSummary>,
    /// The next page's cursor, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A purge and a page of its bookings (`GET /v1/purges/{id}?limit=N&after=CURSOR`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeInfo {
    /// The purge.
    #[serde(flatten)]
    pub summary: PurgeSummary,
    /// On how many drives this server requires each file to be proven; absent in an earlier version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs_needed: Option<u32>,
    /// How old it lets each proof be; absent in an earlier version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_for_s: Option<u64>,
    /// Its bookings in the proposal's order, [`MAX_LIST`](super::MAX_LIST) at most.
    pub items: Vec<PurgeItem>,
    /// The next page's cursor, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A booking that a purge names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeItem {
    /// The booking's id, as the proposal has it.
    pub id: String,
    /// Its state, if there is such a booking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ServerState>,
    /// The file's name as uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The file's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size_bytes: Option<u64>,
    /// Its digest at upload or import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The reported copies, one for each drive.
    pub evidence: Vec<PurgeEvidence>,
    /// What a run would answer now instead of deleting it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// A reported copy, and whether it counts for the purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgeEvidence {
    /// Its drive.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub drive: DriveId,
    /// When it was proven.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub proven_at: Timestamp,
    /// How it was read back.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = "^(direct|cache-dropped|cached)$"))]
    pub read_back: ReadBack,
    /// The proof's event in the log.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = Uuid))]
    pub event: EventId,
    /// The event's position, if it was checked against the site's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The size of the log under whose checkpoint it was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_size: Option<u64>,
    /// Whether it counts.
    pub counts: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// The purge that deleted a booking's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PurgedInfo {
    /// The purge's id.
    pub purge: String,
    /// When the file was deleted; absent in records of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub purged_at: Option<Timestamp>,
    /// Who proposed it.
    pub proposed_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// The drives with proven copies.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub drives: Vec<DriveId>,
}

/// A file that was put back from a copy (`PUT /v1/bookings/{id}/archived`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoredInfo {
    /// When.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub restored_at: Timestamp,
    /// From which drive, if that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Uuid))]
    pub drive: Option<DriveId>,
    /// The purge that had deleted it, if one had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge: Option<String>,
}
