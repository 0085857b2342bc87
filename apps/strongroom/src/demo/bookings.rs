//! The demo's bookings: generated timesheets, in the document root, and a list that names them.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use strongroom_model::Digest;
use strongroom_server::Documents;
use strongroom_server::import::ImportReport;

use super::folder::Folder;
use super::timesheet::{Timesheet, timesheet, timesheet_of};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::verb::server::import::import;

const INBOX: &str = "inbox";
/// Where files lie that the reader may import, in the demo's folder.
pub(crate) const MORE: &str = "more";
/// Their numbers: beyond all others.
const MORE_NUMBERS: std::ops::RangeInclusive<u32> = 300_001..=300_003;
const MORE_BYTES: usize = 40 * 1024;
/// How far apart the bookings were signed off.
const APART: SignedDuration = SignedDuration::from_mins(37);

#[derive(Debug, Clone)]
pub(crate) struct DemoBooking {
    pub(crate) id: String,
    /// Relative to the document root.
    pub(crate) path: String,
    pub(crate) signed_off_at: Timestamp,
    pub(crate) digest: Option<Digest>,
    pub(crate) filename: String,
}

/// The bookings that are generated, one file each, and their list, imported.
///
/// Doing it twice changes nothing: the files are the same, and the server knows the ids.
pub(crate) async fn generate(
    folder: &Folder,
    documents: &Documents,
    numbers: std::ops::RangeInclusive<u32>,
    now: Timestamp,
) -> Result<ImportReport, CliError> {
    let inbox = inbox(documents)?;
    let mut lines = Vec::new();
    for number in numbers {
        let sheet = timesheet(number);
        lines.push(write(&inbox, &format!("B-{number:04}"), sheet, age(now, number))?);
    }
    import_lines(folder, documents, "bookings.csv", &lines).await
}

/// A few more files, beside the server and not on it: something to import.
pub(crate) fn set_aside(folder: &Folder) -> Result<(), CliError> {
    let more = folder.path(MORE);
    std::fs::create_dir_all(&more).context(format!("cannot make {}", more.display()))?;
    for number in MORE_NUMBERS {
        let sheet = timesheet_of(number, MORE_BYTES);
        let path = more.join(&sheet.filename);
        std::fs::write(&path, sheet.bytes).context(format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

pub(crate) fn inbox(documents: &Documents) -> Result<PathBuf, CliError> {
    let inbox = documents.settings().documents.join(INBOX);
    std::fs::create_dir_all(&inbox).context(format!("cannot make {}", inbox.display()))?;
    Ok(inbox)
}

/// When a booking was signed off: the first ones longest ago.
pub(crate) fn age(now: Timestamp, number: u32) -> Timestamp {
    // As if the last of a month's bookings came in an hour ago, whatever their number.
    let ago = SignedDuration::from_hours(24 * 30) - APART * i32::try_from(number % 1000).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}

pub(crate) fn write(
    inbox: &Path,
    id: &str,
    sheet: Timesheet,
    signed_off_at: Timestamp,
) -> Result<DemoBooking, CliError> {
    let path = inbox.join(&sheet.filename);
    std::fs::write(&path, &sheet.bytes).context(format!("cannot write {}", path.display()))?;
    Ok(DemoBooking {
        id: id.to_owned(),
        path: format!("{INBOX}/{}", sheet.filename),
        signed_off_at,
        digest: None,
        filename: sheet.filename,
    })
}

/// Writes a list beside the configuration, where the reader can look at it, and imports it.
pub(crate) async fn import_lines(
    folder: &Folder,
    documents: &Documents,
    name: &str,
    lines: &[DemoBooking],
) -> Result<ImportReport, CliError> {
    let path = folder.path(name);
    write_list(&path, lines).context(format!("cannot write {}", path.display()))?;
    import(documents, &path, false).await
}

fn write_list(path: &Path, lines: &[DemoBooking]) -> Result<(), csv::Error> {
    let mut list = csv::Writer::from_path(path)?;
    list.write_record(["id", "path", "signed_off_at", "digest", "filename"])?;
    for line in lines {
        let digest = line.digest.as_ref().map(ToString::to_string).unwrap_or_default();
        list.write_record([&line.id, &line.path, &line.signed_off_at.to_string(), &digest, &line.filename])?;
    }
    list.flush()?;
    Ok(())
}
