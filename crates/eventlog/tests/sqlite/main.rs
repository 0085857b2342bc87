//! What only a log in a SQLite file can meet with; `suite` has what any log does.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod open;
#[cfg(unix)]
mod permission;
mod sample;
mod trouble;
