//! The document server over real HTTP, and the imports beside it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod import_folder;
mod life;
mod list;
mod rig;
