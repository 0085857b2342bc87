//! rclone: JSON lines (`--use-json-log`) and its own text.
//!
//! Taken are the last `stats` object, and errors with their `object`. The wording of `msg` changes between releases
//! and is not matched, except for links that are left out with exit code 0. Exit codes: rclone.org/docs, *List of exit codes*.

pub mod check;
pub mod codes;
mod judge;
mod reader;

use crate::items::Items;

pub use self::judge::judge;
pub(crate) use self::reader::Reader;

/// The object `stats` of a log line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes transferred.
    pub bytes: u64,
    /// Files compared.
    pub checks: u64,
    /// Files deleted.
    pub deletes: u64,
    /// Errors.
    pub errors: u64,
    /// Files transferred.
    pub transfers: u64,
    /// An error that retries do not help against.
    pub is_fatal: bool,
    /// The last error, in rclone's words.
    pub last_error: Option<String>,
    /// Files were being transferred: it was not the last line.
    pub is_running: bool,
}

/// What one run's output says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The last figures.
    pub stats: Option<Stats>,
    /// Whether something came after them that a run in progress prints.
    pub is_followed: bool,
    /// Lines that name a file, at level info: copied, deleted, changed.
    pub named: u64,
    /// Errors that name a file.
    pub items: Items,
    /// `skipped: "copy"` and its like: the run was a dry one.
    pub would_copy: u64,
    /// `skipped: "delete"`.
    pub would_delete: u64,
    /// Links that were left out, though the exit code is 0.
    pub links_skipped: u64,
    /// `Failed to sync: …`: the verb.
    pub failed_verb: Option<String>,
    /// And the rest of it, or another fatal error.
    pub message: Option<String>,
    /// `check --combined`: lines of each mark.
    pub combined: check::Combined,
}

impl Facts {
    /// Figures that are not of a run in progress, or a last word.
    pub(crate) fn ended(&self) -> bool {
        let is_final = self.stats.as_ref().is_some_and(|stats| !stats.is_running);
        self.message.is_some() || (is_final && !self.is_followed) || self.combined.all() > 0
    }

    /// Only a dry run says what it would do.
    pub(crate) const fn is_dry_run(&self) -> bool {
        self.would_copy + self.would_delete > 0
    }
}
