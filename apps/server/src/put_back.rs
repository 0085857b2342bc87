//! Putting the file of an archived or purged booking back from a copy: where it was lost, where it rots, where a purge
//! deleted it.

use strongroom_model::wire::{Answer, RefusalCause, ServerState};
use strongroom_model::{BookingId, DriveId};
use strongroom_service::kill_point;

use crate::answer::{already, busy, done, refused, refused_for};
use crate::bytes::digest_of;
use crate::disk_error::{DiskError, Result as DiskResult};
use crate::documents::Documents;
use crate::incoming::Received;
use crate::path::RelativePath;
use crate::relocate::first_free;
use crate::root::DocumentRoot;
use crate::settle::IntentOutcome;
use crate::store::booking::{Booking, Timesheet};
use crate::store::intent::{self, Intent, Operation};
use crate::store::{StoreError, booking};
use crate::unchanged::{FileCheck, examine};

/// What a damaged file is called that another takes the place of.
const DAMAGED: &str = ".damaged";

/// Whether a booking's file is wanted.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// These bytes.
    Yes(Timesheet),
    No(Answer),
}

impl Documents {
    /// Looks before the bytes come, which may be many.
    pub(crate) async fn wants_back(&self, id: &BookingId) -> Result<Option<Wanted>, StoreError> {
        let Some(known) = self.store().booking(id).await? else { return Ok(None) };
        let Some(timesheet) = known.timesheet else {
            return Ok(Some(Wanted::No(not_archived(id))));
        };
        Ok(Some(match known.state {
            ServerState::Purged => Wanted::Yes(timesheet),
            ServerState::Archived => {
                let (path, expected) = (timesheet.path.clone(), timesheet.fingerprint());
                match self.on_files(move |root| examine(root, &path, &expected)).await {
                    Ok(FileCheck::Same(_)) => Wanted::No(Answer {
                        month: known.moved.map(|moved| moved.month),
                        path: Some(timesheet.path.to_string()),
                        ..already(id.as_str())
                    }),
                    Ok(_) => Wanted::Yes(timesheet),
                    Err(error) => match error.trouble() {
                        Some(trouble) => Wanted::No(refused_for(id.as_str(), RefusalCause::Storage, trouble.message())),
                        // A file that cannot be read is as good as lost.
                        None => Wanted::Yes(timesheet),
                    },
                }
            }
            _ => Wanted::No(not_archived(id)),
        }))
    }

    /// Puts a received file into the archive, at its old place if that is free. Only the recorded bytes are taken. On
    /// return the file is durable and recorded.
    ///
    /// Spawn this if the caller may be cancelled: what it begins it must finish.
    pub(crate) async fn put_back(
        &self,
        id: &BookingId,
        drive: Option<DriveId>,
        received: Received,
    ) -> Result<Answer, StoreError> {
        let _mover = self.moving().await;
        self.settle_left_over().await?;
        // Another request may have been faster.
        let timesheet = match self.wants_back(id).await? {
            Some(Wanted::Yes(timesheet)) => timesheet,
            Some(Wanted::No(answer)) => return Ok(answer),
            None => return Ok(refused_for(id.as_str(), RefusalCause::UnknownBooking, "there is no such booking")),
        };
        let from = received.temporary.path.clone();
        if let Some(answer) = self.differs(id, &timesheet, &received).await {
            return Ok(answer);
        }
        let expected = timesheet.fingerprint();
        let preferred = timesheet.path.clone();
        let place = self.on_files(move |root| free_place(root, &preferred)).await;
        let (to, replaces) = match place {
            Ok(place) => place,
            Err(error) => return Ok(not_done(id, &error)),
        };
        let operation = Operation::Restore { to, drive, replaces };
        let intent = Intent { booking: id.clone(), from, at: self.clock().now(), file: Some(expected), operation };
        let mut db = self.store().begin().await?;
        let known = booking::get(&mut db, id).await?;
        let is_same = known.as_ref().is_some_and(|known| is_put_back_to(known, &timesheet));
        if !is_same || !intent::insert(&mut db, self.session().id(), &intent).await? {
            return Ok(busy(id.as_str()));
        }
        db.commit().await?;
        // If we stop here, then the next start puts the file in its place: it is whole.
        kill_point!("server.after-intent");
        let settled = self.settle(vec![intent]).await?.pop();
        let month = known.and_then(|known| known.moved).map(|moved| moved.month);
        Ok(settled.map_or_else(|| busy(id.as_str()), |(intent, settled)| Answer { month, ..answer(&intent, settled) }))
    }

    /// The refusal of other bytes than the recorded ones.
    async fn differs(&self, id: &BookingId, timesheet: &Timesheet, received: &Received) -> Option<Answer> {
        let other = |what: String| {
            let why = format!("{what}: only the recorded bytes are taken; restore it from another drive");
            Some(refused_for(id.as_str(), RefusalCause::OtherDigest, why))
        };
        if received.size != timesheet.size {
            return other(format!("{} bytes came, not the recorded {}", received.size.0, timesheet.size.0));
        }
        let digest = if received.digest.algorithm() == timesheet.digest.algorithm() {
            Ok(received.digest.clone())
        } else {
            let (path, algorithm) = (received.temporary.path.clone(), timesheet.digest.algorithm());
            self.on_files(move |root| DiskResult::Ok(digest_of(root.open_file(&path)?, algorithm)?.1)).await
        };
        match digest {
            Ok(digest) if digest == timesheet.digest => None,
            Ok(digest) => other(format!("the bytes have the digest {digest}, not the recorded {}", timesheet.digest)),
            Err(error) => Some(not_done(id, &error)),
        }
    }
}

fn is_put_back_to(known: &Booking, timesheet: &Timesheet) -> bool {
    matches!(known.state, ServerState::Archived | ServerState::Purged) && known.timesheet.as_ref() == Some(timesheet)
}

/// The old place, and whether a damaged file is to be put aside there first; or the next free one, where the old one
/// was given to somebody else's file.
fn free_place(root: &DocumentRoot, preferred: &RelativePath) -> DiskResult<(RelativePath, bool)> {
    match root.entry(preferred)? {
        None => Ok((preferred.clone(), false)),
        Some(entry) if entry.is_plain() => Ok((preferred.clone(), true)),
        Some(_) => Ok((first_free(preferred, |candidate| Ok(root.entry(candidate)?.is_none()))?, false)),
    }
}

/// Puts the file at that place aside, beside it: it may hold what no copy has. If we stop after it, then the place is
/// free, as if the file was lost.
pub(crate) fn put_damaged_aside(root: &DocumentRoot, path: &RelativePath) -> DiskResult<()> {
    let mut name = path.name().to_owned();
    name.push(DAMAGED);
    // Too long a name gets a number instead.
    let named = path.parent().map_or_else(|| RelativePath::new(name.as_encoded_bytes()), |folder| folder.child(&name));
    let preferred = named.unwrap_or_else(|_| path.clone());
    let aside = first_free(&preferred, |candidate| Ok(root.entry(candidate)?.is_none()))?;
    root.rename(path, &aside)?;
    kill_point!("server.damaged-aside");
    tracing::error!(%path, %aside, "an archived file was damaged: it was put aside, and its copy takes its place");
    Ok(())
}

fn not_archived(id: &BookingId) -> Answer {
    let why = "its file is not archived: only an archived or purged file is put back";
    refused_for(id.as_str(), RefusalCause::NotArchived, why)
}

fn not_done(id: &BookingId, error: &DiskError) -> Answer {
    match error.trouble() {
        Some(trouble) => refused_for(id.as_str(), RefusalCause::Storage, trouble.message()),
        None => refused(id.as_str(), format!("its file cannot be put back: {error}; look at its folder, then retry")),
    }
}

fn answer(intent: &Intent, settled: IntentOutcome) -> Answer {
    let id = intent.booking.as_str();
    let Operation::Restore { to, .. } = &intent.operation else { return busy(id) };
    match settled {
        IntentOutcome::Done => Answer { path: Some(to.to_string()), ..done(id) },
        IntentOutcome::Occupied | IntentOutcome::TakenOver | IntentOutcome::Vanished => busy(id),
        IntentOutcome::NoStorage(trouble) => refused_for(id, RefusalCause::Storage, trouble.message()),
        IntentOutcome::Changed(why) | IntentOutcome::NotDone(why) => {
            refused(id, format!("its file cannot be put back: {why}; look at its folder, then retry"))
        }
        IntentOutcome::Unsure(why) => refused_for(
            id,
            RefusalCause::Storage,
            format!("it is not certain that the file is kept: {why}; check the server's disk, then retry"),
        ),
    }
}
