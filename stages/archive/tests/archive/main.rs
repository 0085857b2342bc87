//! Batches, against a real log, and a server that does what it is told to or the real one.
#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod faults;
mod real;
mod rig;
