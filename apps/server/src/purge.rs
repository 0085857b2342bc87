//! Purges: people propose, approve or refuse them; `run` deletes what they agreed on (R5).

mod judge;
mod run;

use jiff::{SignedDuration, Timestamp};
use strongroom_model::BookingId;
use strongroom_model::text::printable;
use strongroom_model::wire::{
    AnswerOutcome, PurgeApproval, PurgeInfo, PurgeItem, PurgePage, PurgeProposal, PurgeRefusal, PurgeSummary,
};

use self::judge::Terms;
use crate::bookings::Change;
use crate::documents::Documents;
use crate::store::purge::{self, Purge};
use crate::store::{Connection, StoreError};
use crate::token::Token;

/// How far a recorded time may be ahead: clocks differ.
const CLOCKS_DIFFER_BY: SignedDuration = SignedDuration::from_hours(24);

/// An old proposal was made about another state of things.
const APPROVABLE_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

/// An old approval was given for another state of things.
const APPROVAL_VALID_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);

const MAX_NAME_CHARS: usize = 100;
const MAX_REASON_CHARS: usize = 500;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    #[error("{0}")]
    BadProposal(String),
    #[error("{0}")]
    BadApproval(String),
    #[error("{0}")]
    BadRefusal(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Conflict(String),
    #[error("there is no purge {0:?}: propose it first (POST /v1/purges)")]
    Unknown(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Documents {
    /// Records a proposal to delete the named bookings' archived files. Nothing is deleted.
    pub(crate) async fn propose_purge(
        &self,
        request: &PurgeProposal,
        token: &Token,
    ) -> Result<(Change, PurgeSummary), PurgeError> {
        let bad = |why| PurgeError::BadProposal(why);
        if request.purge.parse::<BookingId>().is_err() {
            return Err(bad(
                "`purge` must be 1 to 128 letters, digits, dots, hyphens, underscores and tildes, starting with a letter \
                 or digit"
                    .to_owned(),
            ));
        }
        person(&request.proposed_by, "proposed_by").map_err(bad)?;
        request.reason.as_deref().map_or(Ok(()), |reason| check_reason(reason).map_err(bad))?;
        let mut db = self.store().begin().await?;
        let kept = purge::propose(&mut db, request, token, self.clock().now()).await?;
        let bookings = purge::bookings(&mut db, &request.purge).await?;
        db.commit().await?;
        let (kept, is_new) = kept.ok_or_else(|| PurgeError::Unknown(request.purge.clone()))?;
        let is_same = kept.proposed_by == request.proposed_by && kept.token == token.id && bookings == request.ids;
        if !is_same {
            return Err(PurgeError::Conflict(format!(
                "nothing was proposed: another purge has the id {:?}: give this one an id of its own",
                printable(&request.purge, 60)
            )));
        }
        let change = if is_new { Change::Done } else { Change::Already };
        Ok((change, kept.summary(APPROVAL_VALID_FOR)))
    }

    /// Records an approval, by another person with another token. Nothing is deleted.
    pub(crate) async fn approve_purge(
        &self,
        id: &str,
        request: &PurgeApproval,
        token: &Token,
    ) -> Result<(Change, PurgeSummary), PurgeError> {
        let now = self.clock().now();
        let mut db = self.store().begin().await?;
        let known = known(&mut db, id).await?;
        check_approval(&known, &request.approved_by, token, now)?;
        if let Some(refusal) = &known.refusal {
            return Err(PurgeError::Conflict(format!(
                "nothing was approved: {:?} refused it at {}: propose it anew under another id",
                printable(&refusal.by, 60),
                refusal.at
            )));
        }
        let change = match &known.approval {
            None => {
                purge::approve(&mut db, &known, &request.approved_by, token, now).await?;
                Change::Done
            }
            Some(first) if first.by == request.approved_by && first.token == token.id => Change::Already,
            Some(first) => {
                let why = format!("it was approved by {:?} before", printable(&first.by, 60));
                return Err(PurgeError::Conflict(format!("nothing was approved: {why}")));
            }
        };
        let approved = self::known(&mut db, id).await?;
        db.commit().await?;
        Ok((change, approved.summary(APPROVAL_VALID_FOR)))
    }

    /// Records a refusal: the purge deletes nothing from then on, approved or not.
    pub(crate) async fn refuse_purge(
        &self,
        id: &str,
        request: &PurgeRefusal,
        token: &Token,
    ) -> Result<(Change, PurgeSummary), PurgeError> {
        let bad = |why| PurgeError::BadRefusal(why);
        person(&request.refused_by, "refused_by").map_err(bad)?;
        check_reason(&request.reason).map_err(bad)?;
        let mut db = self.store().begin().await?;
        let change = match known(&mut db, id).await?.refusal {
            Some(_) => Change::Already,
            None => {
                let now = self.clock().now();
                purge::refuse(&mut db, id, &request.refused_by, &request.reason, token, now).await?;
                Change::Done
            }
        };
        let refused = known(&mut db, id).await?;
        db.commit().await?;
        Ok((change, refused.summary(APPROVAL_VALID_FOR)))
    }

    /// The newest purges after the page before's cursor.
    pub(crate) async fn purges(&self, limit: u32, after: Option<(Timestamp, &str)>) -> Result<PurgePage, StoreError> {
        // One more than requested shows whether there is another page.
        let mut found = self.store().purges(after, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more);
        let next = next.map(|last| format!("{}~{}", last.proposed_at.as_microsecond(), last.id));
        Ok(PurgePage { purges: found.into_iter().map(|purge| purge.summary(APPROVAL_VALID_FOR)).collect(), next })
    }

    /// A purge with some of its bookings, each with its evidence and what a run would answer now.
    pub(crate) async fn purge_info(&self, id: &str, first: usize, limit: usize) -> Result<PurgeInfo, PurgeError> {
        let unknown = || PurgeError::Unknown(printable(id, 60));
        let known = self.store().purge(id).await?.ok_or_else(unknown)?;
        let ids = self.store().purge_bookings(id).await?;
        let page: Vec<String> = ids.iter().skip(first).take(limit).cloned().collect();
        let next = first.saturating_add(page.len());
        let next = (next < ids.len() && !page.is_empty()).then(|| next.to_string());
        let terms = Terms::new(self, &known, self.clock().now()).await?;
        let found = self.examine_purge(&page, &terms, false).await?;
        let items = page.into_iter().map(|id| {
            let booking = id.parse().ok().and_then(|id: BookingId| found.bookings.get(&id));
            let timesheet = booking.and_then(|booking| booking.timesheet.as_ref());
            let proofs = found.proofs.get(&id).map_or(&[][..], Vec::as_slice);
            let evidence = timesheet.map(|timesheet| terms.evidence(proofs, timesheet)).unwrap_or_default();
            let answer = found.answers.get(&id).cloned();
            PurgeItem {
                state: booking.map(|booking| booking.state),
                filename: timesheet.map(|timesheet| timesheet.filename.clone()),
                size_bytes: timesheet.map(|timesheet| timesheet.size.0),
                digest: timesheet.map(|timesheet| timesheet.digest.to_string()),
                evidence,
                answer: answer.filter(|answer| answer.outcome == AnswerOutcome::Refused),
                id: printable(&id, MAX_ID_CHARS),
            }
        });
        let settings = self.settings();
        Ok(PurgeInfo {
            items: items.collect(),
            next,
            summary: known.summary(APPROVAL_VALID_FOR),
            proofs_needed: Some(settings.proofs_needed_to_purge),
            fresh_for_s: u64::try_from(settings.evidence_fresh_for.as_secs()).ok(),
        })
    }
}

/// As in answers.
const MAX_ID_CHARS: usize = 128;

async fn known(db: &mut Connection, id: &str) -> Result<Purge, PurgeError> {
    purge::get(db, id).await?.ok_or_else(|| PurgeError::Unknown(printable(id, 60)))
}

/// Requires another person, another token, and a proposal that is not too old.
fn check_approval(purge: &Purge, approved_by: &str, token: &Token, now: Timestamp) -> Result<(), PurgeError> {
    let approver = person(approved_by, "approved_by").map_err(PurgeError::BadApproval)?;
    let proposers = [folded(&purge.proposed_by), folded(&purge.token_name)];
    if purge.token == token.id {
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
    let age = now.duration_since(purge.proposed_at);
    if age < -CLOCKS_DIFFER_BY {
        return Err(PurgeError::Conflict(
            "nothing was approved: it was proposed at a time that has not come, so that nobody knows how old it is: see \
             that the clock is right, and propose it anew under another id"
                .to_owned(),
        ));
    }
    if age > APPROVABLE_FOR {
        return Err(PurgeError::Conflict(format!(
            "nothing was approved: it was proposed more than {} days ago: propose it anew under another id",
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

fn check_reason(reason: &str) -> Result<(), String> {
    let is_good = reason.chars().count() <= MAX_REASON_CHARS && !reason.chars().any(char::is_control);
    let bad = || format!("`reason` must have up to {MAX_REASON_CHARS} characters, without control characters");
    is_good.then_some(()).ok_or_else(bad)
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use strongroom_model::ByteCount;

    use super::*;
    use crate::token::{Scope, Scopes};

    const NOW: &str = "2026-11-20T12:00:00Z";

    #[test]
    fn r5_nobody_approves_what_they_proposed() {
        let token = |id: &str, name: &str| Token {
            id: id.into(),
            name: name.into(),
            scopes: Scopes::new(&[Scope::Admin]),
            created_at: Timestamp::UNIX_EPOCH,
            revoked_at: None,
        };
        let purge = Purge {
            id: "p-1".into(),
            proposed_by: "anna".into(),
            token: "t-1".into(),
            token_name: "Anna's laptop".into(),
            proposed_at: NOW.parse().unwrap(),
            reason: None,
            items: 0,
            size: ByteCount(0),
            approval: None,
            refusal: None,
            purged: 0,
            purged_size: ByteCount(0),
        };
        let now = NOW.parse().unwrap();
        assert!(check_approval(&purge, "ben", &token("t-2", "ben"), now).is_ok());
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
            assert!(check_approval(&purge, approver, &token(id, name), now).is_err(), "{approver:?} {id} {name}");
        }
        let before = now - SignedDuration::from_hours(31 * 24);
        let why = check_approval(&purge, "ben", &token("t-2", "ben"), before).unwrap_err();
        assert!(
            why.to_string().contains("a time that has not come"),
            "it would stay approvable until long after: {why}"
        );
        let late = now + SignedDuration::from_hours(31 * 24);
        let why = check_approval(&purge, "ben", &token("t-2", "ben"), late).unwrap_err();
        assert!(why.to_string().contains("propose it anew"), "{why}");
    }
}
