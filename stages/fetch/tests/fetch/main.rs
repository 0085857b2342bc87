//! Batches, against a real log, a real drive, and a scripted server.
#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod documents;
mod faults;
mod good;
mod obstacles;
mod real;
mod rig;
