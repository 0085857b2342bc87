//! Events of a copy: one content of one booking on one drive, after or beside the pipeline's own proof.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::event::ReadBack;
use crate::id::{BookingId, CustodyId, DriveId};
use crate::quantity::ByteCount;

/// A copy was read back as the log says: written to another drive, checked, or repaired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyProven {
    /// Its booking.
    pub booking: BookingId,
    /// The drive that holds it.
    pub drive: DriveId,
    /// The drive that its bytes were read from, if it was written now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DriveId>,
    /// The path below the drive's root.
    pub path: String,
    /// Where the file that it replaces was put, if one was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined: Option<String>,
    /// How it was read back.
    pub read_back: ReadBack,
    /// The act that did it.
    pub request: CustodyId,
    /// SHA-256 of the copy.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: ByteCount,
}

/// What was found instead of a proven copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Found {
    /// Nothing.
    Missing,
    /// Other bytes.
    Differs {
        /// Their SHA-256.
        sha256: Digest,
        /// Their size.
        size_bytes: ByteCount,
    },
    /// A file that the drive cannot read.
    Unreadable {
        /// The drive's error.
        reason: String,
    },
}

/// A copy was not what the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyDamaged {
    /// Its booking.
    pub booking: BookingId,
    /// The drive that holds it.
    pub drive: DriveId,
    /// What was found.
    pub found: Found,
    /// The path below the drive's root.
    pub path: String,
    /// The act that found it.
    pub request: CustodyId,
    /// SHA-256 of what was proven.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: ByteCount,
}

/// A copy's bytes were given back to somebody who asked for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CopyRestored {
    /// Its booking.
    pub booking: BookingId,
    /// The drive that held it.
    pub drive: DriveId,
    /// The path below the drive's root.
    pub path: String,
    /// The act that did it.
    pub request: CustodyId,
    /// SHA-256 of the bytes that were written and read again.
    pub sha256: Digest,
    /// Where to: a path, or the server.
    pub to: String,
}
