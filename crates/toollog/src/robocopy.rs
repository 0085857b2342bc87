//! robocopy, in any language: positions and numbers are read, words are not.
//!
//! The return code is a bitmap
//! (learn.microsoft.com, *Return codes used by the Robocopy utility*); the table at a log's end has three rows of six
//! numbers in one order everywhere: total, copied, skipped, mismatched, failed, extras.

pub mod codes;
mod errors;
mod header;
mod judge;
mod reader;
mod summary;

use crate::items::{Item, Items};

pub use self::judge::judge;
pub(crate) use self::reader::Reader;
pub use self::summary::{Row, Summary};

/// What one run's output says.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The source as the header has it.
    pub source: Option<String>,
    /// The target as the header has it.
    pub target: Option<String>,
    /// The header has a place for the target, and it is empty.
    pub has_no_target: bool,
    /// `/MIR` or `/PURGE`: extras are deleted.
    pub mirrors: bool,
    /// `/L`: nothing was written.
    pub is_dry_run: bool,
    /// `/NJS`: there is no table at the end.
    pub hides_summary: bool,
    /// The usage page was printed.
    pub is_usage: bool,
    /// The table at the end.
    pub summary: Option<Summary>,
    /// Errors that no later success of the same path took back.
    pub items: Items,
    /// The first numbered error, of a file or not.
    pub first_error: Option<Item>,
    /// The first line of the form `ERROR : text`, in whatever language.
    pub message: Option<String>,
    /// Lines that name files or folders.
    pub listed: u64,
}
