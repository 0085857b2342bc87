//! What a plugin says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::Report;

/// One line of a plugin. The host ignores unknown types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum PluginMessage {
    /// The first line.
    Hello(Hello),
    /// In place of a result: this version or this operation is not known.
    Unsupported(Unsupported),
    /// How far it is.
    Progress(Progress),
    /// For the detail file.
    Log(Log),
    /// A file that was not simply copied.
    Item(Item),
    /// What the next operation is given back.
    State(State),
    /// The last line.
    Result(Box<Report>),
}

impl PluginMessage {
    /// The types that this version knows.
    pub const TYPES: [&str; 7] = ["hello", "unsupported", "progress", "log", "item", "state", "result"];
}

/// Says which version of the protocol follows, and who speaks. Due within 10 s of the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hello {
    /// One of the versions that the request offered.
    pub protocol: u32,
    /// The plugin's name.
    pub name: String,
    /// The plugin's own version.
    #[serde(default)]
    pub version: String,
}

/// This version or this operation is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsupported {
    /// The versions that the plugin speaks, if none was offered that it does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protocol: Vec<u32>,
}

/// How far it is. Any message is a sign of life as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Progress {
    /// Files done.
    pub files: u64,
    /// Files in all, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_total: Option<u64>,
    /// Bytes done.
    pub bytes: u64,
    /// Bytes in all, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// What it does now, in a word or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The file that it is at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// A line for the detail file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Log {
    /// How important.
    pub level: Level,
    /// The line.
    pub text: String,
}

/// How important a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// For who writes the plugin.
    Debug,
    /// For who looks at the run.
    Info,
    /// Something was left out.
    Warn,
    /// Something failed.
    Error,
}

/// A file that was not simply copied. The host counts all, and keeps the first 100 with the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The path, relative to the source or to the target; approximate if it is not Unicode.
    pub path: String,
    /// The path's bytes in base64, if it is not Unicode; on Windows as WTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_b64: Option<String>,
    /// What became of it.
    pub outcome: ItemOutcome,
    /// The tool's or the operating system's code, such as `EACCES` or `5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Item {
    /// An item without a reason.
    #[must_use]
    pub fn new(path: impl Into<String>, outcome: ItemOutcome) -> Self {
        Self { path: path.into(), path_b64: None, outcome, code: None, message: None }
    }
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemOutcome {
    /// Not transferred or not verified, because of an error.
    Failed,
    /// Left out.
    Skipped,
    /// In the target and not in the source.
    Extra,
    /// Deleted in the target.
    Deleted,
    /// A file on one side, a folder on the other.
    Mismatched,
    /// Other bytes than it should have.
    Differs,
    /// The source could not be read.
    Unreadable,
}

impl ItemOutcome {
    /// Whether the copy lacks something for it.
    #[must_use]
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Mismatched | Self::Differs | Self::Unreadable)
    }
}

/// What the next operation is given back. It is kept with the result or not at all; the last one counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// Any JSON, of at most 16 KiB.
    pub state: Value,
}
