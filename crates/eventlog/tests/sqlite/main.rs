//! What only a log in a SQLite file can meet with; `suite` has what any log does.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod fixture;
mod open;
#[cfg(unix)]
mod permission;
mod process;
mod sample;
#[cfg(unix)]
mod signs;
mod trouble;
