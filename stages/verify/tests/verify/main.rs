//! The stage with a real drive and a real log, run by the bus.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the answer")]

mod attached;
mod beginning;
mod duplicates;
mod proving;
mod refusing;
mod rig;
mod salvaging;
