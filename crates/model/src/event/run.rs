//! What happens in a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What set a run going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// The schedule in the configuration.
    Schedule,
    /// `--once`: a person, cron or another scheduler.
    Once,
}

/// A run is due: enumerate takes it from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequested {
    /// How many bookings it may take at most.
    pub oldest: u32,
    /// What set it going.
    pub trigger: Trigger,
}

/// A booking in the server's list that could not be taken in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Its id as the server gave it, printable and shortened.
    pub booking: String,
    /// Why, on one line.
    pub reason: String,
}

/// Why a run took nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ZeroReason {
    /// The server has no signed-off booking that is not backed up.
    NothingWaiting,
    /// All that wait are in hand from earlier runs, or need a person.
    AllInHand,
    /// None of the records that wait could be used.
    NoneUsable,
    /// The server says that bookings wait, and its list shows none of them.
    NoneListed,
}

/// What a run found. The bookings themselves are in their own streams, appended
/// with this event in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEnumerated {
    /// How many were taken in hand.
    pub enumerated: u64,
    /// How many the server offers though they were archived: it has forgotten our mark.
    pub forgotten: u64,
    /// How many were passed over since an earlier run has them in hand.
    pub in_hand: u64,
    /// How many were looked at.
    pub listed: u64,
    /// The first of the records that could not be used, 50 at most.
    pub rejected: Vec<Rejected>,
    /// How many records could not be used; `rejected` shows the first of them.
    pub unusable: u64,
    /// How many bookings the server said were waiting in all.
    pub waiting: u64,
    /// Why none was taken, where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zero_reason: Option<ZeroReason>,
}
