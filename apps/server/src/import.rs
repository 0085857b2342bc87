//! Filling the server from a folder or from a list.
//!
//! A file below the document root is adopted where it lies. Any other is copied in, durably,
//! to `imported/<folder>/…`; the original is read and nothing else. Importing again adds
//! nothing: a file is known by where it lies below the document root and by its digest.
//!
//! An import may run beside a server, and may be killed at any line: what it had recorded
//! stays, what it had not is done by the next.

mod batch;
mod found;
mod known;
mod line;
mod list;
mod physical;
mod prepare;
mod report;
mod walk;

use std::io;
use std::path::{Path, PathBuf};

use crate::disk_error::DiskError;
use crate::documents::Documents;
use crate::store::StoreError;
use batch::Batch;
use known::recall;
use list::List;
use walk::Walk;

pub use line::COLUMNS;
pub use report::{ImportReport, Progress, Remark};

/// How many files are recorded in one transaction, and made durable by one sync.
const FILES_PER_BATCH: usize = 256;

/// An import that could not go on. What it had recorded by then stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder or the list cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The folder or the list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list's first line does not name its columns.
    #[error("{path}: {why}; the first line must name the columns: {}", COLUMNS.join(","))]
    Header {
        /// The list.
        path: PathBuf,
        /// What is wrong with the line.
        why: String,
    },
    /// The list has more lines than are taken at once.
    #[error("{path} has more than {most} lines: import it in parts")]
    TooLong {
        /// The list.
        path: PathBuf,
        /// The most that is taken.
        most: u64,
    },
    /// No file could be read, or no copy written below the document root.
    #[error("the import was stopped: {why}; what was imported before stays, import again to go on")]
    Disk {
        /// What is the matter.
        why: String,
    },
    /// The records could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DiskError> for ImportError {
    fn from(error: DiskError) -> Self {
        let why = error.trouble().map_or_else(|| error.to_string(), |trouble| trouble.words().to_owned());
        Self::Disk { why }
    }
}

/// Makes a signed-off booking of every regular file in a folder and the folders in it, signed
/// off when it was last modified. Its id is made of its name, its place and its digest.
///
/// Symbolic links are not followed. What cannot be taken is listed in the report, with the
/// reason, and keeps nothing else from being taken.
///
/// # Errors
/// The folder cannot be read at all, or the document root or the records cannot be written.
pub async fn import_folder(
    documents: &Documents,
    folder: &Path,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<ImportReport, ImportError> {
    let unreadable = |source| ImportError::Read { path: folder.to_owned(), source };
    let (ours, path) = (documents.clone(), folder.to_owned());
    let mut walk = documents.on_files(move |_| Walk::begin(&ours, &path)).await.map_err(unreadable)?;
    let mut report = ImportReport::default();
    loop {
        let (back, found, remarks) = documents
            .on_files(move |_| {
                let (found, remarks) = walk.next(FILES_PER_BATCH);
                (walk, found, remarks)
            })
            .await;
        walk = back;
        let is_end = found.is_empty() && remarks.is_empty();
        report.skip_all(remarks);
        Batch::new(documents, found).import(&mut report).await?;
        progress(report.progress());
        if is_end {
            return Ok(report);
        }
    }
}

/// Makes a signed-off booking of every line of a list in CSV (RFC 4180, with commas, semicolons or
/// tabs, in UTF-8; a field ends where its line does), whose first line names the columns:
///
/// | column | |
/// | --- | --- |
/// | `id` | the booking's id |
/// | `path` | its file, below the document root or below the list's own folder |
/// | `signed_off_at` | a time such as `2026-11-20T14:30:00+01:00`; without an offset, or a date only, it is read in the server's time zone |
/// | `digest` | may be left out; `<algorithm>:<hex>`. It is recorded as it is given, and a file that has another is reported and kept |
/// | `filename` | may be left out: the file's own name |
///
/// A line that cannot be taken is listed in the report by its number, with the reason, and
/// keeps no other from being taken. A line whose booking is known changes nothing, but for one
/// that corrects the digest of a booking that waits: where the file has the new one.
///
/// # Errors
/// The list cannot be read at all, its first line is wrong, or the document root or the
/// records cannot be written.
pub async fn import_csv(
    documents: &Documents,
    list: &Path,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<ImportReport, ImportError> {
    let (ours, path) = (documents.clone(), list.to_owned());
    let mut lines = documents.on_files(move |_| List::open(&ours, &path)).await?;
    let mut report = ImportReport::default();
    loop {
        let (back, read) = documents
            .on_files(move |_| {
                let read = lines.next(FILES_PER_BATCH);
                (lines, read)
            })
            .await;
        lines = back;
        let read = read?;
        let is_end = read.is_empty();
        report.skip_all(read.remarks);
        recall(documents, read.lost, &mut report).await?;
        Batch::new(documents, read.found).import(&mut report).await?;
        progress(report.progress());
        if is_end {
            report.sort_by_line();
            return Ok(report);
        }
    }
}
