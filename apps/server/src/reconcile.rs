//! Finishes, at the start and at intervals, what a process that died left half done.

use strongroom_model::BookingId;
use strongroom_service::blocking;

use crate::disk_error;
use crate::documents::OpenError;
use crate::move_file::{FileOutcome, Touched, move_file};
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::session::{EndedSessions, Session};
use crate::settle::{IntentOutcome, settle};
use crate::store::booking::{Booking, Timesheet};
use crate::store::intent::{Intent, Operation};
use crate::store::{DeadSessions, Store, StoreError};
use crate::unchanged::Fingerprint;

/// How many of the latest moves are checked: more than one request can hold.
const MOVES_LOOKED_AT: u32 = 2000;

/// What was found half done at the start, and the results.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// The bookings whose upload, move or purge was finished.
    pub finished: Vec<BookingId>,
    /// The bookings whose file was moved back to its recorded place.
    pub restored: Vec<BookingId>,
    /// The bookings whose file is missing, and its last path.
    pub vanished: Vec<(BookingId, String)>,
    /// The bookings whose file could not be moved or deleted, and why.
    pub not_done: Vec<(BookingId, String)>,
}

/// At the start: settles the ended sessions' intents and, if no other session is live, checks the latest moves.
pub(crate) async fn reconcile(
    store: &Store,
    root: &DocumentRoot,
    session: &Session,
    ended: EndedSessions,
) -> Result<Reconciled, OpenError> {
    let (mut reconciled, over) = settle_ended(store, root, session, &ended).await?;
    if ended.live().is_empty() && over.is_all {
        // Beside a live server, a purge in flight would look like a loss.
        look_again(store, root, &mut reconciled).await?;
    }
    tidy(ended, over).await?;
    reconciled.log();
    Ok(reconciled)
}

/// At any time: settles the ended sessions' intents.
pub(crate) async fn reconcile_again(
    store: &Store,
    root: &DocumentRoot,
    session: &Session,
    ended: EndedSessions,
) -> Result<(), OpenError> {
    let (reconciled, over) = settle_ended(store, root, session, &ended).await?;
    tidy(ended, over).await?;
    reconciled.log();
    Ok(())
}

async fn settle_ended(
    store: &Store,
    root: &DocumentRoot,
    session: &Session,
    ended: &EndedSessions,
) -> Result<(Reconciled, DeadSessions), OpenError> {
    let mut reconciled = Reconciled::default();
    let mut others = store.sessions_with_intents().await?;
    others.extend(ended.ids());
    others.retain(|id| id != session.id() && !ended.live().contains(id));
    others.sort();
    others.dedup();
    // Held to the end: nobody else settles these, and none of them returns.
    let over = store.over(others).await?;

    let intents = store.take_over(&over.sessions, session.id()).await?;
    for (intent, settled) in settle(store, root, session.id(), intents).await? {
        if matches!(intent.operation, Operation::Place { .. }) {
            // The file that the new one replaces is to be discarded.
            let left = store.own_upload(session.id(), &intent.booking).await?;
            settle(store, root, session.id(), left.into_iter().collect()).await?;
        }
        reconciled.add(&intent, settled);
    }
    Ok((reconciled, over))
}

async fn tidy(ended: EndedSessions, over: DeadSessions) -> Result<(), OpenError> {
    blocking(move || ended.tidy(&over.sessions)).await.map_err(OpenError::Reconcile)
}

impl Reconciled {
    fn add(&mut self, intent: &Intent, settled: IntentOutcome) {
        let id = intent.booking.clone();
        match settled {
            IntentOutcome::Done if matches!(intent.operation, Operation::Discard) => {}
            IntentOutcome::Done => self.finished.push(id),
            // An upload whose temporary file is gone was never acknowledged.
            IntentOutcome::Vanished if matches!(intent.operation, Operation::Place { .. }) => {}
            IntentOutcome::Vanished => self.vanished.push((id, intent.from.to_string())),
            IntentOutcome::TakenOver => {}
            IntentOutcome::Occupied => self.not_done.push((id, "another file has its place".to_owned())),
            IntentOutcome::NoStorage(trouble) => self.not_done.push((id, trouble.message().to_owned())),
            IntentOutcome::NotDone(why) | IntentOutcome::Unsure(why) | IntentOutcome::Changed(why) => {
                self.not_done.push((id, why));
            }
        }
    }

    fn log(&self) {
        if !self.finished.is_empty() {
            tracing::info!(bookings = self.finished.len(), "finished what an earlier process had begun");
        }
        for id in &self.restored {
            tracing::warn!(booking = %id, "a file was not where its record says; it was moved there again");
        }
        for (id, path) in &self.vanished {
            tracing::error!(booking = %id, path, "a file is gone; upload it again, or restore it from the backup drive");
        }
        for (id, why) in &self.not_done {
            tracing::warn!(booking = %id, why, "what an earlier process had begun could not be finished");
        }
    }
}

/// Checks the files that were moved last. They were synced before they were recorded, but some disks lie about that:
/// then the file is back at its old place after a power cut.
async fn look_again(store: &Store, root: &DocumentRoot, reconciled: &mut Reconciled) -> Result<(), StoreError> {
    let latest = store.latest_moves(MOVES_LOOKED_AT).await?;
    let root = root.clone();
    let looked = blocking(move || latest.iter().filter_map(|booking| look(&root, booking)).collect::<Vec<_>>()).await;
    for (id, path, found) in looked {
        match found {
            Ok(()) => reconciled.restored.push(id),
            Err(None) => reconciled.vanished.push((id, path)),
            Err(Some(why)) => reconciled.not_done.push((id, why)),
        }
    }
    Ok(())
}

type Look = (BookingId, String, Result<(), Option<String>>);

/// `None` if the file is where it should be.
fn look(root: &DocumentRoot, booking: &Booking) -> Option<Look> {
    let (timesheet, moved) = (booking.timesheet.as_ref()?, booking.moved.as_ref()?);
    if root.entry(&timesheet.path).ok().flatten().is_some_and(|entry| entry.is_plain()) {
        return None;
    }
    let found = match move_again(root, &moved.from, timesheet) {
        Ok(FileOutcome::Moved(_)) => Ok(()),
        // A foreign file at the old place stays there.
        Ok(FileOutcome::Vanished | FileOutcome::Deleted | FileOutcome::Occupied | FileOutcome::Changed(_)) => Err(None),
        Ok(FileOutcome::Unsure(why)) => Err(Some(why)),
        Err(error) => Err(Some(error.to_string())),
    };
    Some((booking.id.clone(), timesheet.path.to_string(), found))
}

fn move_again(root: &DocumentRoot, from: &RelativePath, timesheet: &Timesheet) -> disk_error::Result<FileOutcome> {
    let mut touched = Touched::new();
    // Read in any case: the recorded stamp is of its other place.
    let expected = Fingerprint { stamp: None, ..timesheet.fingerprint() };
    let outcome = move_file(root, from, &timesheet.path, &expected, &mut touched)?;
    root.sync_folders(&touched)?;
    Ok(outcome)
}
