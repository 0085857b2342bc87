//! What only a log in Postgres can meet with; `suite` has what any log does.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

mod copy;
mod guard;
mod import;
#[cfg(feature = "kill-points")]
mod killed;
mod open;
mod process;
mod role;
mod sample;
mod signs;
mod trouble;
mod trust;
mod wake;
