//! Plugins: programs that transfer and verify a backup job, in any language.
//!
//! A plugin is started once per operation. It reads one JSON request on standard input, and answers in JSON Lines on
//! standard output: `hello` first, one `result` last. [`protocol`] has the messages of version 1, [`host`] starts
//! plugins and judges them, [`speaker`] is the plugin's side for plugins in Rust,
//! [`kit`] tries whether a program is a plugin. docs/plugins.md is the page for authors.

pub mod host;
pub mod kit;
pub mod protocol;
pub mod speaker;

pub use crate::host::{Bounds, Ended, Environment, Launch, Notice, Obstacle, Verdict};
pub use crate::protocol::{HostMessage, PluginMessage, Report, Request};
pub use crate::speaker::{Cancelled, Plugin, Speaker, serve, serve_stdio};
