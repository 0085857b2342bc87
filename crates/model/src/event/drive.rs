//! What happens to a drive.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A drive got its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriveInitialised {
    /// The name that a person gave it, as on its sticker.
    pub label: String,
}
