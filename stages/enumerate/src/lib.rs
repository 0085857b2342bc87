//! Takes the oldest signed-off bookings that are not in progress.
//!
//! [`RunRequested`](strongroom_model::Event::RunRequested) in; out come
//! [`RunEnumerated`](strongroom_model::Event::RunEnumerated) and, in the same append, a
//! [`TimesheetEnumerated`](strongroom_model::Event::TimesheetEnumerated) for each booking taken. The README has the
//! whole table.

mod findings;
mod pick;
pub mod stage;

pub use crate::stage::Enumerate;
