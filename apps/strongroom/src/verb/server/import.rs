//! `strongroom server import`: every file of a folder, or every line of a list, becomes a
//! signed-off booking.

use std::path::Path;

use strongroom_model::text::printable;
use strongroom_server::Documents;
use strongroom_server::import::{ImportReport, Progress, Remark, import_csv, import_folder};
use strongroom_service::{Clock, Config};
use tokio::time::{Duration, Instant};

use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::{Out, tell};
use crate::site;

const TELL_EVERY: Duration = Duration::from_secs(5);
const MAX_SHOWN: usize = 20;
const REMARK_CHARS: usize = 400;

pub(crate) async fn run(path: &Path, config: &Config, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    super::make_folders(config)?;
    let metadata = std::fs::metadata(path)
        .context_and_step(format!("cannot read {}", path.display()), "name a folder, or a .csv file (see --help)")?;
    let is_list = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if !metadata.is_dir() && !is_list {
        return Err(CliError::usage_error(format!("{} is neither a folder nor a .csv file", path.display()))
            .next_step("name the folder that the file is in, or a list (see strongroom server import --help)"));
    }
    let documents = Documents::open(super::settings(config)?, Clock::system()).await?;
    let report = import(&documents, path, metadata.is_dir()).await;
    documents.store().close().await;
    let report = report?;
    if json {
        out.json(&report)?;
    } else {
        out.raw(page(&report, site::next_run(Some(config))))?;
    }
    Ok(if report.skipped + report.warned == 0 { Exit::Well } else { Exit::Problems })
}

/// Imports a folder or a list, and says now and then how far it is.
pub(crate) async fn import(documents: &Documents, path: &Path, is_folder: bool) -> Result<ImportReport, CliError> {
    let mut tell_at = Instant::now() + TELL_EVERY;
    let progress = move |progress: Progress| {
        if Instant::now() >= tell_at {
            tell_at = Instant::now() + TELL_EVERY;
            tell(format_args!("{} files, {} so far", progress.files, progress.bytes));
        }
    };
    let imported = if is_folder {
        import_folder(documents, path, progress).await
    } else {
        import_csv(documents, path, progress).await
    };
    imported.map_err(CliError::from)
}

fn page(report: &ImportReport, next: &str) -> String {
    let mut page = format!("{} new bookings, {}", report.imported, report.imported_bytes);
    for (number, what) in
        [(report.already, "known before"), (report.corrected, "with a corrected digest"), (report.skipped, "not taken")]
    {
        if number > 0 {
            page += &format!("; {number} {what}");
        }
    }
    page.push('\n');
    for (head, remarks, all) in
        [("not taken", &report.skips, report.skipped), ("look at", &report.warnings, report.warned)]
    {
        page += &remarks.iter().take(MAX_SHOWN).map(|remark| line(head, remark)).collect::<String>();
        if all > MAX_SHOWN as u64 {
            page += &format!("{head}: … and {} more (--json shows up to 1000)\n", all - MAX_SHOWN as u64);
        }
    }
    if report.imported > 0 {
        page += &format!("Next: {next}\n");
    }
    page
}

fn line(head: &str, remark: &Remark) -> String {
    format!("{head}: {}: {}\n", remark.what, printable(&remark.why, REMARK_CHARS))
}

#[cfg(test)]
mod tests {
    use strongroom_model::ByteCount;

    use super::*;

    #[test]
    fn an_import_says_what_it_took_and_what_it_did_not() {
        let report = ImportReport {
            imported: 3,
            imported_bytes: ByteCount(2048),
            already: 1,
            skipped: 1,
            skips: vec![Remark { what: "line 4 (B-4)".to_owned(), why: "its file is not there".to_owned() }],
            ..ImportReport::default()
        };
        assert_eq!(
            page(&report, "strongroom run --once"),
            "3 new bookings, 2.0 KiB; 1 known before; 1 not taken\n\
             not taken: line 4 (B-4): its file is not there\nNext: strongroom run --once\n"
        );
    }
}
