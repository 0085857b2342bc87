//! Witnesses of logs (<https://c2sp.org/tlog-witness>): whoever runs one signs that a log's checkpoint continues all
//! that it has seen of that log before. A log that was rewritten gets no cosignature of a witness that saw more.
//!
//! - [`Witness`]: decides and remembers; [`serve`]: its HTTP server;
//! - [`WitnessClient`]: asks one for a cosignature.

mod client;
mod memory;
mod server;
mod witness;

pub use crate::client::{WitnessClient, WitnessError};
pub use crate::server::serve;
pub use crate::witness::{Decision, Witness, WitnessFault};
