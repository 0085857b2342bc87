//! A batch of files to import.

use std::collections::{HashMap, HashSet};
use std::fs::File;

use futures_util::future::join_all;
use jiff::Timestamp;
use strongroom_model::{BookingId, Digest};
use strongroom_service::kill_point;

use super::found::{ScannedFile, made_id};
use super::known::sift;
use super::prepare::{PrepareError, Prepared, prepare};
use super::{ImportError, ImportReport};
use crate::bookings::NewFile;
use crate::documents::Documents;
use crate::incoming::Temporary;
use crate::path::{RelativePath, readable};
use crate::root::DocumentRoot;
use crate::settle::IntentOutcome;
use crate::store::booking::{self, Timesheet};
use crate::store::{Connection, StoreError, intent};

/// Reading threads: they keep the device's queue and two processors busy.
const READERS: usize = 8;

pub(crate) struct Batch<'a> {
    documents: &'a Documents,
    found: Vec<ScannedFile>,
}

struct Ready {
    shown: String,
    id: BookingId,
    is_listed: bool,
    timesheet: Timesheet,
    /// Of what was read; a list may give another.
    computed: Digest,
    signed_off_at: Timestamp,
    copy: Option<(Temporary, File)>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(documents: &'a Documents, found: Vec<ScannedFile>) -> Self {
        Self { documents, found }
    }

    /// Imports the files that are not known yet; on return their records are durable.
    pub(crate) async fn import(self, report: &mut ImportReport) -> Result<(), ImportError> {
        let Self { documents, found } = self;
        let unknown = sift(documents, found, report).await?;
        let mut seen = HashSet::new();
        let (mut adopted, mut copies) = (Vec::new(), Vec::new());
        for prepared in read_all(documents, unknown).await {
            let ready = match prepared {
                Ok(prepared) => Ready::new(prepared, report),
                Err(PrepareError::Skip(found, why)) => {
                    report.skip(&found.shown, why);
                    continue;
                }
                Err(PrepareError::Stop(error)) => return Err(error.into()),
            };
            if !seen.insert(ready.id.clone()) {
                report.skip(&ready.shown, format!("another file has the id {}", ready.id));
            } else if ready.copy.is_some() {
                copies.push(ready);
            } else {
                adopted.push(ready);
            }
        }
        adopt(documents, adopted, report).await?;
        place(documents, copies, report).await
    }
}

/// Reads files on several threads, results unordered.
pub(crate) async fn read_all(documents: &Documents, files: Vec<ScannedFile>) -> Vec<Result<Prepared, PrepareError>> {
    let mut shares: Vec<Vec<_>> = (0..READERS).map(|_| Vec::new()).collect();
    for (count, file) in files.into_iter().enumerate() {
        shares[count % READERS].push((documents.session().temporary(), file));
    }
    let reading = shares.into_iter().filter(|share| !share.is_empty()).map(|share| {
        documents.on_files(move |root| {
            share.into_iter().map(|(temporary, file)| prepare(root, temporary, file)).collect::<Vec<_>>()
        })
    });
    join_all(reading).await.into_iter().flatten().collect()
}

impl Ready {
    fn new(prepared: Prepared, report: &mut ImportReport) -> Self {
        let Prepared { found, size, digest: computed, modified_at, copy } = prepared;
        let digest = found.digest.unwrap_or_else(|| computed.clone());
        if digest != computed {
            let why = format!(
                "its file has the digest {computed}, not {digest}: it is kept as it is given, and cannot be backed up \
                 until the list or the file is put right"
            );
            report.warn(&found.shown, why);
        }
        let is_listed = found.id.is_some();
        let id = found.id.unwrap_or_else(|| made_id(&found.preferred, &computed));
        let filename = found.filename.unwrap_or_else(|| readable(found.path.name()));
        let signed_off_at = found.signed_off_at.or(modified_at).unwrap_or_else(|| {
            let taken_as = Timestamp::UNIX_EPOCH;
            let why = format!(
                "the time of its last change is one that no calendar has: it is taken as signed off on {taken_as}, \
                 before all others; set its time (`touch`) before the import, or import a list that names the time"
            );
            report.warn(&found.shown, why);
            taken_as
        });
        let timesheet = Timesheet { filename, size, digest, path: found.preferred, stamp: None };
        Self { shown: found.shown, id, is_listed, timesheet, computed, signed_off_at, copy }
    }
}

/// Records files that stay where they are.
async fn adopt(documents: &Documents, files: Vec<Ready>, report: &mut ImportReport) -> Result<(), ImportError> {
    if files.is_empty() {
        return Ok(());
    }
    let now = documents.clock().now();
    let mut db = documents.store().begin().await?;
    // Within the transaction: a move is recorded before and after, so a file that exists now without an intent still
    // exists when this is recorded.
    let paths: Vec<_> = files.iter().map(|ready| ready.timesheet.path.clone()).collect();
    let there = documents.on_files(move |root| paths.iter().map(|path| is_file(root, path)).collect::<Vec<_>>()).await;
    for (ready, there) in files.into_iter().zip(there) {
        let (id, timesheet) = (&ready.id, &ready.timesheet);
        if !there || intent::concerns(&mut db, &timesheet.path).await? {
            report.skip(&ready.shown, "another process has just moved it: import again");
        } else if let Some(other) = booking::at_path(&mut db, &timesheet.path).await? {
            match ready.is_listed && other.id != *id {
                true => report.skip(&ready.shown, format!("its file is booking {}'s already", other.id)),
                false => report.already += 1,
            }
        } else if is_new(&mut db, &ready, report).await? {
            booking::import(&mut db, id, timesheet, ready.signed_off_at, now).await?;
            report.imported(timesheet.size);
        }
    }
    db.commit().await?;
    Ok(())
}

fn is_file(root: &DocumentRoot, path: &RelativePath) -> bool {
    root.entry(path).ok().flatten().is_some_and(|entry| entry.is_plain())
}

/// Whether the id is new. The same content under a taken id is known: an archived file is back at its old place.
async fn is_new(db: &mut Connection, ready: &Ready, report: &mut ImportReport) -> Result<bool, StoreError> {
    let Some(known) = booking::get(db, &ready.id).await? else { return Ok(true) };
    if known.timesheet.is_some_and(|known| known.digest == ready.timesheet.digest) {
        report.already += 1;
    } else {
        report.skip(&ready.shown, format!("booking {} has another file", ready.id));
    }
    Ok(false)
}

async fn place(documents: &Documents, files: Vec<Ready>, report: &mut ImportReport) -> Result<(), ImportError> {
    let (mut new, mut copies, mut names) = (Vec::new(), Vec::new(), HashMap::new());
    for mut ready in files {
        let mut db = documents.store().reader().await?;
        if let Some((temporary, copy)) = ready.copy.take()
            && is_new(&mut db, &ready, report).await?
        {
            names.insert(ready.id.clone(), (ready.shown, ready.timesheet.size));
            let sign_off = Some(ready.signed_off_at);
            new.push(NewFile {
                booking: ready.id,
                temporary,
                timesheet: ready.timesheet,
                digest: ready.computed,
                sign_off,
            });
            copies.push(copy);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    documents.on_files(move |root| root.sync_files(&copies)).await?;
    // If we stop here, then the next start deletes the copies' temporary files.
    kill_point!("server.after-copy");
    for (id, settled) in documents.place(new).await? {
        let Some((shown, size)) = names.remove(&id) else { continue };
        match settled {
            IntentOutcome::Done => report.imported(size),
            IntentOutcome::NoStorage(trouble) => {
                report.skip(&shown, format!("it was not taken: {}", trouble.message()));
            }
            IntentOutcome::NotDone(why) | IntentOutcome::Unsure(why) | IntentOutcome::Changed(why) => {
                report.skip(&shown, format!("it was not taken: {why}"));
            }
            IntentOutcome::Occupied | IntentOutcome::Vanished | IntentOutcome::TakenOver => {
                report.skip(&shown, "its place was taken just now: import again");
            }
        }
    }
    Ok(())
}
