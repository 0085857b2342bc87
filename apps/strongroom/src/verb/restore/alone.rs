//! Restoring from a drive alone: what its manifests list is what is right.

use std::path::Path;

use strongroom_drive::{
    BagFault, BagFaultKind, BagSurvey, Drive, DriveError, ListedCopy, LoggedCopy, RestoreFolder, RestoreOutcome,
    restored_name,
};
use strongroom_model::text::{files, grouped, printable};
use strongroom_model::{BookingId, Month};
use strongroom_service::blocking;

use super::folder;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::verb::drive::drive_error;

const PATH_CHARS: usize = 300;
/// Files that are named one by one.
const MAX_NAMED: usize = 50;

#[derive(Debug, Default)]
struct Done {
    written: u64,
    there: u64,
    wrong: Vec<String>,
    /// What is the matter with the lists: a file whose line is damaged is not among those to restore.
    unlisted: Vec<String>,
}

pub(super) async fn run(
    root: &Path,
    to: &Path,
    bookings: &[BookingId],
    month: Option<Month>,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let to = folder(to)?;
    let (root, bookings) = (root.to_owned(), bookings.to_vec());
    let wanted = move |one: &ListedCopy| bookings.is_empty() || bookings.iter().any(|id| one.booking == id.as_str());
    let of_month = move |of: Month| month.is_none_or(|month| month == of);
    let done = blocking(move || restore(&root, Path::new(&to), of_month, wanted)).await?;
    if done.written + done.there == 0 && done.wrong.is_empty() && done.unlisted.is_empty() {
        out.line("the drive's manifests list no such file")?;
        return Ok(Exit::Problems);
    }
    let there = if done.there > 0 { format!(", {} there already", grouped(done.there)) } else { String::new() };
    out.line(format_args!("{} restored and read again{there}", files(done.written)))?;
    if done.wrong.is_empty() && done.unlisted.is_empty() {
        return Ok(Exit::Well);
    }
    name("NOT restored", &done.wrong, "take these from another drive", out)?;
    let step = "compare with another drive's manifest; a file in no list is copied by hand, and proven by nothing here";
    name("the lists are damaged, or do not have all files", &done.unlisted, step, out)?;
    Ok(Exit::Problems)
}

fn name(what: &str, these: &[String], step: &str, out: &mut Out) -> Result<(), CliError> {
    if these.is_empty() {
        return Ok(());
    }
    out.line(format_args!("{what}: {}", grouped(these.len() as u64)))?;
    for one in these.iter().take(MAX_NAMED) {
        out.line(format_args!("  {one}"))?;
    }
    out.line(format_args!("  next: {step}"))
}

fn restore(
    root: &Path,
    to: &Path,
    of_month: impl Fn(Month) -> bool,
    wanted: impl Fn(&ListedCopy) -> bool,
) -> Result<Done, CliError> {
    let failed = |error: &DriveError| drive_error(error);
    let drive = Drive::open_any_copy(root).map_err(|error| failed(&error))?;
    let target =
        RestoreFolder::open(to).map_err(|error| CliError::from(error).next_step("name another folder with --to"))?;
    let mut done = Done::default();
    for site in drive.sites().map_err(|error| failed(&error))? {
        for month in drive.months(&site).map_err(|error| failed(&error))? {
            if !of_month(month) {
                continue;
            }
            let copies = match drive.listed_copies(&site, month) {
                Ok(copies) => copies,
                Err(error) => {
                    done.wrong.push(format!("{site}/{month}: {error}"));
                    continue;
                }
            };
            let listed = copies.iter().map(|copy| (copy.path.clone(), logged(copy))).collect();
            done.unlisted.extend(unlisted(&drive.survey(&site, month, &listed).map_err(|error| failed(&error))?));
            for copy in copies.into_iter().filter(&wanted) {
                one(&drive, &target, &copy, &mut done);
            }
        }
    }
    Ok(done)
}

fn logged(copy: &ListedCopy) -> LoggedCopy {
    LoggedCopy { sha256: copy.sha256.clone(), size: None }
}

/// What a list may hide. What is the matter with a listed file shows when it is read.
fn unlisted(survey: &BagSurvey) -> Vec<String> {
    let is_hidden = |fault: &&BagFault| {
        matches!(
            fault.kind,
            BagFaultKind::ManifestMissing
                | BagFaultKind::ManifestUnreadable(_)
                | BagFaultKind::MalformedLine(_)
                | BagFaultKind::ListedTwice
                | BagFaultKind::FileExtra
                | BagFaultKind::Unreadable(_)
        )
    };
    let shown = |fault: &BagFault| format!("{}: {}", printable(&fault.path, PATH_CHARS), fault.kind);
    survey.faults.iter().filter(is_hidden).map(shown).collect()
}

fn one(drive: &Drive, target: &RestoreFolder, copy: &ListedCopy, done: &mut Done) {
    let listed = logged(copy);
    let path = format!("{}/{}", restored_name(&copy.booking), restored_name(&copy.filename));
    match target.restore(&path, &listed, None, &mut |sink| drive.read_proven(&copy.path, &listed, sink)) {
        Ok(RestoreOutcome::Written { .. }) => done.written += 1,
        Ok(RestoreOutcome::Already { .. }) => done.there += 1,
        Ok(RestoreOutcome::SourceDiffers(_)) => {
            done.wrong.push(format!("{}: it is not what the manifest lists", printable(&copy.path, PATH_CHARS)));
        }
        Err(error) => done.wrong.push(format!("{}: {error}", printable(&copy.path, PATH_CHARS))),
    }
}
