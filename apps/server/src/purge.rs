//! Deleting archived files by an approved purge (R5).

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use strongroom_model::event::ReadBack;
use strongroom_model::text::printable;
use strongroom_model::wire::{
    Answer, AnswerOutcome, Mark, PurgeApproval, PurgeInfo, PurgeProposal, RefusalCause, ServerState,
};
use strongroom_model::{BookingId, Digest, EventId};
use strongroom_service::kill_point;

use crate::answer::{already, busy, done, refused, refused_for};
use crate::bookings::Change;
use crate::documents::Documents;
use crate::path::RelativePath;
use crate::settings::Settings;
use crate::settle::IntentOutcome;
use crate::store::booking::{Booking, Timesheet};
use crate::store::intent::{self, Intent, Operation};
use crate::store::proof::RecordedProof;
use crate::store::purge::Proposal;
use crate::store::{StoreError, booking, purge};
use crate::token::Token;
use crate::unchanged::{FileCheck, Fingerprint, Stamp, examine};

/// How far a proof's time may be ahead: clocks differ.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_hours(24);

/// An old proposal was made about another state of things.
const APPROVABLE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

const MAX_NAME_CHARS: usize = 100;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    #[error("{0}")]
    BadProposal(String),
    #[error("{0}")]
    BadApproval(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Conflict(String),
    #[error("there is no purge {0:?}: propose it first (POST /v1/purges)")]
    Unknown(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a purge is judged by, besides each booking's record.
struct Terms<'a> {
    settings: &'a Settings,
    now: Timestamp,
    /// The proposer's and approver's tokens: marks with these prove nothing.
    involved: Vec<&'a str>,
}

impl Documents {
    /// Records a proposal to delete the named bookings' archived files. Nothing is deleted.
    pub(crate) async fn propose_purge(
        &self,
        request: &PurgeProposal,
        token: &Token,
    ) -> Result<(Change, PurgeInfo), PurgeError> {
        let bad = |why| PurgeError::BadProposal(why);
        if request.purge.parse::<BookingId>().is_err() {
            return Err(bad(
                "`purge` must be 1 to 128 letters, digits, dots, hyphens, underscores and tildes, starting with a letter \
                 or digit"
                    .to_owned(),
            ));
        }
        person(&request.proposed_by, "proposed_by").map_err(bad)?;
        let now = self.clock().now();
        let mut db = self.store().begin().await?;
        let kept = purge::propose(&mut db, request, token, now).await?;
        db.commit().await?;
        let (kept, is_new) = kept.ok_or_else(|| PurgeError::Unknown(request.purge.clone()))?;
        let is_same = kept.proposed_by == request.proposed_by && kept.token == token.id && kept.bookings == request.ids;
        if !is_same {
            return Err(PurgeError::Conflict(format!(
                "nothing was proposed: another purge has the id {:?}: give this one an id of its own",
                printable(&request.purge, 60)
            )));
        }
        let change = if is_new { Change::Done } else { Change::Already };
        Ok((change, self.purge_info(&request.purge).await?))
    }

    /// A proposal, and what its approval would refuse now.
    pub(crate) async fn purge_info(&self, id: &str) -> Result<PurgeInfo, PurgeError> {
        let known = self.store().purge(id).await?;
        let (proposal, approved_by) = known.ok_or_else(|| PurgeError::Unknown(printable(id, 60)))?;
        let terms = Terms { settings: self.settings(), now: self.clock().now(), involved: vec![&proposal.token] };
        let (_, mut refused) = self.purgeable(&proposal, &terms).await?;
        let mut in_order = Vec::new();
        for id in &proposal.bookings {
            in_order.extend(refused.remove(id).filter(|answer| answer.outcome == AnswerOutcome::Refused));
        }
        Ok(PurgeInfo {
            purge: proposal.id,
            proposed_by: proposal.proposed_by,
            proposed_at: proposal.proposed_at,
            approved_by,
            ids: proposal.bookings,
            refused: in_order,
        })
    }

    /// Approves a purge and deletes its bookings' archived files. On return the deletions are durable and recorded;
    /// the records stay.
    ///
    /// Spawn this if the caller may be cancelled: what it begins it must finish.
    pub(crate) async fn approve_purge(
        &self,
        id: &str,
        request: &PurgeApproval,
        token: &Token,
    ) -> Result<Vec<Answer>, PurgeError> {
        let known = self.store().purge(id).await?;
        let (proposal, _) = known.ok_or_else(|| PurgeError::Unknown(printable(id, 60)))?;
        check_approval(&proposal, &request.approved_by, token, self.clock().now())?;
        let _mover = self.moving().await;
        self.settle_left_over().await?;
        let (intents, mut answers) = self.intend_purges(&proposal, &request.approved_by, token).await?;
        // If we stop here, then the next start carries out the approved deletions.
        kill_point!("server.after-intent");
        for (intent, settled) in self.settle(intents).await? {
            let answer = answer(&intent, &settled);
            answers.insert(intent.booking.to_string(), answer);
        }
        let mut in_order = Vec::with_capacity(proposal.bookings.len());
        for id in &proposal.bookings {
            // A booking that is named twice was deleted by the first.
            in_order.push(answers.remove(id).unwrap_or_else(|| already(id)));
        }
        Ok(in_order)
    }

    async fn intend_purges(
        &self,
        proposal: &Proposal,
        approved_by: &str,
        token: &Token,
    ) -> Result<(Vec<Intent>, HashMap<String, Answer>), PurgeError> {
        let now = self.clock().now();
        let terms = Terms { settings: self.settings(), now, involved: vec![&proposal.token, &token.id] };
        let (files, mut answers) = self.purgeable(proposal, &terms).await?;
        let mut db = self.store().begin().await?;
        let first = purge::approve(&mut db, proposal, approved_by, token, now).await?;
        if let Some(first) = first.filter(|first| first != approved_by) {
            let why = format!("it was approved by {:?} before", printable(&first, 60));
            return Err(PurgeError::Conflict(format!("nothing was purged: {why}")));
        }
        let mut intents = Vec::with_capacity(files.len());
        let ids: Vec<BookingId> = files.iter().map(|(id, ..)| id.clone()).collect();
        let bookings = booking::get_all(&mut db, &ids).await?;
        for (booking, from, file) in files {
            // Another server of this document root may have purged it in the meantime, and the path may be another
            // booking's.
            if !bookings.get(&booking).is_some_and(|booking| booking.is_at(ServerState::Archived, &from)) {
                continue;
            }
            let operation = Operation::Purge { purge: proposal.id.clone() };
            let intent = Intent { booking, from, at: now, file: Some(file), operation };
            if intent::insert(&mut db, self.session().id(), &intent).await? {
                intents.push(intent);
            } else {
                answers.insert(intent.booking.to_string(), busy(intent.booking.as_str()));
            }
        }
        db.commit().await?;
        Ok((intents, answers))
    }

    /// The files to delete, and the other bookings' answers. Under the move lock this still holds when it is
    /// recorded.
    async fn purgeable(
        &self,
        proposal: &Proposal,
        terms: &Terms<'_>,
    ) -> Result<(Vec<(BookingId, RelativePath, Fingerprint)>, HashMap<String, Answer>), StoreError> {
        let named: Vec<BookingId> = proposal.bookings.iter().filter_map(|id| id.parse().ok()).collect();
        let bookings = self.store().bookings(&named).await?;
        let proofs = self.store().proofs(&named).await?;
        let (mut files, mut answers) = (Vec::new(), HashMap::new());
        let distinct: BTreeSet<&String> = proposal.bookings.iter().collect();
        for id in distinct {
            let known = id.parse().ok().and_then(|id: BookingId| bookings.get(&id));
            let proofs = proofs.get(id).map_or(&[][..], Vec::as_slice);
            let judged = match judge(id, known, proofs, terms) {
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

    /// The file's fingerprint, if its copies are proven. A file that was replaced may be the only one of its kind;
    /// one that is gone already is not a loss.
    async fn is_what_was_proven(&self, timesheet: Timesheet) -> Result<Fingerprint, (RefusalCause, String)> {
        let path = timesheet.path.clone();
        // Read in any case: deletion is final.
        let expected = Fingerprint { stamp: None, ..timesheet.fingerprint() };
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

fn changed(why: &str) -> String {
    format!(
        "its file was changed after it was archived, and may be the only one of its kind: {why}. It was left where it \
         is: find out who changed it; move it elsewhere to keep it, and purge again"
    )
}

/// Requires another person, another token, and a proposal that is not too old.
fn check_approval(proposal: &Proposal, approved_by: &str, token: &Token, now: Timestamp) -> Result<(), PurgeError> {
    let approver = person(approved_by, "approved_by").map_err(PurgeError::BadApproval)?;
    let proposers = [folded(&proposal.proposed_by), folded(&proposal.token_name)];
    if proposal.token == token.id {
        return Err(PurgeError::NotAllowed(format!(
            "the token {} ({}) proposed it, so it cannot approve it: somebody else must, with a token of their own",
            token.id, token.name
        )));
    }
    if proposers.contains(&approver) || proposers.contains(&folded(&token.name)) {
        let who = printable(approved_by, 60);
        let why = format!("{who:?} cannot approve a purge that they proposed: somebody else must");
        return Err(PurgeError::NotAllowed(why));
    }
    let age = now.duration_since(proposal.proposed_at);
    if age < -CLOCKS_DIFFER_BY {
        return Err(PurgeError::Conflict(
            "nothing was purged: it was proposed at a time that has not come, so that nobody knows how old it is: see \
             that the clock is right, and propose it anew under another id"
                .to_owned(),
        ));
    }
    if age > APPROVABLE_FOR {
        return Err(PurgeError::Conflict(format!(
            "nothing was purged: it was proposed more than {} days ago: propose it anew under another id",
            APPROVABLE_FOR.as_hours() / 24
        )));
    }
    Ok(())
}

/// A person's name, normalised for comparison.
fn person(who: &str, what: &str) -> Result<String, String> {
    let is_good = (1..=MAX_NAME_CHARS).contains(&who.chars().count())
        && !who.chars().any(char::is_control)
        && !who.starts_with(char::is_whitespace);
    if is_good {
        return Ok(folded(who));
    }
    Err(format!(
        "`{what}` must be a name of 1 to {MAX_NAME_CHARS} characters, without control characters and without a space at \
         its beginning"
    ))
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The file to delete, and its owner.
fn judge<'a>(
    id: &str,
    known: Option<&'a Booking>,
    proofs: &[RecordedProof],
    terms: &Terms<'_>,
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
    let counted = evidence(proofs, timesheet, terms);
    let needed = usize::try_from(terms.settings.proofs_needed_to_purge).unwrap_or(usize::MAX);
    if counted < needed {
        return Err(refused(
            id,
            format!(
                "copies of it are proven on {counted} drives, and {needed} are needed; a proof counts that is {} days old \
                 at most, was read back from the device and not from a cache, and was reported by another token than the \
                 purge's own: copy it to another drive, or prove the copies anew",
                terms.settings.evidence_fresh_for.as_hours() / 24
            ),
        ));
    }
    Ok((&known.id, timesheet))
}

/// On how many drives it is proven. Each drive has one proof; one event proves one copy.
fn evidence(proofs: &[RecordedProof], timesheet: &Timesheet, terms: &Terms<'_>) -> usize {
    let counts = |proof: &&RecordedProof| {
        let by_another = proof.token.as_deref().is_some_and(|token| !terms.involved.contains(&token));
        let of_it = proof.mark.digest.parse::<Digest>().is_ok_and(|digest| digest == timesheet.digest);
        let from_device = proof.mark.read_back != ReadBack::Cached;
        by_another && of_it && from_device && is_fresh(&proof.mark, terms.settings.evidence_fresh_for, terms.now)
    };
    let events: BTreeSet<EventId> = proofs.iter().filter(counts).map(|proof| proof.mark.event).collect();
    events.len()
}

fn is_fresh(mark: &Mark, fresh_for: SignedDuration, now: Timestamp) -> bool {
    let age = now.duration_since(mark.proven_at);
    age <= fresh_for && age >= -CLOCKS_DIFFER_BY
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

#[cfg(test)]
mod tests {
    use strongroom_model::{Algorithm, ByteCount, DriveId};

    use super::*;
    use crate::token::{Scope, Scopes};

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

    fn proof(proven_at: &str) -> RecordedProof {
        let mark = Mark {
            id: "B-1".into(),
            digest: Digest::of(Algorithm::Sha256, b"abc").to_string(),
            drive: DriveId::random(),
            path: "p".into(),
            read_back: ReadBack::Direct,
            proven_at: proven_at.parse().unwrap(),
            event: EventId::new(Timestamp::UNIX_EPOCH),
        };
        RecordedProof { mark, token: Some("pipeline".into()) }
    }

    fn judged(state: ServerState, proofs: &[RecordedProof]) -> Result<(), Answer> {
        let settings = Settings::new("r", std::path::PathBuf::from("d"));
        let terms = Terms { settings: &settings, now: NOW.parse().unwrap(), involved: vec!["proposer", "approver"] };
        judge("B-1", Some(&booking(state)), proofs, &terms).map(|_| ())
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
    fn r5_only_proofs_from_the_device_of_these_bytes_by_another_token_count_and_each_event_once() {
        let good = proof("2026-11-01T00:00:00Z");
        let with = |change: &dyn Fn(&mut RecordedProof)| {
            let mut changed = proof("2026-11-01T00:00:00Z");
            change(&mut changed);
            changed
        };
        let cached = with(&|proof| proof.mark.read_back = ReadBack::Cached);
        let other_bytes = with(&|proof| proof.mark.digest = Digest::of(Algorithm::Sha256, b"abd").to_string());
        let proposers = with(&|proof| proof.token = Some("proposer".into()));
        let approvers = with(&|proof| proof.token = Some("approver".into()));
        let nobodys = with(&|proof| proof.token = None);
        let same_event = with(&|proof| proof.mark.event = good.mark.event);
        for weak in [cached, other_bytes, proposers, approvers, nobodys, same_event] {
            let answer = judged(ServerState::Archived, &[good.clone(), weak.clone()]).unwrap_err();
            assert!(answer.reason.unwrap().contains("on 1 drives, and 2 are needed"), "{weak:?}");
        }
        let dropped = with(&|proof| proof.mark.read_back = ReadBack::CacheDropped);
        assert!(judged(ServerState::Archived, &[good, dropped]).is_ok());
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
        let token = |id: &str, name: &str| Token {
            id: id.into(),
            name: name.into(),
            scopes: Scopes::new(&[Scope::Admin]),
            created_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
        };
        let proposal = Proposal {
            id: "p-1".into(),
            proposed_by: "anna".into(),
            token: "t-1".into(),
            token_name: "Anna's laptop".into(),
            proposed_at: NOW.parse().unwrap(),
            bookings: vec![],
        };
        let now = NOW.parse().unwrap();
        assert!(check_approval(&proposal, "ben", &token("t-2", "ben"), now).is_ok());
        for (approver, id, name) in [
            ("anna", "t-2", "ben"),
            (" Anna ", "t-2", "ben"),
            ("Anna ", "t-2", "ben"),
            ("", "t-2", "ben"),
            ("a\nb", "t-2", "ben"),
            ("ben", "t-1", "ben"),
            ("ben", "t-2", "anna's LAPTOP"),
            ("ben", "t-2", "ANNA"),
            ("anna's laptop", "t-2", "ben"),
        ] {
            assert!(check_approval(&proposal, approver, &token(id, name), now).is_err(), "{approver:?} {id} {name}");
        }
        let before = now - SignedDuration::from_hours(31 * 24);
        let why = check_approval(&proposal, "ben", &token("t-2", "ben"), before).unwrap_err();
        assert!(
            why.to_string().contains("a time that has not come"),
            "it would stay approvable until long after: {why}"
        );
        let late = now + SignedDuration::from_hours(31 * 24);
        let why = check_approval(&proposal, "ben", &token("t-2", "ben"), late).unwrap_err();
        assert!(why.to_string().contains("propose it anew"), "{why}");
    }
}
