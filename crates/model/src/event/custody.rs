//! Events of acts on drives' contents: each is requested, done in slices, and finished.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{BookingId, DriveId};
use crate::quantity::{ByteCount, Month, Position};

/// A drive, and where it was mounted when the act was requested.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct MountedDrive {
    /// Its identity.
    pub drive: DriveId,
    /// The folder.
    pub path: String,
}

/// Which copies an act is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "by")]
pub enum Selection {
    /// Every copy on the drive.
    All,
    /// Of these bookings.
    Bookings {
        /// Their ids.
        ids: Vec<BookingId>,
    },
    /// Of one month's folder.
    Month {
        /// The month.
        month: Month,
    },
    /// Without a proof since then.
    Since {
        /// The time.
        #[schemars(with = "String", extend("format" = "date-time"))]
        time: Timestamp,
    },
    /// As many, chosen at random.
    Sample {
        /// How many in each 10,000.
        per_10000: u32,
        /// Chooses which; the log shows it, so that the choice can be repeated.
        seed: u64,
    },
}

/// Where copies are restored to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum RestoreTo {
    /// A folder.
    Folder {
        /// Its path.
        path: String,
    },
    /// A scratch folder that is emptied afterwards: a drill.
    Scratch,
    /// The document server's archive.
    Server,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", tag = "act")]
pub enum Act {
    /// Read copies back.
    Verify {
        /// The drive.
        drive: MountedDrive,
        /// Which copies.
        which: Selection,
    },
    /// Write copies onto other drives.
    Copy {
        /// The drive to read.
        drive: MountedDrive,
        /// The drives to write.
        to: Vec<MountedDrive>,
    },
    /// Replace damaged copies by good ones.
    Repair {
        /// The drive to repair.
        drive: MountedDrive,
        /// The drive to read.
        from: MountedDrive,
    },
    /// Give files back.
    Restore {
        /// The drive to read.
        drive: MountedDrive,
        /// Where to.
        to: RestoreTo,
        /// Which copies.
        which: Selection,
    },
}

impl Act {
    /// The drive that it is bound to.
    #[must_use]
    pub const fn drive(&self) -> &MountedDrive {
        match self {
            Self::Verify { drive, .. }
            | Self::Copy { drive, .. }
            | Self::Repair { drive, .. }
            | Self::Restore { drive, .. } => drive,
        }
    }

    /// Whether no stage does it, but the process that requested it: the folder belongs to the person at the keyboard.
    #[must_use]
    pub const fn is_attended(&self) -> bool {
        matches!(self, Self::Restore { to: RestoreTo::Folder { .. }, .. })
    }
}

/// An act is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyRequested {
    /// What.
    pub act: Act,
    /// The log's size then: copies proven later are not part of it.
    pub until: Position,
}

/// What an act has done so far. Sums over all slices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Bytes read from the drive that the act is bound to.
    pub bytes: ByteCount,
    /// Files that were not as the log says.
    pub damaged: u64,
    /// Faults of the bags.
    pub faults: u64,
    /// Drives that could not be written to the end, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<GivenUp>,
    /// Files read and found as the log says.
    pub good: u64,
    /// Faults in words, the first 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// Files that had been done before.
    pub skipped: u64,
    /// Files written and proven.
    pub written: u64,
}

/// A drive that an act gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenUp {
    /// The drive.
    pub drive: DriveId,
    /// The reason.
    pub reason: String,
}

/// A slice of an act is done: what it found is in the copies' streams. The next slice goes on from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyAdvanced {
    /// The first position of the log that is not yet examined.
    pub next: Position,
    /// The sums.
    pub tally: Tally,
}

/// An act is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyFinished {
    /// The sums.
    pub tally: Tally,
}

/// An act was ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustodyCancelled {
    /// Why.
    pub reason: String,
}
