//! `[log]`

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// The event log: the truth about everything.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct Log {
    /// The log's file (SQLite). Unset: `log.sqlite` in `data_dir`.
    pub path: Option<PathBuf>,
}
