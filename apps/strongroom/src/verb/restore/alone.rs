//! Restoring from a drive alone: what its manifests list is what is right.

use std::path::Path;

use strongroom_drive::{Drive, DriveError, ListedCopy, LoggedCopy, RestoreFolder, RestoreOutcome, restored_name};
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
    let wanted = move |one: &ListedCopy, of: Month| {
        let named = bookings.is_empty() || bookings.iter().any(|id| one.booking == id.as_str());
        named && month.is_none_or(|month| month == of)
    };
    let done = blocking(move || restore(&root, Path::new(&to), wanted)).await?;
    if done.written + done.there == 0 && done.wrong.is_empty() {
        out.line("the drive's manifests list no such file")?;
        return Ok(Exit::Problems);
    }
    let there = if done.there > 0 { format!(", {} there already", grouped(done.there)) } else { String::new() };
    out.line(format_args!("{} restored and read again{there}", files(done.written)))?;
    if done.wrong.is_empty() {
        return Ok(Exit::Well);
    }
    out.line(format_args!("NOT restored: {}", grouped(done.wrong.len() as u64)))?;
    for wrong in done.wrong.iter().take(MAX_NAMED) {
        out.line(format_args!("  {wrong}"))?;
    }
    out.line("  next: take these from another drive")?;
    Ok(Exit::Problems)
}

fn restore(root: &Path, to: &Path, wanted: impl Fn(&ListedCopy, Month) -> bool) -> Result<Done, CliError> {
    let failed = |error: &DriveError| drive_error(error);
    let drive = Drive::open_any_copy(root).map_err(|error| failed(&error))?;
    let target =
        RestoreFolder::open(to).map_err(|error| CliError::from(error).next_step("name another folder with --to"))?;
    let mut done = Done::default();
    for site in drive.sites().map_err(|error| failed(&error))? {
        for month in drive.months(&site).map_err(|error| failed(&error))? {
            let copies = match drive.listed_copies(&site, month) {
                Ok(copies) => copies,
                Err(error) => {
                    done.wrong.push(format!("{site}/{month}: {error}"));
                    continue;
                }
            };
            for copy in copies.into_iter().filter(|copy| wanted(copy, month)) {
                one(&drive, &target, &copy, &mut done);
            }
        }
    }
    Ok(done)
}

fn one(drive: &Drive, target: &RestoreFolder, copy: &ListedCopy, done: &mut Done) {
    let listed = LoggedCopy { sha256: copy.sha256.clone(), size: None };
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
