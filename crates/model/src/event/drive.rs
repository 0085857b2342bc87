//! What happens to a drive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// What disk it is on.
    pub disk: DiskOf,
    /// Whether a copy is proven though it may have been read back from a cache.
    pub cached_is_proven: bool,
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
