//! The document server over real HTTP, and the imports beside it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod access;
mod content;
mod crash;
mod import_folder;
#[cfg(feature = "kill-points")]
mod kill;
mod life;
mod limits;
mod list;
mod many;
mod openapi;
mod purge;
mod rig;
mod upload;
mod waiting;
