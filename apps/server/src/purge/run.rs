//! Deleting the files of an approved purge.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use strongroom_model::BookingId;
use strongroom_model::text::printable;
use strongroom_model::wire::{Answer, RefusalCause, ServerState};
use strongroom_service::kill_point;

use super::judge::Terms;
use super::{APPROVAL_VALID_FOR, CLOCKS_DIFFER_BY, PurgeError};
use crate::answer::{already, busy, done, refused, refused_for};
use crate::documents::Documents;
use crate::path::RelativePath;
use crate::settle::IntentOutcome;
use crate::store::booking::{Booking, Timesheet};
use crate::store::intent::{self, Intent, Operation};
use crate::store::proof::{self, RecordedProof};
use crate::store::purge::Purge;
use crate::store::{StoreError, booking, purge};
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

/// How long a request may read files: the rest of it is answered `busy`, before the client gives up.
const READING_TIME: Duration = Duration::from_secs(45);

/// What was found for some of a purge's bookings.
pub(super) struct Examined {
    pub(super) bookings: HashMap<BookingId, Booking>,
    pub(super) proofs: HashMap<String, Vec<RecordedProof>>,
    /// The files that may be deleted.
    files: Vec<(BookingId, RelativePath, Fingerprint)>,
    /// The answers for the others.
    pub(super) answers: HashMap<String, Answer>,
}

impl Documents {
    /// Deletes the files of the named bookings, as far as people agreed on it and their copies are proven now. On
    /// return the deletions are durable and recorded; the records stay.
    ///
    /// Spawn this if the caller may be cancelled: what it begins it must finish.
    pub(crate) async fn run_purge(&self, id: &str, ids: &[String]) -> Result<Vec<Answer>, PurgeError> {
        let unknown = || PurgeError::Unknown(printable(id, 60));
        self.store().purge(id).await?.ok_or_else(unknown)?;
        let _mover = self.moving().await;
        self.settle_left_over().await?;
        // Under the lock: an earlier request may have taken long.
        let known = self.store().purge(id).await?.ok_or_else(unknown)?;
        let now = self.clock().now();
        if let Err((cause, why)) = check_agreement(&known, now) {
            return Ok(ids.iter().map(|id| refused_for(id, cause, why.clone())).collect());
        }
        let named: HashSet<String> = self.store().purge_bookings(id).await?.into_iter().collect();
        let agreed: Vec<String> = ids.iter().filter(|id| named.contains(*id)).cloned().collect();
        let terms = Terms::new(self, &known, now).await?;
        let mut examined = self.examine_purge(&agreed, &terms, true).await?;
        let intents = self.intend_purges(&known, &terms, &mut examined).await?;
        // If we stop here, then the next start carries out the agreed deletions.
        kill_point!("server.after-intent");
        let mut answers = examined.answers;
        for (intent, settled) in self.settle(intents).await? {
            let answer = answer(&intent, &settled);
            answers.insert(intent.booking.to_string(), answer);
        }
        let in_order = ids.iter().map(|id| match answers.remove(id) {
            Some(answer) => answer,
            // A booking that is named twice was deleted by the first.
            None if named.contains(id) => already(id),
            None => {
                let why = "this purge does not name it: propose another purge for it";
                refused_for(id, RefusalCause::NotInProposal, why)
            }
        });
        Ok(in_order.collect())
    }

    async fn intend_purges(
        &self,
        purge: &Purge,
        terms: &Terms,
        examined: &mut Examined,
    ) -> Result<Vec<Intent>, StoreError> {
        let files = std::mem::take(&mut examined.files);
        let ids: Vec<BookingId> = files.iter().map(|(id, ..)| id.clone()).collect();
        let mut db = self.store().begin().await?;
        // What may have changed while the files were read, and cannot any more.
        let now = self.clock().now();
        let agreement = purge::get(&mut db, &purge.id).await?.map(|purge| check_agreement(&purge, now));
        let bookings = booking::get_all(&mut db, &ids).await?;
        let proofs = proof::get_all(&mut db, &ids).await?;
        let mut intents = Vec::with_capacity(files.len());
        for (booking, from, file) in files {
            let id = booking.to_string();
            if let Some(Err((cause, why))) = &agreement {
                examined.answers.insert(id.clone(), refused_for(&id, *cause, why.clone()));
                continue;
            }
            // Another server of this document root may have purged it, and the path may be another booking's.
            let known = bookings.get(&booking).filter(|known| known.is_at(ServerState::Archived, &from));
            let Some(known) = known else {
                examined.answers.insert(id.clone(), busy(&id));
                continue;
            };
            let proofs = proofs.get(&id).map_or(&[][..], Vec::as_slice);
            if let Err(answer) = terms.judge(&id, Some(known), proofs, &[]) {
                examined.answers.insert(id, answer);
                continue;
            }
            let operation = Operation::Purge { purge: purge.id.clone() };
            let intent = Intent { booking, from, at: now, file: Some(file), operation };
            if intent::insert(&mut db, self.session().id(), &intent).await? {
                intents.push(intent);
            } else {
                examined.answers.insert(id.clone(), busy(&id));
            }
        }
        db.commit().await?;
        Ok(intents)
    }

    /// Judges bookings. Under the move lock, what may be deleted stays so until it is recorded. `whole`: reads every
    /// file to its end, since deletion is final.
    pub(super) async fn examine_purge(
        &self,
        ids: &[String],
        terms: &Terms,
        whole: bool,
    ) -> Result<Examined, StoreError> {
        let named: Vec<BookingId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        let bookings = self.store().bookings(&named).await?;
        let proofs = self.store().proofs(&named).await?;
        let deletions = self.store().deletions(&named).await?;
        let mut examined = Examined { bookings, proofs, files: Vec::new(), answers: HashMap::new() };
        let began = tokio::time::Instant::now();
        let distinct: BTreeSet<&String> = ids.iter().collect();
        for id in distinct {
            let known = id.parse().ok().and_then(|id: BookingId| examined.bookings.get(&id));
            let proofs = examined.proofs.get(id).map_or(&[][..], Vec::as_slice);
            let deletions = deletions.get(id).map_or(&[][..], Vec::as_slice);
            let judged = match terms.judge(id, known, proofs, deletions) {
                Ok(_) if whole && began.elapsed() > READING_TIME => Err(busy(id)),
                Ok((booking, timesheet)) => match self.is_what_was_proven(timesheet.clone(), whole).await {
                    Ok(file) => Ok((booking.clone(), timesheet.path.clone(), file)),
                    Err((cause, why)) => Err(refused_for(id, cause, why)),
                },
                Err(answer) => Err(answer),
            };
            match judged {
                Ok(file) => examined.files.push(file),
                Err(answer) => drop(examined.answers.insert(id.clone(), answer)),
            }
        }
        Ok(examined)
    }

    /// The file's fingerprint, if its copies are proven. A file that was replaced may be the only one of its kind;
    /// one that is gone already is not a loss.
    async fn is_what_was_proven(
        &self,
        timesheet: Timesheet,
        whole: bool,
    ) -> Result<Fingerprint, (RefusalCause, String)> {
        let path = timesheet.path.clone();
        let stamp = timesheet.stamp.clone().filter(|_| !whole);
        let expected = Fingerprint { stamp, ..timesheet.fingerprint() };
        let found = self.on_files(move |root| examine(root, &path, &expected).map(|found| (found, expected))).await;
        match found {
            Ok((FileCheck::Nothing, expected)) => Ok(expected),
            Ok((FileCheck::Same(seen), expected)) => Ok(Fingerprint { stamp: Some(Stamp::of(&seen)), ..expected }),
            Ok((FileCheck::Changed(why), _)) => {
                Err((RefusalCause::FileChanged, changed(&format!("{} {why}", timesheet.path))))
            }
            Err(error) => {
                let unreadable = || format!("its file {} cannot be read: {error}", timesheet.path);
                let why = error.trouble().map_or_else(unreadable, |trouble| trouble.message().to_owned());
                Err((RefusalCause::Storage, why))
            }
        }
    }
}

/// Whether people agreed on it, and it is not too long ago.
fn check_agreement(purge: &Purge, now: Timestamp) -> Result<(), (RefusalCause, String)> {
    if let Some(refusal) = &purge.refusal {
        let who = printable(&refusal.by, 60);
        let why = format!("{who:?} refused the purge: propose another under an id of its own");
        return Err((RefusalCause::PurgeRefused, why));
    }
    let Some(approval) = &purge.approval else {
        let why = "nobody has approved the purge: another person than its proposer must (`strongroom purge approve`)";
        return Err((RefusalCause::NotApproved, why.to_owned()));
    };
    let age = now.duration_since(approval.at);
    if age > APPROVAL_VALID_FOR || age < -CLOCKS_DIFFER_BY {
        let why = format!(
            "it was approved at {}, and an approval is valid for {} days from then: propose it anew under another id",
            approval.at,
            APPROVAL_VALID_FOR.as_hours() / 24
        );
        return Err((RefusalCause::ApprovalExpired, why));
    }
    Ok(())
}

fn changed(why: &str) -> String {
    format!(
        "its file was changed after it was archived, and may be the only one of its kind: {why}. It was left where it \
         is: find out who changed it; move it elsewhere to keep it, and purge again"
    )
}

fn answer(intent: &Intent, settled: &IntentOutcome) -> Answer {
    let id = intent.booking.as_str();
    match settled {
        IntentOutcome::Done | IntentOutcome::Vanished => done(id),
        IntentOutcome::Occupied | IntentOutcome::TakenOver => busy(id),
        IntentOutcome::Changed(why) => refused_for(id, RefusalCause::FileChanged, changed(why)),
        IntentOutcome::NotDone(why) => {
            refused(id, format!("its file cannot be deleted: {why}; look at it and at its folder, then retry"))
        }
        IntentOutcome::NoStorage(trouble) => refused_for(id, RefusalCause::Storage, trouble.message()),
        IntentOutcome::Unsure(why) => refused_for(
            id,
            RefusalCause::Storage,
            format!("its deletion is not certain to last: {why}; check the server's disk, then retry"),
        ),
    }
}
