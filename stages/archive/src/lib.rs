//! Tells the document server what is proven, and has its copies moved to the archive.
//!
//! Takes [`TimesheetBackedUp`](strongroom_model::Event::TimesheetBackedUp) (or what gives a
//! proven booking back to it), gives
//! [`TimesheetArchived`](strongroom_model::Event::TimesheetArchived): see the README beside
//! this crate for the whole table.
//!
//! - [`stage`]: the order of the steps, and what a stop between two of them leaves;
//! - `tell`: what one booking is told, and what the server's answer means.

pub mod stage;
mod tell;

pub use crate::stage::Archive;
