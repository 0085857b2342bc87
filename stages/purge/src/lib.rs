//! Has the document server delete archived files, by an approved purge and this log's own proofs (R5).
//!
//! [`PurgeRequested`](strongroom_model::Event::PurgeRequested) in,
//! [`TimesheetPurged`](strongroom_model::Event::TimesheetPurged) out; the README has the whole table.

mod judge;
mod marks;
mod stage;

pub use crate::judge::{Verdict, judge};
pub use crate::stage::{PurgeSettings, Purger, ids_digest};
