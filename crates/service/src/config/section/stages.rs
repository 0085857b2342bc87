//! `[enumerate]`, `[fetch]`, `[verify]`, `[archive]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strongroom_model::wire::{MAX_ITEMS, MAX_LIST};

/// Which bookings a run claims.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct EnumerateSection {
    /// How many of the oldest signed-off bookings one run claims, at most: 1 to 1000.
    #[config(default = 100, validate(*oldest >= 1 && *oldest <= MAX_LIST, "it must be from 1 to 1000"))]
    pub oldest: u32,
}

/// How files are brought onto the drive.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct FetchSection {
    /// How many files are downloaded at once.
    #[config(default = 8, validate(*concurrency >= 1 && *concurrency <= 256, "it must be from 1 to 256"))]
    pub concurrency: u32,

    /// How many files share one sync of the drive, at most.
    #[config(default = 64, validate(*batch >= 1 && *batch <= 1024, "it must be from 1 to 1024"))]
    pub batch: u32,
}

/// What a copy must have been read back from, to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Require {
    /// The device, past every cache on the way to it.
    Device,
    /// The file system, though a cache may have answered.
    Cached,
}

/// How copies are read back and compared.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct VerifySection {
    /// How many copies are read back at once.
    #[config(default = 4, validate(*concurrency >= 1 && *concurrency <= 256, "it must be from 1 to 256"))]
    pub concurrency: u32,

    /// How many copies are taken at a time, at most.
    #[config(default = 64, validate(*batch >= 1 && *batch <= 1024, "it must be from 1 to 1024"))]
    pub batch: u32,

    /// What a copy must have been read back from, to be proven: "device" or "cached" (the file system, though a cache may
    /// have answered: for drives that cannot be read otherwise; each mail says so).
    #[config(default = "device")]
    pub require: Require,
}

/// How bookings are marked and moved on the server.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct ArchiveSection {
    /// How many bookings are marked and moved with one request, at most.
    #[config(default = 200, validate(*batch >= 1 && *batch as usize <= MAX_ITEMS, "it must be from 1 to 1000"))]
    pub batch: u32,
}
