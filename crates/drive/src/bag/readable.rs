//! What can be read of a bag's manifest and journal, whatever was done to them. Nothing is written, no lock is taken.

use std::io::{BufRead as _, BufReader, Read as _};

use super::journal::{self, Rest};
use crate::error::{DriveError, DriveErrorKind};
use crate::manifest::{self, MAX_LINE_BYTES, Manifest};
use crate::mount::Mount;
use crate::place::BagPlace;
use crate::relative::Relative;
use crate::survey::{BagFaultKind, BagSurvey};

const READ_BYTES: usize = 64 << 10;

/// The listed copies; what is wrong with the lists goes into `survey`.
pub(crate) fn listing(mount: &Mount, place: &BagPlace, survey: &mut BagSurvey) -> Result<Manifest, DriveError> {
    let bag = place.folder();
    // The journal first: it is removed only once the manifest lists the same.
    let journaled = journaled(mount, &bag.join(journal::FILE), survey)?;
    let mut all = manifest(mount, &bag.join(manifest::FILE), survey)?;
    for (path, sha256) in journaled.iter() {
        if all.insert(path, &sha256).is_err() {
            survey.add(format_args!("{bag}/{path}"), BagFaultKind::ListedTwice);
        }
    }
    Ok(all)
}

fn manifest(mount: &Mount, path: &Relative, survey: &mut BagSurvey) -> Result<Manifest, DriveError> {
    let mut all = Manifest::default();
    let (file, stat) = match journal::open(mount, path) {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            survey.add(path, BagFaultKind::ManifestMissing);
            return Ok(all);
        }
        Err(error) => return unreadable(path, error, survey).map(|()| all),
    };
    if stat.size > manifest::MAX_BYTES {
        let reason = format!("it is longer than {} bytes", manifest::MAX_BYTES);
        survey.add(path, BagFaultKind::ManifestUnreadable(reason));
        return Ok(all);
    }
    let bag = path.split().map_or(Relative::root(), |(bag, _)| bag);
    let mut from = BufReader::with_capacity(READ_BYTES, file.take(manifest::MAX_BYTES));
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        match from.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                survey.add(path, BagFaultKind::ManifestUnreadable(error.to_string()));
                break;
            }
        }
        let whole = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let entry = whole.and_then(|line| manifest::parse_line(std::str::from_utf8(line).ok()?));
        match entry {
            None => survey.add(path, BagFaultKind::MalformedLine(number)),
            Some((path, sha256)) => {
                if !matches!(all.insert(path, &sha256), Ok(true)) {
                    survey.add(format_args!("{bag}/{path}"), BagFaultKind::ListedTwice);
                }
            }
        }
    }
    Ok(all)
}

/// Up to the end of its last complete batch. An unfinished one is no fault: its writer may be at work, or was stopped.
fn journaled(mount: &Mount, path: &Relative, survey: &mut BagSurvey) -> Result<Manifest, DriveError> {
    let too_long = match journal::open(mount, path) {
        Ok(opened) => opened.is_some_and(|(_, stat)| stat.size > manifest::MAX_BYTES),
        Err(error) => return unreadable(path, error, survey).map(|()| Manifest::default()),
    };
    if too_long {
        let reason = format!("it is longer than {} bytes", manifest::MAX_BYTES);
        survey.add(path, BagFaultKind::ManifestUnreadable(reason));
        return Ok(Manifest::default());
    }
    match journal::read(mount, path, None) {
        Ok(None) => Ok(Manifest::default()),
        Ok(Some(read)) => {
            if let Rest::Damaged(reason) = read.journal.rest {
                survey.add(path, BagFaultKind::ManifestUnreadable(reason));
            }
            Ok(read.added)
        }
        Err(error) => unreadable(path, error, survey).map(|()| Manifest::default()),
    }
}

fn unreadable(path: &Relative, error: DriveError, survey: &mut BagSurvey) -> Result<(), DriveError> {
    match error.kind {
        DriveErrorKind::BadManifest(reason) => survey.add(path, BagFaultKind::ManifestUnreadable(reason)),
        // Its folder is a link by now, for one.
        _ if error.obstacle().is_none() => survey.add(path, BagFaultKind::ManifestUnreadable(error.what())),
        _ => return Err(error),
    }
    Ok(())
}
