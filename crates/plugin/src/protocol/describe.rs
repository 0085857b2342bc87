//! What a plugin says of itself, and of a configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a plugin is: the answer to `describe`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Describe {
    /// Its name; empty: that of its `hello`.
    pub name: String,
    /// Its version; empty: that of its `hello`.
    pub version: String,
    /// The operations that it knows, by name. Without `verify` its jobs can never be proven.
    pub operations: Vec<String>,
    /// The JSON Schema of the request's `config`; `null`: any.
    pub config: Value,
    /// The names in the request's `secrets` that it uses.
    pub secrets: Vec<String>,
    /// Where it runs: `linux`, `macos`, `windows`; empty: anywhere.
    pub platforms: Vec<String>,
    /// Whether `run` may delete files in the target. The host then asks for `plan` first.
    pub may_delete: bool,
    /// Whole configurations that fit the schema, for the page and for the kit.
    pub examples: Vec<Value>,
}

/// What is wrong with a configuration: part of the answer to `validate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Where: a JSON pointer (RFC 6901) into `config`, such as `/source`; empty: the whole.
    #[serde(default)]
    pub pointer: String,
    /// What is wrong, for a person.
    pub message: String,
    /// What to do about it.
    #[serde(default)]
    pub next_step: String,
}
