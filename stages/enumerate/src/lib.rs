//! Claims the oldest signed-off bookings:
//! [`RunRequested`](strongroom_model::Event::RunRequested) in,
//! [`RunEnumerated`](strongroom_model::Event::RunEnumerated) out, in one append with its bookings' events. The README
//! has the whole table.

mod findings;
mod pick;
pub mod stage;

pub use crate::stage::Enumerate;
