//! The document server over real HTTP.

mod life;
mod rig;
