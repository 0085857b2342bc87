//! The built-in kinds of backup jobs, each a plugin in Rust: `rsync`, `rclone`, `restic`, `robocopy`, `command`, `check`,
//! `tasks`.
//!
//! A kind runs a tool that others wrote, and trusts it with nothing:
//! - nothing is deleted before it was counted and is within the run's bound, and nothing from a source that is missing
//!   or empty;
//! - exit codes and output are judged by `strongroom-toollog`; a code that is not known is a failure;
//! - a good end is "copied". The proof reads: each file of a share and its copy, the copy past the cache where it is
//!   local, or the tool's own comparison where it is not; how it was read is said;
//! - output, memory and items are bounded; the tool's processes end with the operation.
//!
//! In reading order: [`built_in`] (the kinds by name), `around` (what a kind may know of its host), `config` and
//! `state`, `tool` and `version` (a child process), `brake`, `preflight` and `place` (before anything is written),
//! [`proof`], and a module for each kind.

mod around;
mod brake;
pub mod built_in;
mod check;
mod command;
mod config;
mod local;
mod place;
mod preflight;
mod progress;
pub mod proof;
mod rclone;
mod report;
mod restic;
mod robocopy;
mod rsync;
mod state;
pub mod tasks;
mod tool;
mod version;

pub use crate::around::Around;
pub use crate::built_in::{BuiltIn, NAMES};
