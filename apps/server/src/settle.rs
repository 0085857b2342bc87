//! Carries out recorded intents: renames or deletes the files, syncs the folders once, records the results in one
//! transaction. Serves requests, retries and the start after a crash: see `move_file`.

use strongroom_model::ByteCount;
use strongroom_model::wire::ServerState;
use strongroom_service::{blocking, kill_point};

use crate::disk_error;
use crate::documents::Documents;
use crate::move_file::{FileOutcome, Touched, delete_file, move_file};
use crate::put_back::put_damaged_aside;
use crate::root::DocumentRoot;
use crate::store::booking::{self, Moved, Timesheet};
use crate::store::intent::{self, Intent, Operation};
use crate::store::{Connection, Store, StoreError, purge, restoration};
use crate::trouble::DiskTrouble;
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IntentOutcome {
    /// It is at its destination, or deleted, durably.
    Done,
    /// It is in neither place.
    Vanished,
    /// Another file is at the destination; it stays where it was.
    Occupied,
    /// It does not match its digest, and stays where it is.
    Changed(String),
    /// The disk refuses every file; this one is unchanged.
    NoStorage(DiskTrouble),
    /// It could not be moved or deleted, and is unchanged.
    NotDone(String),
    /// It was moved or deleted, wholly or half, and a power cut could undo that: the intent stays.
    Unsure(String),
    /// Another process has taken the intent over and records the result.
    TakenOver,
}

impl Documents {
    pub(crate) async fn settle(&self, intents: Vec<Intent>) -> Result<Vec<(Intent, IntentOutcome)>, StoreError> {
        settle(self.store(), self.root(), self.session().id(), intents).await
    }
}

pub(crate) async fn settle(
    store: &Store,
    root: &DocumentRoot,
    session: &str,
    mut intents: Vec<Intent>,
) -> Result<Vec<(Intent, IntentOutcome)>, StoreError> {
    if intents.is_empty() {
        return Ok(Vec::new());
    }
    know_files(store, &mut intents).await?;
    let root = root.clone();
    let mut settled = blocking(move || perform(&root, intents)).await;
    // If we stop here, then the files are settled, and the intents lead the next start to record that.
    kill_point!("server.after-sync");
    let mut db = store.begin().await?;
    for (intent, settled, stamp) in &mut settled {
        record(&mut db, session, intent, stamp.as_ref(), settled).await?;
    }
    db.commit().await?;
    let settled: Vec<_> = settled.into_iter().map(|(intent, settled, _)| (intent, settled)).collect();
    for (intent, settled) in &settled {
        if let IntentOutcome::Changed(why) = settled {
            tracing::error!(booking = %intent.booking, why, "a file was changed since its digest was recorded; it stays");
        }
    }
    // If we stop here, then nobody got an answer; a retry gives the same one.
    kill_point!("server.after-record");
    Ok(settled)
}

/// Completes intents of an earlier version, which did not record the file's digest.
async fn know_files(store: &Store, intents: &mut [Intent]) -> Result<(), StoreError> {
    for intent in
        intents.iter_mut().filter(|intent| intent.file.is_none() && !matches!(intent.operation, Operation::Discard))
    {
        let known = store.booking(&intent.booking).await?;
        intent.file = known.and_then(|booking| booking.timesheet).map(|timesheet| timesheet.fingerprint());
    }
    Ok(())
}

fn perform(root: &DocumentRoot, intents: Vec<Intent>) -> Vec<(Intent, IntentOutcome, Option<Stamp>)> {
    let mut touched = Touched::new();
    let mut settled: Vec<_> = intents
        .into_iter()
        .map(|intent| {
            let (settled, stamp) = perform_one(root, &intent, &mut touched);
            // If we stop here, then some files are moved without a record: the intents lead to them.
            kill_point!("server.after-rename");
            (intent, settled, stamp)
        })
        .collect();
    if let Err(error) = root.sync_folders(&touched) {
        for (_, settled, _) in settled.iter_mut().filter(|(_, settled, _)| *settled == IntentOutcome::Done) {
            *settled = IntentOutcome::Unsure(error.to_string());
        }
    }
    settled
}

fn perform_one(root: &DocumentRoot, intent: &Intent, touched: &mut Touched) -> (IntentOutcome, Option<Stamp>) {
    let Some(expected) = &intent.file else {
        // Without a digest it may be the only file of its kind.
        return (IntentOutcome::Changed(format!("{} has no recorded digest", intent.from)), None);
    };
    match change_file(root, intent, expected, touched) {
        Ok(FileOutcome::Moved(stamp)) => (IntentOutcome::Done, Some(stamp)),
        Ok(FileOutcome::Deleted) => (IntentOutcome::Done, None),
        Ok(FileOutcome::Vanished) => (IntentOutcome::Vanished, None),
        Ok(FileOutcome::Occupied) => (IntentOutcome::Occupied, None),
        Ok(FileOutcome::Changed(why)) => (IntentOutcome::Changed(why), None),
        Ok(FileOutcome::Unsure(why)) => (IntentOutcome::Unsure(why), None),
        Err(error) => {
            tracing::error!(path = %intent.from, %error, "a file could not be moved or deleted");
            let not_done = || IntentOutcome::NotDone(format!("{}: {error}", intent.from));
            (error.trouble().map_or_else(not_done, IntentOutcome::NoStorage), None)
        }
    }
}

fn change_file(
    root: &DocumentRoot,
    intent: &Intent,
    expected: &Fingerprint,
    touched: &mut Touched,
) -> disk_error::Result<FileOutcome> {
    match &intent.operation {
        Operation::Place { timesheet, .. } => {
            let outcome = move_file(root, &intent.from, &timesheet.path, expected, touched)?;
            // A foreign file is at the destination: the upload was never acknowledged.
            let is_foreign = matches!(outcome, FileOutcome::Changed(_)) && root.entry(&intent.from)?.is_none();
            Ok(if is_foreign { FileOutcome::Vanished } else { outcome })
        }
        Operation::Move { to, .. } => move_file(root, &intent.from, to, expected, touched),
        Operation::Restore { to, replaces, .. } => {
            if *replaces && matches!(examine(root, to, expected)?, FileCheck::Changed(_)) {
                put_damaged_aside(root, to)?;
            }
            move_file(root, &intent.from, to, expected, touched)
        }
        Operation::Purge { .. } | Operation::Discard => delete_file(root, &intent.from, expected, touched),
    }
}

async fn record(
    db: &mut Connection,
    session: &str,
    intent: &Intent,
    stamp: Option<&Stamp>,
    settled: &mut IntentOutcome,
) -> Result<(), StoreError> {
    if matches!(settled, IntentOutcome::Unsure(_)) {
        // The next request or start looks again.
        return Ok(());
    }
    if !intent::remove(db, session, &intent.booking).await? {
        *settled = IntentOutcome::TakenOver;
    }
    if *settled != IntentOutcome::Done {
        return Ok(());
    }
    match &intent.operation {
        Operation::Place { timesheet, sign_off } => {
            let timesheet = Timesheet { stamp: stamp.cloned(), ..timesheet.clone() };
            record_place(db, session, intent, &timesheet, *sign_off, settled).await
        }
        Operation::Move { to, month } => {
            let moved = Moved { month: *month, from: intent.from.clone(), at: intent.at };
            booking::archive(db, &intent.booking, to, stamp, &moved).await
        }
        Operation::Purge { purge } => {
            booking::purge(db, &intent.booking, purge).await?;
            let size = intent.file.as_ref().map_or(ByteCount(0), |file| file.size);
            purge::deleted(db, purge, &intent.booking, size, intent.at).await
        }
        Operation::Restore { to, drive, .. } => {
            let purge = booking::get(db, &intent.booking).await?.and_then(|booking| booking.purge);
            booking::put_back(db, &intent.booking, to, stamp).await?;
            restoration::record(db, &intent.booking, *drive, purge.as_deref(), intent.at).await
        }
        Operation::Discard => Ok(()),
    }
}

/// Records a placed file as its booking's, unless the booking was signed off or changed in the meantime. The file
/// that loses is to be discarded.
async fn record_place(
    db: &mut Connection,
    session: &str,
    intent: &Intent,
    timesheet: &Timesheet,
    sign_off: Option<jiff::Timestamp>,
    settled: &mut IntentOutcome,
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
            before.map(|before| (before.path.clone(), before.fingerprint()))
        }
        // A lost file that was uploaded again: only its path is new.
        (Some(booking), None)
            if matches!(booking.state, ServerState::SignedOff | ServerState::BackedUp)
                && before.is_some_and(|before| before.digest == timesheet.digest) =>
        {
            booking::set_path(db, id, &timesheet.path, timesheet.stamp.as_ref()).await?;
            None
        }
        _ => {
            *settled = IntentOutcome::NotDone("the booking has another timesheet by now".to_owned());
            Some((timesheet.path.clone(), timesheet.fingerprint()))
        }
    };
    if let Some((from, file)) = unwanted {
        let discard = Intent { from, file: Some(file), operation: Operation::Discard, ..intent.clone() };
        intent::insert(db, session, &discard).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use strongroom_model::Digest;

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
            stamp: None,
        };
        let file = Some(timesheet.fingerprint());
        let operation = Operation::Place { timesheet, sign_off: Some(Timestamp::UNIX_EPOCH) };
        let booking: strongroom_model::BookingId = "B-1".parse().unwrap();
        let intent =
            Intent { booking: booking.clone(), from: path("a.pdf"), at: Timestamp::UNIX_EPOCH, file, operation };
        let mut db = store.begin().await.unwrap();
        assert!(intent::insert(&mut db, "stalled", &intent).await.unwrap());
        db.commit().await.unwrap();

        let taken = store.take_over(&["stalled".to_owned()], "settler").await.unwrap();
        assert_eq!(taken.len(), 1);
        let settled = settle(&store, &root, "stalled", vec![intent]).await.unwrap();
        assert_eq!(settled[0].1, IntentOutcome::TakenOver);
        assert!(store.booking(&booking).await.unwrap().is_none());
        let settled = settle(&store, &root, "settler", taken).await.unwrap();
        assert_eq!(settled[0].1, IntentOutcome::Done);
        assert_eq!(store.booking(&booking).await.unwrap().unwrap().timesheet.unwrap().path, path("b.pdf"));
    }
}
