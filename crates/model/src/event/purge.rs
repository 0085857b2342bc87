//! Events of a purge: the agreement to delete archived files on the server, and its execution.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::ByteCount;

/// A purge was proposed to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeProposed {
    /// How many bookings.
    pub bookings: u64,
    /// SHA-256 over their ids in order, each followed by a line feed, in hexadecimal: the server cannot change them
    /// later.
    pub ids_sha256: String,
    /// Who proposed it, as the server knows them.
    pub proposed_by: String,
    /// Bytes that it frees.
    pub size_bytes: ByteCount,
}

/// Another person approved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeApproved {
    /// When, by the server's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub approved_at: Timestamp,
    /// Who, as the server knows them.
    pub approved_by: String,
}

/// Another person refused it, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeRefused {
    /// Why.
    pub reason: String,
    /// Who.
    pub refused_by: String,
}

/// An approved purge is to be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeRequested {
    /// On how many drives each file must be proven.
    pub drives_needed: u32,
}

/// A booking that a purge left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Left {
    /// Its id.
    pub booking: String,
    /// Why, and what would cure it.
    pub reason: String,
}

/// What a purge has done so far. Sums over all slices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeTally {
    /// Bookings that were left.
    pub left: u64,
    /// Bookings whose files the server deleted.
    pub purged: u64,
    /// The first 50 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Left>,
    /// Bytes freed.
    pub size_bytes: ByteCount,
}

/// A slice of a purge is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeAdvanced {
    /// How many of the proposal's bookings are done.
    pub next: u64,
    /// The sums.
    pub tally: PurgeTally,
}

/// A purge is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PurgeFinished {
    /// The sums.
    pub tally: PurgeTally,
}
