//! A stage's backlog.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::StageName;

/// How many subjects wait for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StageBacklog {
    /// The stage.
    pub stage: StageName,
    /// Subjects that it may work on at once.
    pub at_once: u64,
    /// Subjects that wait for a time, past or future.
    pub delayed: u64,
    /// The first of these times.
    pub first_due_at: Option<Timestamp>,
}
