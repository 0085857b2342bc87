//! `[retry]`

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::value::Period;

/// What happens after a failure that may pass.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct Retry {
    /// How often one file is tried before a person must look.
    #[config(default = 5, validate(*max_attempts >= 1 && *max_attempts <= 1000, "it must be from 1 to 1000"))]
    pub max_attempts: u32,

    /// How long the first retry waits. Each one after it waits twice as long.
    #[config(default = "10s")]
    pub first_delay: Period,

    /// How long a retry waits, at most.
    #[config(default = "15m")]
    pub longest_delay: Period,

    /// How long `strongroom run --once` waits for retries before it leaves them to the next
    /// run.
    #[config(default = "30s")]
    pub wait_once: Period,
}
