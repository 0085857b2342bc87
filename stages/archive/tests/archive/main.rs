//! Batches, against a real log, and a scripted server or the real one.
#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod faults;
mod real;
