//! `[verify]`

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
