//! The rig that the end-to-end tests stand on, and what belongs to no single crate.
//!
//! - [`schemas`]: every file in `schemas/` that the code dictates.

pub mod schemas;
