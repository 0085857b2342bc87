//! What happens to a booking's timesheet.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::flow::StageName;
use crate::id::{DriveId, EventId};
use crate::quantity::{ByteCount, Month};

/// What the server held of a booking before anything was downloaded. The copy is
/// proven against this `digest` and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enumerated {
    /// The file's digest as the server records it.
    pub digest: Digest,
    /// The file's name as the server gives it, whatever it holds: escape it before use.
    pub filename: String,
    /// When the booking was signed off.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub signed_off_at: Timestamp,
    /// The file's size as the server records it.
    pub size_bytes: ByteCount,
}

/// How a file and its name were made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyncMethod {
    /// One `syncfs` for the batch's bytes and one for its names.
    Syncfs,
    /// `fsync` of each file and of each folder.
    Fsync,
}

/// A file that is durably on a drive but not yet proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fetched {
    /// The drive that holds it.
    pub drive: DriveId,
    /// How long the transfer took.
    pub elapsed_ms: u64,
    /// The same bytes' digest in the algorithm that the server holds.
    pub in_flight: Digest,
    /// The month's bag that it belongs to.
    pub month: Month,
    /// Where it lies, relative to the drive's root, with `/` between parts.
    pub path: String,
    /// How many of the bytes were there from an earlier transfer that was cut.
    pub resumed_from_bytes: ByteCount,
    /// SHA-256 of the bytes as they came.
    pub sha256: Digest,
    /// How many bytes came.
    pub size_bytes: ByteCount,
    /// How the file was made durable.
    pub sync: SyncMethod,
}

/// How a copy was read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadBack {
    /// Read past the page cache (`O_DIRECT`).
    Direct,
    /// Read after the file's pages had left the page cache, which was checked.
    CacheDropped,
    /// Read while the page cache may still have held it: this proves the file system's
    /// copy, not the device's.
    Cached,
}

/// The proof that a copy is good: the server's digest, the digest in flight and the
/// digest read back were one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackedUp {
    /// The digest that all three agree on, in the server's algorithm.
    pub digest: Digest,
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// The month's bag that it belongs to.
    pub month: Month,
    /// Where it lies, relative to the drive's root, with `/` between parts.
    pub path: String,
    /// How it was read back.
    pub read_back: ReadBack,
    /// SHA-256 of what was read back.
    pub sha256: Digest,
    /// The size of what was read back.
    pub size_bytes: ByteCount,
}

/// The server's answer: its copy is in `archived`, and it will not offer it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Archived {
    /// The month stamped on the server's folder.
    pub month: Month,
    /// Where the server's copy lies now, relative to its document root.
    pub path: String,
}

/// The server's copy is gone, by an approved purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Purged {
    /// The proofs that it rested on.
    pub proofs: Vec<EventId>,
    /// The purge that was approved.
    pub purge: String,
}

/// A stage has been at work on a booking for long, and goes on. If it says nothing more until
/// then, the work is anybody's again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The stage that is at work: `fetch`, `verify` or `archive`.
    pub stage: StageName,
    /// Until when nobody else takes the work.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub until: Timestamp,
}

/// A person's word that a booking should be tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retried {
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// Where it goes on: `enumerate` (the next run asks the server for its record anew)
    /// or `archive` (its copy is proven already).
    pub stage: StageName,
}
