//! Reads copies back from the drive, past the page cache, and compares three digests: the server's, the received and
//! the read-back one.
//!
//! [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched) in,
//! [`TimesheetBackedUp`](strongroom_model::Event::TimesheetBackedUp) out; the README has the whole table.
//!
//! In reading order: `stage`, `judge` (pure), `suspects` (files that a drive changed), `begin` (a drive that is first
//! seen), `salvage` and `unknown` (copies that a lost log may have proven), `lost`, `attached`, `folding`.

mod attached;
mod begin;
mod folding;
mod judge;
mod lost;
mod salvage;
mod stage;
mod suspects;
mod unknown;

pub use crate::stage::{OR_CACHED, Verify, VerifySettings};
