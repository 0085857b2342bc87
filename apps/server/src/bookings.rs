//! Creating a booking, uploading its timesheet and signing it off.

use std::collections::HashSet;

use jiff::Timestamp;
use strongroom_files::Call;
use strongroom_model::text::printable;
use strongroom_model::wire::ServerState;
use strongroom_model::{BookingId, Digest};
use strongroom_service::kill_point;

use crate::bytes::digest_of;
use crate::disk_error::{DiskError, Result as DiskResult};
use crate::documents::Documents;
use crate::incoming::{Received, Temporary};
use crate::name::safe_name;
use crate::path::RelativePath;
use crate::relocate::first_free;
use crate::settle::IntentOutcome;
use crate::store::booking::{self, Booking, Timesheet};
use crate::store::intent::{self, Intent, Operation};
use crate::store::{Store, StoreError};
use crate::trouble::DiskTrouble;
use crate::unchanged::Fingerprint;

/// Each booking's uploads go to a folder of its own below this one.
const UPLOADS: &str = "uploads";
pub(crate) const MAX_FILENAME_BYTES: usize = 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BookingError {
    #[error("there is no booking {0}: create it first (POST /v1/bookings)")]
    Unknown(BookingId),
    #[error("{0}")]
    Conflict(String),
    #[error("nothing was taken: {}", .0.message())]
    NoStorage(DiskTrouble),
    #[error("the timesheet was not taken: {0}")]
    NotTaken(String),
    #[error("it is not certain that the timesheet is kept: {0}; send it again")]
    Unsure(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Done,
    Already,
}

#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) booking: BookingId,
    pub(crate) temporary: Temporary,
    /// Its path is the preferred one.
    pub(crate) timesheet: Timesheet,
    /// Computed from the bytes; a list may give the record another one.
    pub(crate) digest: Digest,
    /// Set for an import.
    pub(crate) sign_off: Option<Timestamp>,
}

impl Documents {
    /// Creates a booking. Repeating it is harmless until the booking has a timesheet.
    pub(crate) async fn create_booking(&self, id: &BookingId) -> Result<Change, BookingError> {
        let mut db = self.store().begin().await?;
        let is_new = booking::create(&mut db, id, self.clock().now()).await?;
        let known = booking::get(&mut db, id).await?;
        db.commit().await?;
        match known {
            _ if is_new => Ok(Change::Done),
            Some(known) if known.state == ServerState::Created => Ok(Change::Already),
            _ => Err(BookingError::Conflict(format!("there is a booking {id} already, and it has a timesheet"))),
        }
    }

    /// Makes a received file the timesheet of a booking. It may be replaced until the sign-off; after that, only the
    /// recorded bytes are taken, where the file was lost.
    ///
    /// Spawn this if the caller may be cancelled: what it begins it must finish.
    pub(crate) async fn upload(
        &self,
        id: &BookingId,
        filename: &str,
        received: Received,
    ) -> Result<Change, BookingError> {
        let busy =
            || BookingError::Conflict(format!("another upload for booking {id} is in progress; wait for it to end"));
        let _uploading = self.uploading(id).ok_or_else(busy)?;
        self.settle_upload(id).await?;
        let known = self.store().booking(id).await?.ok_or_else(|| BookingError::Unknown(id.clone()))?;
        if self.is_kept_already(&known, filename, &received.digest).await? {
            return Ok(Change::Already);
        }
        let name = RelativePath::new(format!("{UPLOADS}/{id}"))
            .and_then(|folder| folder.child(&safe_name(filename)))
            .map_err(|error| BookingError::Conflict(error.to_string()))?;
        let Received { temporary, size, digest, stamp } = received;
        let timesheet = Timesheet { filename: filename.to_owned(), size, digest: digest.clone(), path: name, stamp };
        let file = NewFile { booking: id.clone(), temporary, timesheet, digest, sign_off: None };
        let settled = self.place(vec![file]).await?.pop();
        self.settle_upload(id).await?;
        match settled.map(|(_, settled)| settled) {
            Some(IntentOutcome::Done) => Ok(Change::Done),
            Some(IntentOutcome::NoStorage(trouble)) => Err(BookingError::NoStorage(trouble)),
            Some(IntentOutcome::NotDone(why) | IntentOutcome::Changed(why)) => Err(BookingError::NotTaken(why)),
            Some(IntentOutcome::Unsure(why)) => Err(BookingError::Unsure(why)),
            Some(IntentOutcome::Occupied | IntentOutcome::Vanished | IntentOutcome::TakenOver) | None => Err(busy()),
        }
    }

    pub(crate) async fn sign_off(&self, id: &BookingId) -> Result<Change, BookingError> {
        let mut db = self.store().begin().await?;
        let is_new = booking::sign_off(&mut db, id, self.clock().now()).await?;
        let known = booking::get(&mut db, id).await?;
        db.commit().await?;
        match known {
            None => Err(BookingError::Unknown(id.clone())),
            Some(_) if is_new => Ok(Change::Done),
            Some(known) if known.state == ServerState::Created => Err(BookingError::Conflict(format!(
                "booking {id} has no timesheet: upload it first (PUT /v1/bookings/{id}/timesheet)"
            ))),
            Some(_) => Ok(Change::Already),
        }
    }

    /// Puts files in their places and records them in one transaction; one answer for each, in any order.
    pub(crate) async fn place(&self, files: Vec<NewFile>) -> Result<Vec<(BookingId, IntentOutcome)>, StoreError> {
        let now = self.clock().now();
        let preferences = files.iter().map(|file| (file.booking.clone(), file.timesheet.path.clone())).collect();
        let mut answers = Vec::with_capacity(files.len());
        // Held to the end: a file without its final name by then is deleted.
        let mut temporaries = Vec::with_capacity(files.len());
        let mut intents = Vec::with_capacity(files.len());
        for (file, free) in files.into_iter().zip(self.free_paths(preferences).await) {
            let NewFile { booking, temporary, timesheet, digest, sign_off } = file;
            match free {
                Err(error) => {
                    let not_done = || IntentOutcome::NotDone(error.to_string());
                    answers.push((booking, error.trouble().map_or_else(not_done, IntentOutcome::NoStorage)));
                }
                Ok(path) => {
                    let file = Some(Fingerprint { digest, ..timesheet.fingerprint() });
                    let operation = Operation::Place { timesheet: Timesheet { path, ..timesheet }, sign_off };
                    intents.push(Intent { booking, from: temporary.path.clone(), at: now, file, operation });
                }
            }
            temporaries.push(temporary);
        }
        let mut db = self.store().begin().await?;
        let mut recorded = Vec::with_capacity(intents.len());
        for intent in intents {
            if intent::insert(&mut db, self.session().id(), &intent).await? {
                recorded.push(intent);
            } else {
                answers.push((intent.booking, IntentOutcome::TakenOver));
            }
        }
        db.commit().await?;
        // If we stop here, then the next start puts the files in their places: they are whole.
        kill_point!("server.after-intent");
        let settled = self.settle(recorded).await?;
        answers.extend(settled.into_iter().map(|(intent, settled)| (intent.booking, settled)));
        Ok(answers)
    }

    /// Finishes an earlier upload of this session for the booking.
    async fn settle_upload(&self, id: &BookingId) -> Result<(), StoreError> {
        // Twice: placing a file may leave another to discard.
        for _ in 0..2 {
            let left = self.store().own_upload(self.session().id(), id).await?;
            self.settle(left.into_iter().collect()).await?;
        }
        Ok(())
    }

    /// Whether the booking has this very timesheet; an error if it may have no other.
    async fn is_kept_already(&self, known: &Booking, filename: &str, digest: &Digest) -> Result<bool, BookingError> {
        let Some(timesheet) = known.timesheet.clone() else { return Ok(false) };
        let is_same = timesheet.digest.algorithm() == digest.algorithm() && timesheet.digest == *digest;
        match known.state {
            ServerState::Created => Ok(false),
            ServerState::Uploaded => Ok(is_same && timesheet.filename == filename && self.is_whole(timesheet).await?),
            ServerState::SignedOff | ServerState::BackedUp if is_same => self.is_whole(timesheet).await,
            _ => Err(BookingError::Conflict(format!(
                "the timesheet of booking {} is signed off ({}, {}) and takes no other: create another booking for it",
                known.id,
                printable(&timesheet.filename, 60),
                timesheet.digest
            ))),
        }
    }

    /// Whether the file is there with its recorded bytes. An unreadable file counts as lost, unless the server can
    /// read none.
    async fn is_whole(&self, timesheet: Timesheet) -> Result<bool, BookingError> {
        let found = self.on_files(move |root| {
            let file = root.open_file(&timesheet.path)?;
            DiskResult::Ok(digest_of(file, timesheet.digest.algorithm())?.1 == timesheet.digest)
        });
        found.await.or_else(|error| error.trouble().map_or(Ok(false), |trouble| Err(BookingError::NoStorage(trouble))))
    }

    /// For each file its preferred path, numbered where another file or another booking's record has it.
    async fn free_paths(&self, preferences: Vec<(BookingId, RelativePath)>) -> Vec<DiskResult<RelativePath>> {
        let store = self.store().clone();
        let runtime = tokio::runtime::Handle::current();
        let found = self.on_files(move |root| {
            let mut taken = HashSet::new();
            let mut free = Vec::with_capacity(preferences.len());
            for (id, preferred) in &preferences {
                let path = first_free(preferred, |candidate| {
                    let is_free = !taken.contains(candidate) && root.entry(candidate)?.is_none();
                    let unrecorded = || runtime.block_on(is_unrecorded(&store, id, candidate));
                    Ok(is_free && unrecorded().map_err(|error| DiskError::other(Call::Read, error.to_string()))?)
                });
                taken.extend(path.as_ref().ok().cloned());
                free.push(path);
            }
            free
        });
        found.await
    }
}

/// Whether no other booking's file is recorded there or about to be.
async fn is_unrecorded(store: &Store, id: &BookingId, path: &RelativePath) -> Result<bool, StoreError> {
    let mut db = store.reader().await?;
    let other = booking::at_path(&mut db, path).await?.filter(|booking| booking.id != *id);
    Ok(other.is_none() && !intent::concerns(&mut db, path).await?)
}
