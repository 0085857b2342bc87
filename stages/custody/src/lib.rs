//! Acts on drives' contents: verify, copy, repair, restore.
//!
//! [`CustodyRequested`](strongroom_model::Event::CustodyRequested) in, events of copies and
//! [`CustodyFinished`](strongroom_model::Event::CustodyFinished) out; the README has the whole table.

mod bags;
mod chosen;
mod copy;
mod drives;
mod journal;
mod read;
mod repair;
mod restore;
mod slice;
mod stage;
mod verify;

pub use crate::drives::{DriveGate, Drives};
pub use crate::stage::Custodian;
