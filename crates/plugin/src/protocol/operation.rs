//! What a plugin can be asked to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a plugin can be asked to do. A later version may add some: a plugin answers those with `unsupported`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Says what the plugin is and what its configuration looks like. Touches nothing.
    Describe,
    /// Checks the configuration, and whether what it names is there. Writes nothing.
    Validate,
    /// Counts what `run` would copy and delete. Writes nothing.
    Plan,
    /// Transfers.
    Run,
    /// Proves what was transferred, from the copy's own bytes.
    Verify,
}

impl Operation {
    /// All of this version.
    pub const ALL: [Self; 5] = [Self::Describe, Self::Validate, Self::Plan, Self::Run, Self::Verify];

    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Describe => "describe",
            Self::Validate => "validate",
            Self::Plan => "plan",
            Self::Run => "run",
            Self::Verify => "verify",
        }
    }

    /// The operation of that name, if this version has one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}
