//! The host with real processes, most of which do what no plugin should.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod bad;
mod cancel;
mod orphans;
mod rig;
mod start;
mod well;
