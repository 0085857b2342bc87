//! Events of a drive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::drive_use::DriveUse;
use crate::id::UseToken;
use crate::quantity::ByteCount;

/// A drive's disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DiskOf {
    /// Its own disk.
    Own,
    /// The system's disk.
    System,
    /// The log's disk.
    Log,
    /// The document server's disk.
    Documents,
    /// Memory.
    Memory,
}

/// A drive was found attached for proof. Appended only on a change: the site's newest such event holds, and without one
/// [`DriveAttached::PLAIN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveAttached {
    /// Whether cached read-back is proof.
    pub cached_is_proven: bool,
    /// Its disk.
    pub disk: DiskOf,
}

impl DriveAttached {
    /// Its own disk, uncached read-back.
    pub const PLAIN: Self = Self { disk: DiskOf::Own, cached_is_proven: false };
}

/// A drive got its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveInitialised {
    /// Its name, as on its sticker.
    pub label: String,
}

/// A process began using a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveUsed {
    /// The newest use marked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DriveUse>,
    /// Its file system's id, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<String>,
    /// This use's number.
    pub generation: u64,
    /// Its device's (or USB adapter's) serial number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The random token of its mark.
    pub token: UseToken,
}

/// A person declared a drive without its newest mark the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveAdopted {
    /// The newest use marked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DriveUse>,
    /// Its new use's number.
    pub generation: u64,
    /// The person's reason.
    pub reason: String,
    /// The random token of its mark.
    pub token: UseToken,
}

/// A person had a drive's identity restored from the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveIdentityRestored {
    /// What identified it.
    pub evidence: String,
}

/// A drive was given to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveHandedOver {
    /// Bytes of proven copies on it.
    pub bytes: ByteCount,
    /// Bookings whose copies on it are proven.
    pub files: u64,
    /// Where it is kept from then on.
    pub place: String,
    /// SHA-256 of the receipt, in hexadecimal.
    pub receipt_sha256: String,
    /// Who holds it from then on.
    pub to: String,
}

/// A drive came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveReturned {
    /// Who brought it, if told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it is kept from then on.
    pub place: String,
}

/// A drive is out of service: its copies count no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveRetired {
    /// How many other drives each of its copies was proven on, at least.
    pub elsewhere: u32,
    /// Bookings with a copy on it.
    pub files: u64,
    /// The person's reason.
    pub reason: String,
}

/// A drive is lost, stolen or broken: its copies count no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveLost {
    /// What happened.
    pub reason: String,
}
