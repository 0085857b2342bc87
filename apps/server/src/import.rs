//! Importing from a folder or a list.
//!
//! A file below the document root is adopted where it is. Any other is copied, durably, to `imported/<folder>/…`; the
//! original is only read. Importing again adds nothing: a file is known by its path below the document root and by
//! its digest.
//!
//! An import may run beside a server, and may be killed at any line: what it recorded stays, the next one does the
//! rest.

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

/// Files of one transaction and one sync.
const FILES_PER_BATCH: usize = 256;

/// An import that was stopped. What it had recorded stays.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ImportError {
    #[error("cannot read {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: {why}; the first line must name the columns: {}", COLUMNS.join(","))]
    Header { path: PathBuf, why: String },
    #[error("{path} has more than {most} lines: import it in parts")]
    TooLong { path: PathBuf, most: u64 },
    #[error("the import was stopped: {why}; what was imported before stays, import again to go on")]
    Disk { why: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DiskError> for ImportError {
    fn from(error: DiskError) -> Self {
        let why = error.trouble().map_or_else(|| error.to_string(), |trouble| trouble.message().to_owned());
        Self::Disk { why }
    }
}

/// Makes a signed-off booking of every regular file in a folder and its subfolders, signed off when it was last
/// modified. Its id is made from its name, its path and its digest.
///
/// Symbolic links are not followed. A file that cannot be taken is reported with the reason and stops nothing else.
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

/// Makes a signed-off booking of every line of a list in CSV (RFC 4180, with commas, semicolons or tabs, in UTF-8; a
/// field ends where its line does), whose first line names the columns:
///
/// | column | |
/// | --- | --- |
/// | `id` | the booking's id |
/// | `path` | its file, below the document root or the list's own folder |
/// | `signed_off_at` | a time such as `2026-11-20T14:30:00+01:00`; without an offset, in the server's time zone |
/// | `digest` | optional: `<algorithm>:<hex>`, recorded as given; a file with another one is kept and reported |
/// | `filename` | optional: by default the file's own name |
///
/// A line that cannot be taken is reported by its number, with the reason, and stops nothing else. A line of a known
/// booking changes nothing, except that it may correct a waiting booking's digest to the one that the file has.
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
