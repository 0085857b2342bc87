//! Finds the files and lines of an import that the records know already.

use std::collections::HashMap;

use strongroom_model::BookingId;
use strongroom_model::wire::ServerState;

use super::ImportReport;
use super::batch::read_all;
use super::found::ScannedFile;
use super::list::Lost;
use crate::documents::Documents;
use crate::store::booking::{self, Booking};
use crate::store::{Store, StoreError};

/// Leaves out files whose path or id is recorded, without reading them.
pub(crate) async fn sift(
    documents: &Documents,
    found: Vec<ScannedFile>,
    report: &mut ImportReport,
) -> Result<Vec<ScannedFile>, StoreError> {
    let mut unknown = Vec::with_capacity(found.len());
    let mut corrections = Vec::new();
    for file in found {
        let (by_id, by_path) = look_up(documents.store(), &file).await?;
        match (by_id, by_path, &file.id) {
            (Some(known), _, _) => match judge(&file, &known) {
                RecordComparison::Already => report.already += 1,
                RecordComparison::Corrects => corrections.push((file, known.id)),
                RecordComparison::Other(why) => report.skip(&file.shown, why),
            },
            (None, Some(other), Some(_)) => {
                report.skip(&file.shown, format!("its file is booking {}'s already", other.id));
            }
            (None, Some(_), None) => report.already += 1,
            (None, None, _) => unknown.push(file),
        }
    }
    correct(documents, corrections, report).await?;
    Ok(unknown)
}

/// Looks up the lines whose file is missing: it may have been archived since.
pub(crate) async fn recall(
    documents: &Documents,
    lost: Vec<Lost>,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    for line in lost {
        let known = documents.store().booking(&line.id).await?.and_then(|known| known.timesheet);
        match known {
            Some(known) if line.digest.as_ref().is_none_or(|digest| *digest == known.digest) => report.already += 1,
            _ => report.skip(&line.shown, line.why),
        }
    }
    Ok(())
}

/// The booking with the file's id, and the one with its path.
async fn look_up(store: &Store, file: &ScannedFile) -> Result<(Option<Booking>, Option<Booking>), StoreError> {
    let mut db = store.reader().await?;
    let by_id = match &file.id {
        Some(id) => booking::get(&mut db, id).await?,
        None => None,
    };
    let by_path = if file.adopt { booking::at_path(&mut db, &file.preferred).await? } else { None };
    Ok((by_id, by_path))
}

enum RecordComparison {
    Already,
    /// It has another digest for a waiting booking.
    Corrects,
    Other(String),
}

fn judge(file: &ScannedFile, known: &Booking) -> RecordComparison {
    let Some(timesheet) = &known.timesheet else {
        return RecordComparison::Other(format!(
            "booking {} waits for its upload: upload its timesheet instead",
            known.id
        ));
    };
    let waits = known.state == ServerState::SignedOff;
    let is_its_file = timesheet.path == file.preferred;
    match &file.digest {
        _ if waits && file.adopt && !is_its_file => {
            RecordComparison::Other(format!("booking {} has another file: {}", known.id, timesheet.path))
        }
        None => RecordComparison::Already,
        Some(digest) if *digest == timesheet.digest => RecordComparison::Already,
        Some(_) if waits && is_its_file => RecordComparison::Corrects,
        Some(_) => RecordComparison::Other(format!("booking {} has another digest: {}", known.id, timesheet.digest)),
    }
}

async fn correct(
    documents: &Documents,
    corrections: Vec<(ScannedFile, BookingId)>,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    if corrections.is_empty() {
        return Ok(());
    }
    let ids: HashMap<String, BookingId> =
        corrections.iter().map(|(file, id)| (file.shown.clone(), id.clone())).collect();
    // The server's own file is read, not the one that it was copied from.
    let kept = corrections.into_iter().map(|(file, _)| ScannedFile {
        root: documents.root().clone(),
        path: file.preferred.clone(),
        adopt: true,
        ..file
    });
    let read = read_all(documents, kept.collect()).await;
    let mut db = documents.store().begin().await?;
    for prepared in read.into_iter().flatten() {
        let shown = &prepared.found.shown;
        let Some(id) = ids.get(shown) else { continue };
        if prepared.found.digest.as_ref() == Some(&prepared.digest) {
            booking::correct(&mut db, id, prepared.size, &prepared.digest).await?;
            report.corrected += 1;
        } else {
            let why = format!("booking {id} has another digest, and its file has neither: {}", prepared.digest);
            report.skip(shown, why);
        }
    }
    db.commit().await
}
