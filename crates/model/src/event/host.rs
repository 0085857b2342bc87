//! Events of a host on which jobs run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A host runs jobs from now on, or says something else of itself than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostJoined {
    /// Its operating system, such as `linux`.
    pub os: String,
    /// What the system calls itself, as actors name it.
    pub system: String,
    /// The program's version.
    pub version: String,
    /// The IANA name of its time zone.
    pub zone: String,
}

/// Nothing is expected of the host any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostRetired {
    /// Why.
    pub reason: String,
}
