//! What became of an import.

use serde::Serialize;
use strongroom_model::ByteCount;
use strongroom_model::text::printable;

/// Remarks of a kind that are kept; the count goes on.
const MAX_REMARKS: usize = 1000;
/// The longest name in a remark, in characters.
const MAX_NAME_CHARS: usize = 200;

/// The result of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// How many bookings are new.
    pub imported: u64,
    /// How many bytes their files have.
    pub imported_bytes: ByteCount,
    /// How many files were known before: nothing changed.
    pub already: u64,
    /// How many waiting bookings got a corrected digest.
    pub corrected: u64,
    /// How many files or lines were not taken.
    pub skipped: u64,
    /// Which, and why: the first 1000.
    pub skips: Vec<Remark>,
    /// How many were taken with a warning.
    pub warned: u64,
    /// Which, and why: the first 1000.
    pub warnings: Vec<Remark>,
}

/// A remark about a file or a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The file's path, or the line's number and booking; printable.
    pub what: String,
    /// The remark, with the next step.
    pub why: String,
}

/// An import's progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many files or lines were processed.
    pub files: u64,
    /// How many bytes the new ones have.
    pub bytes: ByteCount,
}

impl Remark {
    pub(crate) fn new(what: &str, why: impl Into<String>) -> Self {
        Self { what: printable(what, MAX_NAME_CHARS), why: why.into() }
    }
}

impl ImportReport {
    /// The progress so far.
    pub fn progress(&self) -> Progress {
        let files = self.imported + self.already + self.corrected + self.skipped;
        Progress { files, bytes: self.imported_bytes }
    }

    pub(crate) fn imported(&mut self, size: ByteCount) {
        self.imported += 1;
        self.imported_bytes = self.imported_bytes + size;
    }

    pub(crate) fn skip(&mut self, what: &str, why: impl Into<String>) {
        self.skip_all([Remark::new(what, why)]);
    }

    pub(crate) fn skip_all(&mut self, remarks: impl IntoIterator<Item = Remark>) {
        for remark in remarks {
            self.skipped += 1;
            if self.skips.len() < MAX_REMARKS {
                self.skips.push(remark);
            }
        }
    }

    pub(crate) fn sort_by_line(&mut self) {
        let line = |remark: &Remark| remark.what.split(' ').nth(1).and_then(|number| number.parse::<u64>().ok());
        self.skips.sort_by_key(line);
        self.warnings.sort_by_key(line);
    }

    pub(crate) fn warn(&mut self, what: &str, why: impl Into<String>) {
        self.warned += 1;
        if self.warnings.len() < MAX_REMARKS {
            self.warnings.push(Remark::new(what, why));
        }
    }
}
