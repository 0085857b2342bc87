//! A stage's backlog.

use jiff::Timestamp;
use strongroom_model::StageName;

/// A stage's backlog, in subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageBacklog {
    /// The stage.
    pub stage: StageName,
    /// Those without a delay.
    pub at_once: u64,
    /// Those with an earliest time, past or future.
    pub delayed: u64,
    /// The first of these times.
    pub first_due_at: Option<Timestamp>,
}
