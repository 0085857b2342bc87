//! Moving marked bookings' files to `archived/<YYYY-MM>/`.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use strongroom_files::{Call, FileKind};
use strongroom_model::wire::{Answer, RefusalCause, ServerState};
use strongroom_model::{BookingId, Month};
use strongroom_service::kill_point;

use crate::answer::{already, busy, done, refused, refused_for};
use crate::archive::{self, NoArchive};
use crate::disk_error::{DiskError, Result as DiskResult};
use crate::documents::Documents;
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::settle::IntentOutcome;
use crate::store::booking::Booking;
use crate::store::intent::{self, Intent, Operation};
use crate::store::{StoreError, booking};

const MAX_NAMES: u32 = 10_000;

impl Documents {
    /// Moves the named bookings' files, each to `archived/<month>/` and its old path below that. Only marked ones
    /// (R5); a moved one stays where it is. On return the moves are durable and recorded.
    ///
    /// Spawn this if the caller may be cancelled: what it begins it must finish.
    pub(crate) async fn move_to_archived(&self, ids: &[String]) -> Result<Vec<Answer>, StoreError> {
        let _mover = self.moving().await;
        self.settle_left_over().await?;
        let named: Vec<BookingId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let bookings = self.store().bookings(&named).await?;
        let movable = named.iter().filter_map(|id| bookings.get(id)).filter(|b| b.state == ServerState::BackedUp);
        let intents = self.intend_moves(movable.cloned().collect(), self.this_month()).await?;
        // If we stop here, then the next start carries out the recorded moves.
        kill_point!("server.after-intent");
        let settled = self.settle(intents.recorded).await?;
        let mut moved: HashMap<_, _> =
            settled.into_iter().map(|(intent, settled)| (intent.booking.clone(), answer(&intent, &settled))).collect();
        moved.extend(intents.refused);
        let mut answers = Vec::with_capacity(ids.len());
        for id in ids {
            let parsed = id.parse::<BookingId>();
            answers.push(match &parsed {
                Err(error) => refused(id, error.to_string()),
                // A booking that is named twice was moved by the first.
                Ok(parsed) => match moved.remove(parsed) {
                    Some(answer) => answer,
                    None => self.unmoved(id, parsed, &bookings).await?,
                },
            });
        }
        Ok(answers)
    }

    /// Finishes the moves and purges of an earlier request of this session.
    pub(crate) async fn settle_left_over(&self) -> Result<(), StoreError> {
        let left = self.store().own_moves(self.session().id()).await?;
        self.settle(left).await?;
        Ok(())
    }

    /// Chooses a free place for each file, and records the intents.
    async fn intend_moves(&self, bookings: Vec<Booking>, month: Month) -> Result<Intended, StoreError> {
        if bookings.is_empty() {
            return Ok(Intended::default());
        }
        // Before any record: trouble with the folder concerns all files alike.
        if let Err(error) = self.on_files(move |root| archive::try_archive(root, month)).await {
            return Ok(Intended::none(bookings, &error));
        }
        let now = self.clock().now();
        let chosen = self.on_files(move |root| {
            let mut taken = HashSet::new();
            let mut seen = HashSet::new();
            let once = bookings.into_iter().filter(|booking| seen.insert(booking.id.clone())).collect::<Vec<_>>();
            once.into_iter()
                .filter_map(|booking| {
                    let timesheet = booking.timesheet?;
                    let to = free_place(root, month, &timesheet.path, &mut taken);
                    Some((booking.id, timesheet, to))
                })
                .collect::<Vec<_>>()
        });
        let mut intended = Intended::default();
        let chosen = chosen.await;
        let ids: Vec<BookingId> = chosen.iter().map(|(id, ..)| id.clone()).collect();
        let mut db = self.store().begin().await?;
        // Another server of this document root may have moved some in the meantime.
        let bookings = booking::get_all(&mut db, &ids).await?;
        for (id, timesheet, to) in chosen {
            let from = timesheet.path.clone();
            if !bookings.get(&id).is_some_and(|booking| booking.is_at(ServerState::BackedUp, &from)) {
                continue;
            }
            match to {
                Err(error) => {
                    let why = format!("its file cannot be moved: {error}");
                    let answer = match error.trouble() {
                        Some(trouble) => refused_for(id.as_str(), RefusalCause::Storage, trouble.message()),
                        None => refused(id.as_str(), why),
                    };
                    intended.refused.insert(id, answer);
                }
                Ok(to) => {
                    let intent = Intent {
                        booking: id,
                        from,
                        at: now,
                        file: Some(timesheet.fingerprint()),
                        operation: Operation::Move { to, month },
                    };
                    if intent::insert(&mut db, self.session().id(), &intent).await? {
                        intended.recorded.push(intent);
                    } else {
                        let answer = busy(intent.booking.as_str());
                        intended.refused.insert(intent.booking, answer);
                    }
                }
            }
        }
        db.commit().await?;
        Ok(intended)
    }

    /// The answer for a booking that was not moved now.
    async fn unmoved(
        &self,
        id: &str,
        parsed: &BookingId,
        before: &HashMap<BookingId, Booking>,
    ) -> Result<Answer, StoreError> {
        let known = match before.get(parsed) {
            Some(booking) if booking.state == ServerState::BackedUp => {
                booking::get(&mut self.store().reader().await?, parsed).await?
            }
            other => other.cloned(),
        };
        Ok(judge(id, known.as_ref()))
    }
}

#[derive(Default)]
struct Intended {
    recorded: Vec<Intent>,
    refused: HashMap<BookingId, Answer>,
}

impl Intended {
    fn none(bookings: Vec<Booking>, error: &NoArchive) -> Self {
        tracing::error!(%error, "no file can be archived");
        let why = error.to_string();
        let no = |id: BookingId| (id.clone(), refused_for(id.as_str(), RefusalCause::Storage, why.clone()));
        Self { refused: bookings.into_iter().map(|booking| no(booking.id)).collect(), ..Self::default() }
    }
}

fn judge(id: &str, known: Option<&Booking>) -> Answer {
    let Some(known) = known else { return refused(id, "there is no such booking") };
    match known.state {
        ServerState::Archived | ServerState::Purged => Answer {
            month: known.moved.as_ref().map(|moved| moved.month),
            path: known.timesheet.as_ref().map(|timesheet| timesheet.path.to_string()),
            ..already(id)
        },
        ServerState::BackedUp => {
            refused_for(id, RefusalCause::Busy, "another request is moving its file; retry in a moment")
        }
        ServerState::SignedOff => {
            refused(id, "no copy of it is proven: mark it first (POST /v1/marks), with the proof")
        }
        ServerState::Uploaded | ServerState::Created => {
            refused(id, "it is not signed off, so it is neither backed up nor archived")
        }
    }
}

fn answer(intent: &Intent, settled: &IntentOutcome) -> Answer {
    let id = intent.booking.as_str();
    let Operation::Move { to, month } = &intent.operation else { return refused(id, "its move was not requested") };
    match settled {
        IntentOutcome::Done => Answer { month: Some(*month), path: Some(to.to_string()), ..done(id) },
        IntentOutcome::Vanished => refused_for(
            id,
            RefusalCause::FileMissing,
            format!(
                "its file {} is gone from the server: find out who deleted it; the copy on the backup drive is proven, \
                 upload it again from there",
                intent.from
            ),
        ),
        IntentOutcome::Changed(why) => refused_for(
            id,
            RefusalCause::FileChanged,
            format!("it was changed after its digest was recorded, and was left where it is: {why}"),
        ),
        IntentOutcome::Occupied => {
            refused_for(id, RefusalCause::Busy, format!("another file has just taken {to}; retry"))
        }
        IntentOutcome::TakenOver => busy(id),
        IntentOutcome::NotDone(why) => {
            refused(id, format!("its file cannot be moved: {why}; look at it and at its folder, then retry"))
        }
        IntentOutcome::NoStorage(trouble) => refused_for(id, RefusalCause::Storage, trouble.message()),
        IntentOutcome::Unsure(why) => refused_for(
            id,
            RefusalCause::Storage,
            format!("its move was begun and is not certain to last: {why}; check the server's disk, then retry"),
        ),
    }
}

/// A free place below `archived/<month>/` that keeps the path. A part is numbered where its name is taken, or where a
/// file has a folder's name.
fn free_place(
    root: &DocumentRoot,
    month: Month,
    from: &RelativePath,
    taken: &mut HashSet<RelativePath>,
) -> DiskResult<RelativePath> {
    let bad = |error: crate::path::BadPath| DiskError::other(Call::Create, error.to_string());
    let mut place = archive::folder_of(month);
    let parts: Vec<&OsStr> = from.parts().collect();
    for (index, part) in parts.iter().enumerate() {
        let preferred = place.child(part).map_err(bad)?;
        let is_last = index + 1 == parts.len();
        place = first_free(&preferred, |candidate| {
            let entry = root.entry(candidate)?;
            Ok(match entry {
                None => !is_last || !taken.contains(candidate),
                Some(entry) => !is_last && entry.kind == FileKind::Folder,
            })
        })?;
    }
    taken.insert(place.clone());
    Ok(place)
}

/// The first of `a.pdf`, `a (2).pdf`, `a (3).pdf` … that is free.
pub(crate) fn first_free(
    preferred: &RelativePath,
    mut is_free: impl FnMut(&RelativePath) -> DiskResult<bool>,
) -> DiskResult<RelativePath> {
    for n in 1..=MAX_NAMES {
        let candidate = preferred.nth(n).map_err(|error| DiskError::other(Call::Create, error.to_string()))?;
        if is_free(&candidate)? {
            return Ok(candidate);
        }
    }
    Err(DiskError::other(Call::Create, format!("{preferred} and {MAX_NAMES} names like it are taken")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).unwrap()
    }

    #[test]
    fn a_taken_place_gets_a_number_wherever_it_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        let month: Month = "2026-11".parse().unwrap();
        std::fs::create_dir_all(dir.path().join("archived/2026-11/a")).unwrap();
        std::fs::write(dir.path().join("archived/2026-11/a/x.pdf"), "").unwrap();
        std::fs::write(dir.path().join("archived/2026-11/file"), "").unwrap();

        let mut taken = HashSet::new();
        let mut place = |from: &str| free_place(&root, month, &path(from), &mut taken).unwrap().to_string();
        assert_eq!(place("a/x.pdf"), "archived/2026-11/a/x (2).pdf");
        assert_eq!(place("a/x.pdf"), "archived/2026-11/a/x (3).pdf");
        assert_eq!(place("file/b.pdf"), "archived/2026-11/file (2)/b.pdf");
        assert_eq!(place("b/c"), "archived/2026-11/b/c");
    }
}
