//! rsync 2.6.9 (Apple's), 3.x and openrsync: itemized lines, `--stats`, errors.
//!
//! `--stats` counts a file that could not be read as transferred, so copies are counted by itemized lines where
//! there are any, minus what failed. Exit codes: rsync(1), EXIT VALUES.

pub mod codes;
pub mod errors;
pub mod itemize;
mod judge;
mod reader;
mod stats;

use crate::items::Items;

pub use self::judge::judge;
pub(crate) use self::reader::Reader;
pub use self::stats::Stats;

/// What one run's output says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Itemized files that were sent or received.
    pub itemized_files: u64,
    /// Itemized folders, links and special files that were created, and changes of attributes alone.
    pub itemized_other: u64,
    /// `*deleting` lines.
    pub deletions: u64,
    /// The block that `--stats` and `-v` print.
    pub stats: Stats,
    /// Files that could not be read or written, and files that vanished.
    pub items: Items,
    /// Places in `items` of paths that were made of temporary files', whose names may lack a dot.
    pub(crate) temporary: Vec<usize>,
    /// Of those, files that vanished while they were being read.
    pub vanished: u64,
    /// Of those, errors of the source or the target itself.
    pub root_error: Option<RootError>,
    /// How many of those there were: they are not files.
    pub root_errors: u64,
    /// Files in whose place something else stands: their transfer did not begin.
    pub blocked: u64,
    /// No space was left.
    pub is_full: bool,
    /// The target's file system is mounted read-only.
    pub is_read_only: bool,
    /// Deletions that `--max-delete` stopped.
    pub deletions_stopped: Option<u64>,
    /// `(code N)` of the last line that has one.
    pub code: Option<i64>,
    /// The last line of errors that names no file.
    pub message: Option<String>,
    /// `total size is …` was there.
    pub is_totalled: bool,
    /// The line with which a list of changes begins was there.
    pub has_list: bool,
    /// Lines after it that are not itemized: names, as `-v` alone prints them.
    pub names: u64,
    /// `(DRY RUN)`.
    pub is_dry_run: bool,
}

/// An error that stops the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootError {
    /// `change_dir` or `link_stat` of the source.
    Source,
    /// `mkdir` or `change_dir` of the target.
    Target,
}

impl Facts {
    /// A summary or an exit code is there.
    pub(crate) const fn ended(&self) -> bool {
        self.is_totalled || self.code.is_some()
    }
}
