//! A batch of files on their way into the records.

use std::collections::{HashMap, HashSet};
use std::fs::File;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use strongroom_model::wire::ServerState;
use strongroom_model::{BookingId, Digest};

use super::list::Lost;
use super::prepare::{PrepareError, Prepared, prepare};
use super::{ImportError, ImportReport};
use crate::deed::Settled;
use crate::desk::{DeskError, NewFile};
use crate::documents::Documents;
use crate::name::slug;
use crate::path::{RelativePath, readable};
use crate::root::{DocumentRoot, EntryKind};
use crate::store::booking::{self, Booking, Timesheet};
use crate::store::{Connection, StoreError, intent};

/// How many threads read files at once: the device's queue and two processors are busy then.
const READERS: usize = 8;
/// The longest readable beginning of an id, in characters.
const MAX_SLUG_CHARS: usize = 40;
/// How many bytes of a hash make an id that no other file has: 2^40 files make a twin likely.
const ID_BYTES: usize = 10;

/// A file that was found, and what its record is to be.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// How it is called in a remark.
    pub(crate) shown: String,
    pub(crate) root: DocumentRoot,
    pub(crate) path: RelativePath,
    /// Where it is to lie below the document root.
    pub(crate) wished: RelativePath,
    /// It lies there already.
    pub(crate) adopt: bool,
    /// From a list; otherwise the id is made.
    pub(crate) id: Option<BookingId>,
    /// From a list; otherwise the file's own name.
    pub(crate) filename: Option<String>,
    /// From a list; otherwise it is computed.
    pub(crate) digest: Option<Digest>,
    /// From a list; otherwise when it was last modified.
    pub(crate) signed_off_at: Option<Timestamp>,
}

impl Found {
    /// A file of a folder.
    pub(crate) fn file(
        shown: String,
        root: DocumentRoot,
        path: RelativePath,
        wished: RelativePath,
        adopt: bool,
    ) -> Self {
        Self { shown, root, path, wished, adopt, id: None, filename: None, digest: None, signed_off_at: None }
    }
}

/// Files that are imported together.
pub(crate) struct Batch<'a> {
    documents: &'a Documents,
    found: Vec<Found>,
}

/// A file that was read, with its record.
struct Ready {
    shown: String,
    id: BookingId,
    /// The id came from a list.
    is_listed: bool,
    timesheet: Timesheet,
    signed_off_at: Timestamp,
    copy: Option<(crate::incoming::Temporary, File)>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(documents: &'a Documents, found: Vec<Found>) -> Self {
        Self { documents, found }
    }

    /// Imports the files that are not known yet; on return their records are durable.
    pub(crate) async fn import(self, report: &mut ImportReport) -> Result<(), ImportError> {
        let Self { documents, found } = self;
        let unknown = sift(documents, found, report).await?;
        let mut ready = Vec::with_capacity(unknown.len());
        for prepared in read_all(documents, unknown).await? {
            match prepared {
                Ok(prepared) => ready.push(Ready::new(prepared, report)),
                Err(PrepareError::Skip(found, why)) => report.skip(&found.shown, why),
                Err(PrepareError::Write(error)) => return Err(ImportError::Write(error)),
            }
        }
        let mut seen = HashSet::new();
        ready.retain(|ready| {
            let is_new = seen.insert(ready.id.clone());
            if !is_new {
                report.skip(&ready.shown, format!("another file has the id {}", ready.id));
            }
            is_new
        });
        let (copies, adopted): (Vec<_>, Vec<_>) = ready.into_iter().partition(|ready| ready.copy.is_some());
        adopt(documents, adopted, report).await?;
        place(documents, copies, report).await
    }
}

/// Leaves out what is known without reading it: the files whose path or id is recorded.
async fn sift(documents: &Documents, found: Vec<Found>, report: &mut ImportReport) -> Result<Vec<Found>, StoreError> {
    let mut unknown = Vec::with_capacity(found.len());
    let mut corrections = Vec::new();
    let mut db = documents.store().reader().await?;
    for file in found {
        let by_id = match &file.id {
            Some(id) => booking::get(&mut db, id).await?,
            None => None,
        };
        let by_path = if file.adopt { booking::at_path(&mut db, &file.wished).await? } else { None };
        match (by_id, by_path, &file.id) {
            (Some(known), _, _) => match judge_known(&file, &known) {
                Known::Already => report.already += 1,
                Known::Corrects => corrections.push((file, known)),
                Known::Other(why) => report.skip(&file.shown, why),
            },
            (None, Some(other), Some(_)) => {
                report.skip(&file.shown, format!("its file is booking {}'s already", other.id));
            }
            (None, Some(_), None) => report.already += 1,
            (None, None, _) => unknown.push(file),
        }
    }
    drop(db);
    correct(documents, corrections, report).await?;
    Ok(unknown)
}

/// Looks up the lines whose file is not there: it may have been archived since.
pub(crate) async fn recall(
    documents: &Documents,
    lost: Vec<Lost>,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    let mut db = documents.store().reader().await?;
    for line in lost {
        let known = booking::get(&mut db, &line.id).await?.and_then(|known| known.timesheet);
        match known {
            Some(known) if line.digest.as_ref().is_none_or(|digest| *digest == known.digest) => report.already += 1,
            _ => report.skip(&line.shown, line.why),
        }
    }
    Ok(())
}

/// What a line about a known booking says.
enum Known {
    Already,
    /// The digest of a waiting booking is another one.
    Corrects,
    Other(String),
}

fn judge_known(file: &Found, known: &Booking) -> Known {
    let Some(timesheet) = &known.timesheet else {
        return Known::Other(format!("booking {} waits for its upload: upload its timesheet instead", known.id));
    };
    let same_path = !file.adopt || known.state != ServerState::SignedOff || timesheet.path == file.wished;
    match &file.digest {
        _ if !same_path => Known::Other(format!("booking {} has another file: {}", known.id, timesheet.path)),
        None => Known::Already,
        Some(digest) if *digest == timesheet.digest => Known::Already,
        Some(_) if known.state == ServerState::SignedOff && file.adopt => Known::Corrects,
        Some(_) => Known::Other(format!("booking {} has another digest: {}", known.id, timesheet.digest)),
    }
}

/// Corrects the digests of waiting bookings whose files have the new ones.
async fn correct(
    documents: &Documents,
    corrections: Vec<(Found, Booking)>,
    report: &mut ImportReport,
) -> Result<(), StoreError> {
    let (files, known): (Vec<_>, Vec<_>) = corrections.into_iter().unzip();
    let ids: HashMap<String, BookingId> =
        files.iter().zip(known).map(|(file, known)| (file.shown.clone(), known.id)).collect();
    let read = read_all(documents, files).await?;
    let mut db = documents.store().begin().await?;
    for prepared in read {
        let Ok(prepared) = prepared else { continue };
        let shown = &prepared.found.shown;
        let Some(id) = ids.get(shown) else { continue };
        if prepared.found.digest.as_ref() == Some(&prepared.digest) {
            booking::correct(&mut db, id, prepared.size, &prepared.digest).await?;
            report.corrected += 1;
        } else {
            report
                .skip(shown, format!("booking {id} has another digest, and its file has neither: {}", prepared.digest));
        }
    }
    Ok(db.commit().await?)
}

/// Reads files on several threads, in any order.
async fn read_all(documents: &Documents, files: Vec<Found>) -> Result<Vec<Result<Prepared, PrepareError>>, StoreError> {
    let mut shares: Vec<Vec<_>> = (0..READERS).map(|_| Vec::new()).collect();
    for (count, file) in files.into_iter().enumerate() {
        shares[count % READERS].push((documents.session().temporary(), file));
    }
    let reading = shares.into_iter().filter(|share| !share.is_empty()).map(|share| async {
        let read = documents.on_files(move |root| {
            share.into_iter().map(|(temporary, file)| prepare(root, temporary, file)).collect::<Vec<_>>()
        });
        Ok::<_, StoreError>(read.await)
    });
    Ok(try_join_all(reading).await?.into_iter().flatten().collect())
}

impl Ready {
    fn new(prepared: Prepared, report: &mut ImportReport) -> Self {
        let Prepared { found, size, digest: computed, modified_at, copy } = prepared;
        let digest = found.digest.unwrap_or_else(|| computed.clone());
        if digest != computed {
            report.warn(
                &found.shown,
                format!("its file has the digest {computed}, not {digest}: it is kept as it is given, and cannot be backed up until one of them is put right"),
            );
        }
        let is_listed = found.id.is_some();
        let id = found.id.unwrap_or_else(|| made_id(&found.wished, &computed));
        let filename = found.filename.unwrap_or_else(|| readable(found.path.name()));
        let signed_off_at = found.signed_off_at.unwrap_or(modified_at);
        let timesheet = Timesheet { filename, size, digest, path: found.wished };
        Self { shown: found.shown, id, is_listed, timesheet, signed_off_at, copy }
    }
}

/// An id made of a file's name, its place and its digest: always the same.
fn made_id(path: &RelativePath, digest: &Digest) -> BookingId {
    let mut hasher = Sha256::new();
    hasher.update(path.as_bytes());
    hasher.update([0]);
    hasher.update(digest.to_string());
    let hash = data_encoding::HEXLOWER.encode(&hasher.finalize()[..ID_BYTES]);
    let slug = slug(&readable(path.name()), MAX_SLUG_CHARS);
    let id = if slug.is_empty() { format!("file-{hash}") } else { format!("{slug}-{hash}") };
    id.parse().expect("letters, digits and hyphens, beginning with a letter or digit")
}

/// Records files that stay where they are.
async fn adopt(documents: &Documents, files: Vec<Ready>, report: &mut ImportReport) -> Result<(), ImportError> {
    if files.is_empty() {
        return Ok(());
    }
    let now = documents.clock().now();
    let mut db = documents.store().begin().await?;
    // Within the transaction: whoever moves a file records that before and after, so that a
    // file that is there now, and that no intent concerns, is there when this is recorded.
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
        } else if is_twin(&mut db, &ready).await? {
            report.already += 1;
        } else if booking::get(&mut db, id).await?.is_some() {
            report.skip(&ready.shown, format!("booking {id} has another file"));
        } else {
            booking::import(&mut db, id, timesheet, ready.signed_off_at, now).await?;
            report.imported(timesheet.size);
        }
    }
    db.commit().await.map_err(StoreError::from)?;
    Ok(())
}

fn is_file(root: &DocumentRoot, path: &RelativePath) -> bool {
    root.entry(path).ok().flatten().is_some_and(|entry| entry.kind == EntryKind::File)
}

/// Whether the file's booking is known, with this digest: a copy of it was archived before.
async fn is_twin(db: &mut Connection, ready: &Ready) -> Result<bool, StoreError> {
    let known = booking::get(db, &ready.id).await?.and_then(|known| known.timesheet);
    Ok(known.is_some_and(|known| known.digest == ready.timesheet.digest))
}

/// Makes copies durable, puts them in their places and records them.
async fn place(documents: &Documents, files: Vec<Ready>, report: &mut ImportReport) -> Result<(), ImportError> {
    let mut new = Vec::with_capacity(files.len());
    let mut names = HashMap::new();
    let mut db = documents.store().reader().await?;
    for ready in files {
        if is_twin(&mut db, &ready).await? {
            report.already += 1;
        } else if booking::get(&mut db, &ready.id).await?.is_some() {
            report.skip(&ready.shown, format!("booking {} has another file", ready.id));
        } else if let Some(copy) = ready.copy {
            names.insert(ready.id.clone(), (ready.shown, ready.timesheet.size));
            new.push((ready.id, ready.timesheet, ready.signed_off_at, copy));
        }
    }
    drop(db);
    if new.is_empty() {
        return Ok(());
    }
    let (files, copies): (Vec<_>, Vec<_>) = new
        .into_iter()
        .map(|(booking, timesheet, signed_off_at, (temporary, copy))| {
            (NewFile { booking, temporary, timesheet, sign_off: Some(signed_off_at) }, copy)
        })
        .unzip();
    documents.on_files(move |root| root.sync_files(&copies)).await.map_err(ImportError::Write)?;
    // If we stop here, then the copies have temporary names, which the next start deletes.
    strongroom_service::kill_point!("server.after-copy");
    let settled = documents.place(files).await.map_err(|error| match error {
        DeskError::Store(error) => ImportError::Store(error),
        other => ImportError::Write(std::io::Error::other(other)),
    })?;
    for (intent, settled) in settled {
        let Some((shown, size)) = names.remove(&intent.booking) else { continue };
        match settled {
            Settled::Done => report.imported(size),
            Settled::NotDone(why) | Settled::Unsure(why) => report.skip(&shown, format!("it was not taken: {why}")),
            Settled::Taken | Settled::Vanished => report.skip(&shown, "its place was taken just now: import again"),
        }
    }
    for (shown, _) in names.into_values() {
        report.skip(&shown, "another process has its booking in hand: import again");
    }
    Ok(())
}
