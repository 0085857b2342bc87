//! Events of a booking's timesheet.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::flow::StageName;
use crate::id::{DriveId, EventId};
use crate::quantity::{ByteCount, Month};

/// The server's record before any download: the copy is proven against this `digest`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enumerated {
    /// The digest in the server's record.
    pub digest: Digest,
    /// The name that the server gave: unescaped, never a path.
    pub filename: String,
    /// When it was signed off.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub signed_off_at: Timestamp,
    /// The size in the server's record.
    pub size_bytes: ByteCount,
}

/// How files became durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyncMethod {
    /// `syncfs` for a batch's bytes, then its names.
    Syncfs,
    /// `fsync` of each file and folder.
    Fsync,
}

/// A file durably on a drive, unproven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fetched {
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The transfer's duration.
    pub elapsed_ms: u64,
    /// Digest of the received bytes, in the server's algorithm.
    pub in_flight: Digest,
    /// The month whose bag holds it.
    pub month: Month,
    /// The path below the drive's root.
    pub path: String,
    /// Bytes kept from an interrupted transfer.
    pub resumed_from_bytes: ByteCount,
    /// SHA-256 of the received bytes.
    pub sha256: Digest,
    /// Received bytes.
    pub size_bytes: ByteCount,
    /// How it was made durable.
    pub sync: SyncMethod,
}

/// How a copy was read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadBack {
    /// Past the page cache (`O_DIRECT`).
    Direct,
    /// After it verifiably left the page cache.
    CacheDropped,
    /// Perhaps from cache: proves the file system's copy only.
    Cached,
}

/// A proof: the server's digest, in flight and read back agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackedUp {
    /// The common digest, in the server's algorithm.
    pub digest: Digest,
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The month whose bag holds it.
    pub month: Month,
    /// The path below the drive's root.
    pub path: String,
    /// How it was read back.
    pub read_back: ReadBack,
    /// SHA-256 of the copy.
    pub sha256: Digest,
    /// The copy's size.
    pub size_bytes: ByteCount,
}

/// The server moved its copy to `archived`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Archived {
    /// The month of the server's folder.
    pub month: Month,
    /// The path below the document root.
    pub path: String,
}

/// A purge deleted the server's copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// Who approved that; absent in an earlier version's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// The drives that hold its proven copies; absent in an earlier version's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drives: Vec<DriveId>,
    /// The proofs behind it.
    pub proofs: Vec<EventId>,
    /// The approved purge's id.
    pub purge: String,
}

/// The server's copy was put back from a copy on a drive: it was lost, damaged or purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {
    /// The drive that it was read from.
    pub drive: DriveId,
    /// The path below the document root.
    pub path: String,
}

/// A lease: a stage is still at work on the subject, and renews this until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The stage at work.
    pub stage: StageName,
    /// Unless renewed, the work is free for others from then on.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
}

/// A person had a booking retried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// The person's reason.
    pub reason: Option<String>,
    /// `enumerate`: the next run reads the server's record again; `archive`: the copy is proven.
    pub stage: StageName,
}
