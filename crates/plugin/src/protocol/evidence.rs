//! How a copy was proven.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a copy was proven. Without it, `verify` proves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// How: `sha256` (both sides read and hashed), `bytes` (compared byte by byte), `tool` (the tool's own check),
    /// `restore` (restored, then compared), `sizes` (sizes and times only, which proves no content), or a name of the
    /// plugin's own.
    pub method: String,
    /// Where the copy's bytes were read from.
    #[serde(default)]
    pub read_back: ReadBack,
    /// Files that were read.
    #[serde(default)]
    pub files: u64,
    /// Bytes that were read.
    #[serde(default)]
    pub bytes: u64,
    /// Which part was read, if not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// What that adds up to, in words: `every file was read within 30 days`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<String>,
}

/// Where the copy's bytes were read from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadBack {
    /// The device, past the operating system's cache.
    Device,
    /// Perhaps the operating system's cache.
    Cached,
    /// Read and compared at the target's end, by the tool.
    Remote,
    /// Not said, or by a name of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// One part of `of`, which are read in turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Which part, from 1.
    pub part: u64,
    /// How many parts there are.
    pub of: u64,
}
