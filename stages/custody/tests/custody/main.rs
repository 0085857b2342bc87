//! The stage on a real log and on drives in folders: what it finds, writes and records.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod copying;
mod repairing;
mod restoring;
mod rig;
mod verifying;
