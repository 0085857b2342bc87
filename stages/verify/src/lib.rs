//! Reads copies back from the drive, past the page cache, and compares three digests: the server's, the received and
//! the read-back one.
//!
//! [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched) in,
//! [`TimesheetBackedUp`](strongroom_model::Event::TimesheetBackedUp) out; the README has the whole table.
//!
//! In reading order: `stage`, `judge` (pure), `suspects` (files that a drive changed), `drive_check` (a drive that is
//! first seen), `salvage` and `unknown` (copies that a lost log may have proven), `lost`, `record_attached`, `folding`.

mod drive_check;
mod folding;
mod judge;
mod lost;
mod record_attached;
mod salvage;
mod stage;
mod suspects;
mod unknown;

pub use crate::stage::{OR_CACHED, Verify, VerifySettings};
