//! What happens to a drive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drive_use::DriveUse;
use crate::id::UseToken;

/// What disk a drive is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskOf {
    /// One of its own.
    Own,
    /// The one that holds the system.
    System,
    /// The one that holds the log.
    Log,
    /// The one that holds the document server's files.
    Documents,
    /// None: it is in memory.
    Memory,
}

/// A drive was found attached where copies are proven. Recorded where this differs from what was recorded last of any
/// drive, so that the newest one tells how it is; before the first one, each drive has a disk of its own and counts only what was read
/// from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveAttached {
    /// Whether a copy is proven though it may have been read back from a cache.
    pub cached_is_proven: bool,
    /// What disk it is on.
    pub disk: DiskOf,
}

impl DriveAttached {
    /// As a drive should be.
    pub const PLAIN: Self = Self { disk: DiskOf::Own, cached_is_proven: false };
}

/// A drive got its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveInitialised {
    /// The name that a person gave it, as on its sticker.
    pub label: String,
}

/// A process began to use a drive, and left a mark of that on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveUsed {
    /// The newest use whose mark the drive held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DriveUse>,
    /// The id of its file system, where the host tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<String>,
    /// The number of this use on that drive, from 1.
    pub generation: u64,
    /// The serial number of its device, where the host tells it. A USB adapter may tell its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// What the mark on the drive holds: random.
    pub token: UseToken,
}

/// A person decided that a drive is the right one from now on, though it lacked the mark of its newest use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveAdopted {
    /// The newest use whose mark the drive held before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DriveUse>,
    /// The number of the use that the drive is marked with.
    pub generation: u64,
    /// Why, in the person's words.
    pub reason: String,
    /// What the mark on the drive holds: random.
    pub token: UseToken,
}

/// A person had a drive's identity, which could not be read any more, written back from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveIdentityRestored {
    /// What on the drive showed which one it is, in one sentence.
    pub evidence: String,
}
