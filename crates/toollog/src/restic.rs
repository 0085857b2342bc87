//! restic: JSON lines (`--json`), its text, and both mixed.
//!
//! New messages and fields may appear at any time, and exit codes that are not known are failures: so says its manual
//! (*Scripting*). A `summary` may stand before later `status` lines.

pub mod codes;
mod judge;
mod reader;
mod text;

use crate::items::Items;

pub use self::judge::judge;
pub(crate) use self::reader::Reader;

/// The message `summary` of a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were not there.
    pub files_new: u64,
    /// Files that had changed.
    pub files_changed: u64,
    /// Files as they were.
    pub files_unmodified: u64,
    /// All of them.
    pub total_files: u64,
    /// Their size.
    pub total_bytes: u64,
    /// What the repository grew by, before compression.
    pub data_added: u64,
    /// `--dry-run`: nothing was written, and the snapshot's id is made up.
    pub is_dry_run: bool,
    /// The snapshot; none was made if it is absent.
    pub snapshot: Option<String>,
}

/// What one run's output says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The last summary.
    pub summary: Option<Summary>,
    /// Lines of progress.
    pub status: u64,
    /// Lines of progress since the summary.
    pub status_since: u64,
    /// Files and folders that could not be read.
    pub items: Items,
    /// Sources that are not there, which old releases do not call an error.
    pub missing_sources: u64,
    /// `exit_error`: its code and its text; or `Fatal: …`.
    pub fatal: Option<String>,
    /// The code of `exit_error`.
    pub code: Option<i64>,
    /// What else it did, by its own last words.
    pub other: Option<Other>,
    /// How much of the data a check read.
    pub data_read: DataRead,
    /// Errors that a check found.
    pub damage: u64,
    /// The first of them.
    pub first_damage: Option<String>,
}

/// How much of a repository's data a check read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataRead {
    /// The output does not say: JSON does not.
    #[default]
    Unknown,
    /// The structure alone was checked.
    None,
    /// `--read-data-subset`.
    Part,
    /// `--read-data`.
    All,
}

/// What a run did that was no backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// `check` began.
    CheckBegun,
    /// `check`: no errors were found.
    CheckedWell,
    /// `check`: errors were found.
    CheckedBadly,
    /// A repository was created.
    Created,
    /// Snapshots were listed, or forgotten.
    Listed(u64),
    /// `prune` or `forget` ended.
    Pruned,
}

impl Facts {
    pub(crate) const fn ended(&self) -> bool {
        self.summary.is_some()
            || self.fatal.is_some()
            || self.code.is_some()
            || matches!(self.other, Some(other) if !matches!(other, Other::CheckBegun))
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.summary.as_ref().is_some_and(|summary| summary.is_dry_run)
    }
}
