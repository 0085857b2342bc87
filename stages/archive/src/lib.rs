//! Marks proven copies on the document server, and has its files moved to the archive.
//!
//! [`TimesheetBackedUp`](strongroom_model::Event::TimesheetBackedUp) in,
//! [`TimesheetArchived`](strongroom_model::Event::TimesheetArchived) out; the README has the whole table.

mod mark;
mod stage;

pub use crate::stage::Archive;
