//! Numbers of an operation, and the tool behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many files. An absent number is 0.
///
/// The host checks that they add up: every file that was `seen` is `copied`, `skipped` or `failed`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Counts {
    /// Found in the source.
    pub seen: u64,
    /// Transferred now; for `plan`: that `run` would transfer.
    pub copied: u64,
    /// Not transferred, since the target has them already or since the configuration leaves them out.
    pub skipped: u64,
    /// Deleted in the target; for `plan`: that `run` would delete.
    pub deleted: u64,
    /// In the target and not in the source, and left there.
    pub extra: u64,
    /// That differ: a file on one side and a folder on the other, or other bytes at `verify`.
    pub mismatched: u64,
    /// Not transferred, or not verified, because of an error.
    pub failed: u64,
    /// Proven by `verify`.
    pub proven: u64,
}

/// The tool that a plugin ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Such as `rsync`.
    pub name: String,
    /// As the tool says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its exit code; absent if a signal ended it, or if it did not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
}
