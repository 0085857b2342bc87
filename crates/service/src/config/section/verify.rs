//! `[verify]`

use schemars::JsonSchema;
use serde::Serialize;

/// How copies are read back and compared.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct Verify {
    /// How many copies are read back at once.
    #[config(default = 4, validate(*concurrency >= 1 && *concurrency <= 256, "it must be from 1 to 256"))]
    pub concurrency: u32,

    /// How many copies are taken at a time, at most.
    #[config(default = 64, validate(*batch >= 1 && *batch <= 1024, "it must be from 1 to 1024"))]
    pub batch: u32,
}
