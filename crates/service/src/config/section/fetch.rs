//! `[fetch]`

use schemars::JsonSchema;
use serde::Serialize;

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
