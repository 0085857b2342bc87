//! Reads a site's log and says what it means; never writes anything.
//!
//! In reading order:
//! - [`sentence`]: every event as one plain sentence;
//! - [`world`]: the state of all subjects, folded event by event, and what does not fit;
//! - [`as_of`]: up to where.

pub mod as_of;
pub mod sentence;
pub mod world;

#[cfg(test)]
mod samples;

pub use crate::as_of::{AsOf, ParseAsOfError};
pub use crate::sentence::sentence;
pub use crate::world::{Misfit, Standings, World};
