//! `[retry]`

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::value::Period;

/// What happens after a failure that may pass.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct RetrySection {
    /// How often one file is tried before a person must look.
    #[config(default = 7, validate(*max_attempts >= 1 && *max_attempts <= 1000, "it must be from 1 to 1000"))]
    pub max_attempts: u32,

    /// How long to wait after the first failed attempt, after the second, and so on. The
    /// last one holds for all that follow; mails are tried again for ever.
    #[config(default = ["2s", "10s", "1m", "5m", "15m", "1h"])]
    pub delays: Vec<Period>,

    /// How long `strongroom run --once` waits for retries before it leaves them to the next
    /// run.
    #[config(default = "30s")]
    pub wait_once: Period,
}
