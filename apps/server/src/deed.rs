//! Carrying out intents: rename or delete the files, sync the folders once, record the
//! results in one transaction.
//!
//! Each step looks before it acts, so that the same code serves a request, a request that
//! finds what an earlier one could not finish, and the start after a crash:
//! - stopped before the rename: it is done now;
//! - stopped after the rename, before the record: the file is found where it was meant to go,
//!   and that is recorded now;
//! - the file is in neither place: nothing is recorded, and it is reported.

use std::collections::BTreeSet;
use std::io;

use strongroom_model::wire::ServerState;
use strongroom_model::{Digest, Hasher};
use strongroom_service::{Fault, fault, kill_point};

use crate::path::RelativePath;
use crate::root::{DocumentRoot, EntryKind};
use crate::store::booking::{self, Moved, Timesheet};
use crate::store::intent::{self, Deed, Intent};
use crate::store::{Connection, Store, StoreError};

/// How much of a file is hashed at once.
const CHUNK_BYTES: usize = 256 << 10;

/// What became of an intent's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// It is where it was meant to be (or gone, where it was meant to go), durably.
    Done,
    /// It is in neither place.
    Vanished,
    /// Another file is where it was meant to go; it stays where it was.
    Taken,
    /// It could not be moved or deleted, and is as it was.
    NotDone(String),
    /// It was moved or deleted, but a power cut could undo that: the intent stays.
    Unsure(String),
    /// Another process has taken the intent over, and records what becomes of it.
    Elsewhere,
}

/// Carries out intents that are recorded already, and records what became of them.
pub(crate) async fn settle(
    store: &Store,
    root: &DocumentRoot,
    session: &str,
    intents: Vec<Intent>,
) -> Result<Vec<(Intent, Settled)>, StoreError> {
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    let root = root.clone();
    let performed = tokio::task::spawn_blocking(move || perform(&root, intents));
    let mut settled = performed.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
    // If we stop here, then the files are settled and the intents say so to the next start.
    kill_point!("server.after-sync");
    let mut db = store.begin().await?;
    for (intent, settled) in &mut settled {
        record(&mut db, session, intent, settled).await?;
    }
    db.commit().await?;
    // If we stop here, then nobody was told; asking again gives the same answer.
    kill_point!("server.after-record");
    Ok(settled)
}

fn perform(root: &DocumentRoot, intents: Vec<Intent>) -> Vec<(Intent, Settled)> {
    let mut touched = BTreeSet::new();
    let mut settled: Vec<_> = intents
        .into_iter()
        .map(|intent| {
            let result = carry_out(root, &intent, &mut touched);
            // If we stop here, then some files are moved and no record says so: the intents do.
            kill_point!("server.after-rename");
            (intent, result)
        })
        .collect();
    let synced = fault!("server.sync-folders").map_or(Ok(()), Fault::fail).and_then(|()| root.sync_folders(&touched));
    if let Err(error) = synced {
        for (_, settled) in settled.iter_mut().filter(|(_, settled)| *settled == Settled::Done) {
            *settled = Settled::Unsure(error.to_string());
        }
    }
    settled
}

fn carry_out(root: &DocumentRoot, intent: &Intent, touched: &mut BTreeSet<Option<RelativePath>>) -> Settled {
    let from = &intent.from;
    let result = match &intent.deed {
        Deed::Place { timesheet, .. } => carry(root, from, &timesheet.path, touched)
            .and_then(|settled| Ok(if settled.1 && !holds(root, timesheet)? { Settled::Vanished } else { settled.0 })),
        Deed::Move { to, .. } => carry(root, from, to, touched).map(|settled| settled.0),
        Deed::Purge { .. } | Deed::Discard => {
            touched.insert(from.parent());
            root.remove_file(from).map(|_| Settled::Done)
        }
    };
    result.unwrap_or_else(|error| Settled::NotDone(error.to_string()))
}

/// Renames a file; also says whether it was found at its new place already.
fn carry(
    root: &DocumentRoot,
    from: &RelativePath,
    to: &RelativePath,
    touched: &mut BTreeSet<Option<RelativePath>>,
) -> io::Result<(Settled, bool)> {
    if let Some(folder) = to.parent() {
        touched.extend(root.create_folders(&folder)?);
    }
    let is_file = |path| Ok::<_, io::Error>(root.entry(path)?.filter(|entry| entry.kind == EntryKind::File));
    if root.entry(from)?.is_some_and(|entry| entry.kind != EntryKind::File) {
        return Err(io::Error::other(format!("{from} is no regular file any more")));
    }
    let settled = match root.rename(from, to) {
        Ok(()) => (Settled::Done, false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match is_file(to)? {
            Some(_) => (Settled::Done, true),
            None => (Settled::Vanished, false),
        },
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match (is_file(from)?, is_file(to)?) {
            // Linked, but not yet unlinked.
            (Some(old), Some(new)) if old.file_id == new.file_id => {
                root.remove_file(from)?;
                (Settled::Done, false)
            }
            (None, Some(_)) => (Settled::Done, true),
            _ => (Settled::Taken, false),
        },
        Err(error) => return Err(error),
    };
    if settled.0 == Settled::Done {
        touched.extend([from.parent(), to.parent()]);
    }
    Ok(settled)
}

/// Whether the file at its place is the one that was uploaded, not one that came from
/// elsewhere in the meantime.
fn holds(root: &DocumentRoot, timesheet: &Timesheet) -> io::Result<bool> {
    let (size, digest) = digest_of(root.open_file(&timesheet.path)?, timesheet.digest.algorithm())?;
    Ok(size == timesheet.size.0 && digest == timesheet.digest)
}

/// The size and the digest of what is left to read.
pub(crate) fn digest_of(mut file: impl io::Read, algorithm: strongroom_model::Algorithm) -> io::Result<(u64, Digest)> {
    let mut hasher = Hasher::new(algorithm);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut size_bytes = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok((size_bytes, hasher.finish())),
            Ok(count) => {
                hasher.update(&chunk[..count]);
                size_bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

async fn record(db: &mut Connection, session: &str, intent: &Intent, settled: &mut Settled) -> Result<(), StoreError> {
    if matches!(settled, Settled::Unsure(_)) {
        // The next request or start looks again.
        return Ok(());
    }
    if !intent::remove(db, session, &intent.booking).await? {
        *settled = Settled::Elsewhere;
    }
    if *settled != Settled::Done {
        return Ok(());
    }
    match &intent.deed {
        Deed::Place { timesheet, sign_off } => record_place(db, session, intent, timesheet, *sign_off, settled).await,
        Deed::Move { to, month } => {
            let moved = Moved { month: *month, from: intent.from.clone(), at: intent.at };
            booking::archive(db, &intent.booking, to, &moved).await
        }
        Deed::Purge { purge } => booking::purge(db, &intent.booking, purge).await,
        Deed::Discard => Ok(()),
    }
}

/// Records a placed file as its booking's, if the booking still wants it: it may have been
/// signed off in the meantime. A file that nobody wants any more is to be discarded.
async fn record_place(
    db: &mut Connection,
    session: &str,
    intent: &Intent,
    timesheet: &Timesheet,
    sign_off: Option<jiff::Timestamp>,
    settled: &mut Settled,
) -> Result<(), StoreError> {
    let id = &intent.booking;
    let known = booking::get(db, id).await?;
    let before = known.as_ref().and_then(|booking| booking.timesheet.as_ref());
    let unwanted = match (&known, sign_off) {
        (None, Some(signed_off_at)) => {
            booking::import(db, id, timesheet, signed_off_at, intent.at).await?;
            None
        }
        (Some(booking), None) if matches!(booking.state, ServerState::Created | ServerState::Uploaded) => {
            booking::set_timesheet(db, id, timesheet).await?;
            before.map(|before| before.path.clone())
        }
        // A lost file that was uploaded again; only its path is new.
        (Some(booking), None)
            if matches!(booking.state, ServerState::SignedOff | ServerState::BackedUp)
                && before.is_some_and(|before| before.digest == timesheet.digest) =>
        {
            booking::set_path(db, id, &timesheet.path).await?;
            None
        }
        _ => {
            *settled = Settled::NotDone("the booking has another timesheet by now".to_owned());
            Some(timesheet.path.clone())
        }
    };
    if let Some(path) = unwanted {
        let discard = Intent { from: path, deed: Deed::Discard, ..intent.clone() };
        intent::insert(db, session, &discard).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::path::RelativePath;

    /// Two that believe they have an intent in hand: the one it was taken from records nothing.
    #[tokio::test]
    async fn an_intent_that_was_taken_over_is_recorded_once_by_its_new_session() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("server.db")).await.unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        std::fs::write(dir.path().join("a.pdf"), "abc").unwrap();
        let path = |text: &str| RelativePath::new(text).unwrap();
        let timesheet = Timesheet {
            filename: "a.pdf".to_owned(),
            size: strongroom_model::ByteCount(3),
            digest: Digest::of(strongroom_model::Algorithm::Sha256, b"abc"),
            path: path("b.pdf"),
        };
        let deed = Deed::Place { timesheet, sign_off: Some(Timestamp::UNIX_EPOCH) };
        let booking: strongroom_model::BookingId = "B-1".parse().unwrap();
        let intent = Intent { booking: booking.clone(), from: path("a.pdf"), at: Timestamp::UNIX_EPOCH, deed };
        let mut db = store.begin().await.unwrap();
        assert!(intent::insert(&mut db, "stalled", &intent).await.unwrap());
        db.commit().await.unwrap();

        let taken = store.take_over(&["stalled".to_owned()], "settler").await.unwrap();
        assert_eq!(taken.len(), 1);
        let settled = settle(&store, &root, "stalled", vec![intent]).await.unwrap();
        assert_eq!(settled[0].1, Settled::Elsewhere);
        assert!(store.booking(&booking).await.unwrap().is_none());
        let settled = settle(&store, &root, "settler", taken).await.unwrap();
        assert_eq!(settled[0].1, Settled::Done);
        assert_eq!(store.booking(&booking).await.unwrap().unwrap().timesheet.unwrap().path, path("b.pdf"));
    }
}
