//! Reads copies back from the drive, past the page cache, and compares three digests: what
//! the server held, what came, and what was read back.
//!
//! Takes [`TimesheetFetched`](strongroom_model::Event::TimesheetFetched), gives
//! [`TimesheetBackedUp`](strongroom_model::Event::TimesheetBackedUp): see the README beside
//! this crate for the whole table. It tells the server nothing: archive does.
//!
//! - [`stage`]: the order of the steps, and what a stop between two of them leaves;
//! - `judge`: what the three digests mean, decided purely;
//! - `lost`: copies that were lost before the server was told of them;
//! - `attached`: how the drive is used, recorded for whoever cannot see it;
//! - `begin`: what is looked at when a drive is first seen;
//! - `salvage` and `unknown`: copies that a lost log may have proven, read back and told of;
//! - `folding`: writing the manifests whole;
//! - `suspects`: files that a drive changed.

mod attached;
mod begin;
mod folding;
mod judge;
mod lost;
mod salvage;
pub mod stage;
mod suspects;
mod unknown;

pub use crate::stage::{OR_CACHED, Verify, VerifySettings};
