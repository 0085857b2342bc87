//! Events of a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What started a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The configured schedule.
    Schedule,
    /// `--once`: by a person or a scheduler.
    Once,
}

/// A run is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequested {
    /// The most bookings to claim.
    pub oldest: u32,
    /// What started it.
    pub trigger: Trigger,
}

/// A booking that could not be claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Its id as the server gave it, printable and shortened.
    pub booking: String,
    /// The reason.
    pub reason: String,
}

/// Why a run claimed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZeroReason {
    /// The server has none to back up.
    NothingWaiting,
    /// All are claimed, or need a person.
    #[serde(rename = "all-in-hand")]
    AllClaimed,
    /// No record was usable.
    NoneUsable,
    /// The server counts bookings but lists none.
    NoneListed,
}

/// A run's result, appended together with its bookings' events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnumerated {
    /// Bookings newly claimed.
    pub enumerated: u64,
    /// Archived bookings that the server forgot.
    pub forgotten: u64,
    /// Bookings that earlier runs claimed.
    #[serde(rename = "in_hand")]
    pub claimed: u64,
    /// Bookings examined.
    pub listed: u64,
    /// The first unusable records, 50 at most.
    pub rejected: Vec<Rejected>,
    /// Unusable records in all.
    pub unusable: u64,
    /// Bookings waiting on the server.
    pub waiting: u64,
    /// Why none was claimed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_reason: Option<ZeroReason>,
}
