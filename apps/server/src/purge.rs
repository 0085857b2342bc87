//! Deleting archived files by an approved purge (R5).

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use strongroom_model::text::printable;
use strongroom_model::wire::{Answer, Mark, PurgeRequest, RefusalCause, ServerState};
use strongroom_model::{Actor, BookingId};
use strongroom_service::kill_point;

use crate::answer::{already, done, refused, refused_for};
use crate::deed::{Settled, settle};
use crate::documents::Documents;
use crate::path::RelativePath;
use crate::settings::Settings;
use crate::store::booking::{Booking, Timesheet};
use crate::store::intent::{self, Deed, Intent};
use crate::store::{StoreError, booking, purge};
use crate::unchanged::{Fingerprint, Found, Stamp, examine};

/// How far a proof's time may lie ahead of ours: clocks differ.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_hours(24);

/// A purge that is refused as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    #[error("{0}")]
    BadApproval(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Documents {
    /// Deletes the named bookings' archived files. On return the deletions are durable and
    /// recorded; the records stay.
    ///
    /// A caller that may be cancelled must spawn this: what it has begun it should finish.
    pub(crate) async fn purge(&self, request: &PurgeRequest, token: &str) -> Result<Vec<Answer>, PurgeError> {
        check_approval(request).map_err(PurgeError::BadApproval)?;
        let _mover = self.moving().await;
        self.settle_left_over().await?;
        let (intents, mut answers) = self.intend_purges(request, token).await?;
        // If we stop here, then the next start deletes what was approved to be deleted.
        kill_point!("server.after-intent");
        for (intent, settled) in settle(self.store(), self.root(), self.session().id(), intents).await? {
            let answer = answer(&intent, &settled);
            answers.insert(intent.booking.to_string(), answer);
        }
        let mut in_order = Vec::with_capacity(request.ids.len());
        for id in &request.ids {
            // A booking that is named twice was deleted by the first.
            in_order.push(answers.remove(id).unwrap_or_else(|| already(id)));
        }
        Ok(in_order)
    }

    /// Records the approval and what is about to happen.
    async fn intend_purges(
        &self,
        request: &PurgeRequest,
        token: &str,
    ) -> Result<(Vec<Intent>, HashMap<String, Answer>), PurgeError> {
        let now = self.clock().now();
        let (files, mut answers) = self.purgeable(request, now).await?;
        let mut db = self.store().begin().await?;
        let kept = purge::keep(&mut db, request, token, now).await?;
        if kept.proposed_by != request.proposed_by || kept.approved_by != request.approved_by {
            return Err(PurgeError::BadApproval(format!(
                "the purge {:?} was proposed and approved by others before: give this one an id of its own",
                printable(&request.purge, 60)
            )));
        }
        let mut intents = Vec::with_capacity(files.len());
        let ids: Vec<BookingId> = files.iter().map(|(id, ..)| id.clone()).collect();
        let bookings = booking::get_all(&mut db, &ids).await?;
        for (booking, from, file) in files {
            // Another server of this document root may have purged it since it was looked up,
            // and the path may be another booking's by now.
            if !bookings.get(&booking).is_some_and(|booking| booking.is_at(ServerState::Archived, &from)) {
                continue;
            }
            let deed = Deed::Purge { purge: request.purge.clone() };
            let intent = Intent { booking, from, at: now, file: Some(file), deed };
            if intent::insert(&mut db, self.session().id(), &intent).await? {
                intents.push(intent);
            } else {
                let why = "another process has its file in hand; ask again in a moment";
                let answer = refused_for(intent.booking.as_str(), RefusalCause::Busy, why);
                answers.insert(intent.booking.to_string(), answer);
            }
        }
        db.commit().await?;
        Ok((intents, answers))
    }

    /// The files that may be deleted, and the answers for the other bookings. Nobody else moves
    /// or deletes archived files meanwhile, so that this still holds when it is recorded.
    async fn purgeable(
        &self,
        request: &PurgeRequest,
        now: Timestamp,
    ) -> Result<(Vec<(BookingId, RelativePath, Fingerprint)>, HashMap<String, Answer>), StoreError> {
        let named: Vec<BookingId> = request.ids.iter().filter_map(|id| id.parse().ok()).collect();
        let bookings = self.store().bookings(&named).await?;
        let proofs = self.store().proofs(&named).await?;
        let (mut files, mut answers) = (Vec::new(), HashMap::new());
        let distinct: BTreeSet<&String> = request.ids.iter().collect();
        for id in distinct {
            let known = id.parse().ok().and_then(|id: BookingId| bookings.get(&id));
            let proofs = proofs.get(id).map_or(&[][..], Vec::as_slice);
            let judged = match judge(id, known, proofs, self.settings(), now) {
                Ok((booking, timesheet)) => match self.is_what_was_proven(timesheet.clone()).await {
                    Ok(file) => Ok((booking.clone(), timesheet.path.clone(), file)),
                    Err((cause, why)) => Err(refused_for(id, cause, why)),
                },
                Err(answer) => Err(answer),
            };
            match judged {
                Ok(file) => files.push(file),
                Err(answer) => drop(answers.insert(id.clone(), answer)),
            }
        }
        Ok((files, answers))
    }

    /// What the file that is to be deleted is, if it is the one whose copies are proven: it may
    /// have been replaced behind our back, and then it may be the only one of its kind. A file
    /// that is gone already is no loss.
    async fn is_what_was_proven(&self, timesheet: Timesheet) -> Result<Fingerprint, (RefusalCause, String)> {
        let path = timesheet.path.clone();
        // Read in any case: deleting is for good.
        let wanted = Fingerprint { stamp: None, ..timesheet.fingerprint() };
        let found = self.on_files(move |root| examine(root, &path, &wanted).map(|found| (found, wanted))).await;
        match found {
            Ok((Found::Nothing, wanted)) => Ok(wanted),
            Ok((Found::Same(seen), wanted)) => Ok(Fingerprint { stamp: Some(Stamp::of(&seen)), ..wanted }),
            Ok((Found::Changed(why), _)) => {
                Err((RefusalCause::FileChanged, changed(&format!("{} {why}", timesheet.path))))
            }
            Err(error) => Err((RefusalCause::Storage, format!("its file {} cannot be read: {error}", timesheet.path))),
        }
    }
}

/// What a person does about a file that was changed before it was to be deleted.
fn changed(why: &str) -> String {
    format!(
        "its file was changed after it was archived, and may be the only one of its kind: {why}. It was left where it \
         is: find out who changed it; move it elsewhere to keep it, and purge again"
    )
}

/// An approval is one by somebody else than who proposed it.
fn check_approval(request: &PurgeRequest) -> Result<(), String> {
    let person = |who: &str, what: &str| {
        let trimmed = who.trim();
        trimmed.parse::<Actor>().map(|_| trimmed.to_lowercase()).map_err(|error| format!("`{what}`: {error}"))
    };
    person(&request.purge, "purge")?;
    let (proposer, approver) =
        (person(&request.proposed_by, "proposed_by")?, person(&request.approved_by, "approved_by")?);
    if proposer == approver {
        let who = printable(&request.approved_by, 60);
        return Err(format!("{who:?} cannot approve a purge that they proposed: somebody else must"));
    }
    Ok(())
}

/// The file that may be deleted, and whose it is.
fn judge<'a>(
    id: &str,
    known: Option<&'a Booking>,
    proofs: &[Mark],
    settings: &Settings,
    now: Timestamp,
) -> Result<(&'a BookingId, &'a Timesheet), Answer> {
    let Some(known) = known else { return Err(refused(id, "there is no such booking")) };
    let timesheet = match (&known.state, &known.timesheet) {
        (ServerState::Archived, Some(timesheet)) => timesheet,
        (ServerState::Purged, _) => return Err(already(id)),
        (ServerState::BackedUp, _) => {
            return Err(refused(id, "its file is not archived: move it first (POST /v1/moves)"));
        }
        _ => return Err(refused(id, "no copy of it is proven: back it up first")),
    };
    let fresh = proofs.iter().filter(|mark| is_fresh(mark, settings.evidence_fresh_for, now)).count();
    let needed = usize::try_from(settings.proofs_needed_to_purge).unwrap_or(usize::MAX);
    if fresh < needed {
        return Err(refused(
            id,
            format!(
                "copies of it are proven on {fresh} drives within the last {} days, and {needed} are needed: \
                 copy it to another drive, or prove the copies anew",
                settings.evidence_fresh_for.as_hours() / 24
            ),
        ));
    }
    Ok((&known.id, timesheet))
}

fn is_fresh(mark: &Mark, fresh_for: SignedDuration, now: Timestamp) -> bool {
    let age = now.duration_since(mark.proven_at);
    age <= fresh_for && age >= -CLOCKS_DIFFER_BY
}

fn answer(intent: &Intent, settled: &Settled) -> Answer {
    let id = intent.booking.as_str();
    match settled {
        Settled::Done | Settled::Vanished => done(id),
        Settled::Taken | Settled::Elsewhere => {
            refused_for(id, RefusalCause::Busy, "another process has its file in hand; ask again in a moment")
        }
        Settled::Changed(why) => refused_for(id, RefusalCause::FileChanged, changed(why)),
        Settled::NotDone(why) => {
            refused(id, format!("its file cannot be deleted: {why}; check the document root's permissions"))
        }
        Settled::NoStorage(trouble) => refused_for(id, RefusalCause::Storage, trouble.words()),
        Settled::Unsure(why) => refused_for(
            id,
            RefusalCause::Storage,
            format!("its deletion could not be made durable: {why}; check the server's disk, then ask again"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::ReadBack;
    use strongroom_model::{Algorithm, ByteCount, Digest, DriveId, EventId};

    use super::*;

    const NOW: &str = "2026-11-20T12:00:00Z";

    fn booking(state: ServerState) -> Booking {
        let timesheet = Timesheet {
            filename: "a.pdf".into(),
            size: ByteCount(3),
            digest: Digest::of(Algorithm::Sha256, b"abc"),
            path: RelativePath::new("archived/2026-11/a.pdf").unwrap(),
            stamp: None,
        };
        let id = "B-1".parse().unwrap();
        Booking { id, state, timesheet: Some(timesheet), signed_off_at: None, moved: None, purge: None }
    }

    fn proof(proven_at: &str) -> Mark {
        Mark {
            id: "B-1".into(),
            digest: Digest::of(Algorithm::Sha256, b"abc").to_string(),
            drive: DriveId::random(),
            path: "p".into(),
            read_back: ReadBack::Direct,
            proven_at: proven_at.parse().unwrap(),
            event: EventId::new(Timestamp::UNIX_EPOCH),
        }
    }

    fn judged(state: ServerState, proofs: &[Mark]) -> Result<(), Answer> {
        judge(
            "B-1",
            Some(&booking(state)),
            proofs,
            &Settings::new("r", std::path::Path::new("d")),
            NOW.parse().unwrap(),
        )
        .map(|_| ())
    }

    #[test]
    fn r5_a_purge_needs_fresh_proofs_on_distinct_drives() {
        let (fresh, stale, ahead) =
            (proof("2026-11-01T00:00:00Z"), proof("2026-08-01T00:00:00Z"), proof("2027-01-01T00:00:00Z"));
        let archived = ServerState::Archived;
        assert!(judged(archived, &[fresh.clone(), proof("2026-10-01T00:00:00Z")]).is_ok());
        for proofs in [vec![], vec![fresh.clone()], vec![fresh.clone(), stale], vec![fresh, ahead]] {
            let answer = judged(archived, &proofs).unwrap_err();
            assert!(answer.reason.unwrap().contains("2 are needed"));
        }
    }

    #[test]
    fn r5_only_archived_files_are_purged() {
        let proofs = [proof("2026-11-01T00:00:00Z"), proof("2026-11-01T00:00:00Z")];
        for state in [ServerState::Created, ServerState::Uploaded, ServerState::SignedOff, ServerState::BackedUp] {
            let answer = judged(state, &proofs).unwrap_err();
            assert!(answer.reason.unwrap().contains("first"));
        }
        assert_eq!(judged(ServerState::Purged, &proofs).unwrap_err(), already("B-1"));
    }

    #[test]
    fn r5_nobody_approves_what_they_proposed() {
        let request = |proposed_by: &str, approved_by: &str| PurgeRequest {
            purge: "p-1".into(),
            proposed_by: proposed_by.into(),
            approved_by: approved_by.into(),
            ids: vec![],
        };
        assert!(check_approval(&request("anna", "ben")).is_ok());
        for (proposer, approver) in [("anna", "anna"), ("anna", " Anna "), ("", "ben"), ("anna", ""), ("a\nb", "c")] {
            assert!(check_approval(&request(proposer, approver)).is_err(), "{proposer:?} {approver:?}");
        }
        let nameless = PurgeRequest { purge: String::new(), ..request("anna", "ben") };
        assert!(check_approval(&nameless).unwrap_err().contains("`purge`"));
    }
}
