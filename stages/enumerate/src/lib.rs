//! Takes the oldest signed-off bookings in hand that are not in hand already.
//!
//! Takes [`RunRequested`](strongroom_model::Event::RunRequested), gives
//! [`RunEnumerated`](strongroom_model::Event::RunEnumerated) and, in the same append, one
//! [`TimesheetEnumerated`](strongroom_model::Event::TimesheetEnumerated) for each booking
//! taken: see the README beside this crate for the whole table.
//!
//! - [`stage`]: reads the server's list page by page, and settles;
//! - `pick`: what becomes of each record, pure;
//! - `findings`: what a run says that it found.

mod findings;
mod pick;
pub mod stage;

pub use crate::stage::Enumerate;
