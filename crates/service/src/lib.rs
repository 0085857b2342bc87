//! What every process of Strongroom needs, whatever its part.
//!
//! - [`clock`]: what time it is, as an argument;
//! - [`kill`] and [`fault`]: where a test lets the process die, or a call fail.

pub mod clock;
pub mod fault;
pub mod kill;

pub use crate::clock::Clock;
pub use crate::fault::Fault;
