//! What the host says.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One line of the host. A plugin ignores unknown types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum HostMessage {
    /// The first line, and the only one that a plugin must read.
    Request(Box<Request>),
    /// Perhaps later: stop soon, and say `cancelled`.
    Cancel(Cancel),
}

/// What is asked of the plugin. The end of standard input after it means nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// The versions of the protocol that the host speaks.
    pub protocol: Vec<u32>,
    /// The operation, by its name: see [`Operation`](super::Operation).
    pub op: String,
    /// The job's name; empty at `describe`.
    #[serde(default)]
    pub job: String,
    /// The run's id; empty outside a run.
    #[serde(default)]
    pub run: String,
    /// The job's own settings, as the plugin's schema says.
    #[serde(default)]
    pub config: Value,
    /// Passwords and keys, by name. They are nowhere else: on no command line, in no environment.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// What the last operation left with `state`; `null`: nothing.
    #[serde(default)]
    pub state: Value,
    /// A new and empty folder, which is the working directory, and is removed afterwards.
    #[serde(default)]
    pub workdir: String,
    /// What the host holds the operation to.
    #[serde(default)]
    pub limits: Limits,
    /// How the host cancels.
    #[serde(default)]
    pub cancel: CancelBy,
}

impl Request {
    /// A request without configuration and secrets.
    #[must_use]
    pub fn new(operation: super::Operation) -> Self {
        Self {
            protocol: vec![super::VERSION],
            op: operation.name().to_owned(),
            job: String::new(),
            run: String::new(),
            config: Value::Null,
            secrets: BTreeMap::new(),
            state: Value::Null,
            workdir: String::new(),
            limits: Limits::default(),
            cancel: CancelBy::Line,
        }
    }
}

/// What the host holds an operation to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Limits {
    /// The most files that this run may delete in the target; absent or 0: none.
    pub max_delete: u64,
    /// After so many seconds without a message the host says that the job stalls; 0: never.
    pub stall_s: u64,
    /// After so many seconds the host cancels; 0: never.
    pub timeout_s: u64,
}

/// How the host cancels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancelBy {
    /// With a `cancel` line; then with SIGTERM, where there is one; then by force.
    #[default]
    Line,
    /// In a way of a later version.
    #[serde(other)]
    Unknown,
}

/// Stop soon, and say `cancelled`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancel {
    /// Why: `stop`, `timeout`.
    #[serde(default)]
    pub reason: String,
}

/// A password or key, which no log and no `{:?}` shows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}
