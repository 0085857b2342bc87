//! The backlog of a stage: how much work waits for it.

use jiff::Timestamp;
use strongroom_model::StageName;

/// How many subjects wait for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageBacklog {
    /// The stage.
    pub stage: StageName,
    /// How many it may work on at once.
    pub at_once: u64,
    /// How many have a time before which they are not handed out. It may have passed.
    pub delayed: u64,
    /// The earliest of these times.
    pub first_due_at: Option<Timestamp>,
}
