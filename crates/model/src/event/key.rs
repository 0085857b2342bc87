//! Events of the key that signs the log's checkpoints, and of the witnesses that cosign them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The site's key was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyCreated {
    /// Its public half, as a verifier key of <https://c2sp.org/signed-note>.
    pub key: String,
}

/// The site's key was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotated {
    /// The new key's public half.
    pub key: String,
    /// The old key's public half.
    pub previous: String,
    /// A note that names both and is signed by both.
    pub statement: String,
}

/// A witness is asked for its cosignature of each signed checkpoint from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessAdded {
    /// Its public key, as a verifier key of <https://c2sp.org/tlog-cosignature>.
    pub key: String,
    /// Where its server is.
    pub url: String,
}

/// A witness is asked no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WitnessRemoved {
    /// Its public key.
    pub key: String,
}
