//! How an operation ended.

use std::path::PathBuf;

use serde_json::Value;

use super::detail::Detail;
use super::verdict::{End, Stop, Verdict};
use crate::protocol::{Hello, Item};

/// How an operation ended. All text is bounded, printable and without secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The host's verdict.
    pub verdict: Verdict,
    /// What the plugin said of itself.
    pub hello: Option<Hello>,
    /// The first items, at most [`MAX_ITEMS`](crate::protocol::MAX_ITEMS) and 16 KiB.
    pub items: Vec<Item>,
    /// How many there were.
    pub items_total: u64,
    /// What the next operation is to be given, if the verdict is kept.
    pub state: Option<Value>,
    /// The detail file, if one was asked for and could be written; if not, a note says so.
    pub detail: Option<Detail>,
    /// How the process ended.
    pub end: End,
    /// Why the host ended it, if it did.
    pub stop: Option<Stop>,
    /// The working directory, if it was kept.
    pub workdir: Option<PathBuf>,
    /// Lines on standard output that were no messages.
    pub stray_lines: u64,
    /// Lines that were longer than 64 KiB.
    pub cut_lines: u64,
    /// Messages that could not be read.
    pub malformed: u64,
    /// Processes that the plugin left behind, and that were ended.
    pub left_behind: usize,
    /// Bytes on standard output.
    pub stdout_bytes: u64,
    /// Bytes on standard error.
    pub stderr_bytes: u64,
}
