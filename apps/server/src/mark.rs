//! Marking bookings as backed up, with the proof.

use std::collections::HashSet;

use jiff::Timestamp;
use strongroom_model::wire::{Answer, Mark, MarkEvidence, RefusalCause, ServerState};
use strongroom_model::{BookingId, Digest};
use strongroom_proof::{PublicKey, SignedCheckpoint};

use crate::answer::{already, done, refused, refused_for};
use crate::documents::Documents;
use crate::evidence::Evidence;
use crate::store::booking::{self, Booking};
use crate::store::proof::{self, Checked, RecordedProof};
use crate::store::{Connection, StoreError, checkpoint};

const MAX_PATH_BYTES: usize = 8192;
/// How many drives with copies are kept for one booking. A purge needs a few.
const MAX_DRIVES: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
enum MarkDecision {
    Keep(Option<Checked>),
    /// This proof, or a newer one of its drive, is kept already.
    Already,
    Refuse(String),
    /// It proves other bytes than this server's.
    OtherDigest(String),
    /// Its event is not proven to be in the site's log, or says something else.
    BadEvidence(String),
}

/// How marks are believed.
enum Belief {
    /// On their word: no key of the site is configured.
    Word,
    /// On evidence, which was checked.
    Evidence(Box<Evidence>),
    /// Not at all.
    None(String),
}

impl Documents {
    /// The site's keys that proofs must be checked against; `None` if none is configured. A key that signed two logs
    /// is not among them.
    pub(crate) async fn trusted_site_keys(&self) -> Result<Option<HashSet<String>>, StoreError> {
        let keys = &self.settings().site_keys;
        if keys.is_empty() {
            return Ok(None);
        }
        let forked = self.store().forked_keys().await?;
        Ok(Some(keys.iter().map(ToString::to_string).filter(|key| !forked.contains(key)).collect()))
    }

    /// Keeps the proofs in one transaction; a booking counts as backed up from its first proof on.
    ///
    /// A mark with another digest than the recorded one is refused: it proves something that this server does not
    /// hold. Where the site's key is configured, so is one whose event is not proven to be in the log.
    pub(crate) async fn mark(
        &self,
        marks: &[Mark],
        evidence: Option<&MarkEvidence>,
        token: &str,
    ) -> Result<Vec<Answer>, StoreError> {
        let named: Vec<BookingId> = marks.iter().filter_map(|mark| mark.id.parse().ok()).collect();
        let now = self.clock().now();
        let trusted = self.trusted_site_keys().await?;
        let belief = belief(&self.settings().site_keys, evidence);
        let mut db = self.store().begin().await?;
        let belief = unless_forked(&mut db, belief, now).await?;
        let bookings = booking::get_all(&mut db, &named).await?;
        let mut proofs = proof::get_all(&mut db, &named).await?;
        let mut answers = Vec::with_capacity(marks.len());
        for mark in marks {
            let known = mark.id.parse().ok().and_then(|id: BookingId| bookings.get(&id));
            let kept = proofs.entry(mark.id.clone()).or_default();
            answers.push(match judge(mark, known, kept, &belief, trusted.as_ref()) {
                MarkDecision::Refuse(why) => refused(&mark.id, why),
                MarkDecision::OtherDigest(why) => refused_for(&mark.id, RefusalCause::OtherDigest, why),
                MarkDecision::BadEvidence(why) => refused_for(&mark.id, RefusalCause::BadEvidence, why),
                MarkDecision::Already => already(&mark.id),
                MarkDecision::Keep(checked) => {
                    proof::keep(&mut db, mark, token, checked.as_ref(), now).await?;
                    kept.retain(|other| other.mark.drive != mark.drive);
                    kept.push(RecordedProof { mark: mark.clone(), token: Some(token.to_owned()), checked });
                    if let Some(known) = known {
                        booking::mark(&mut db, &known.id).await?;
                    }
                    done(&mark.id)
                }
            });
        }
        db.commit().await?;
        Ok(answers)
    }
}

fn belief(keys: &[PublicKey], evidence: Option<&MarkEvidence>) -> Belief {
    match evidence {
        _ if keys.is_empty() => Belief::Word,
        None => Belief::None(
            "it comes without evidence, and this server believes no mark without: give the pipeline the site's key \
             (`strongroom key new`), or a version that sends evidence"
                .to_owned(),
        ),
        Some(evidence) => match Evidence::check(keys, evidence) {
            Ok(evidence) => Belief::Evidence(Box::new(evidence)),
            Err(why) => Belief::None(why),
        },
    }
}

/// Two roots of one size, both signed by the site, are two logs: then the key proves nothing.
async fn unless_forked(db: &mut Connection, belief: Belief, now: Timestamp) -> Result<Belief, StoreError> {
    let Belief::Evidence(evidence) = belief else { return Ok(belief) };
    let head = evidence.checkpoint.checkpoint().head;
    if let Some(seen) = checkpoint::get(db, &evidence.site_key).await? {
        let other = seen.note.parse::<SignedCheckpoint>().ok().map(|seen| seen.checkpoint().head);
        let is_forked = other.is_some_and(|other| other.size == head.size && other.root != head.root);
        if is_forked {
            tracing::error!(
                size = head.size,
                "the site signed two logs of one size; its marks are not believed any more"
            );
            checkpoint::forked(db, &evidence.site_key, &evidence.checkpoint).await?;
        }
        if is_forked || seen.fork.is_some() {
            return Ok(Belief::None(format!(
                "the site's log was forked: its key signed two different logs of {} events. Find out who rewrote it \
                 (`strongroom log verify`), make another key (`strongroom key rotate`) and set server.site_keys to it",
                seen.size
            )));
        }
    }
    checkpoint::keep(db, &evidence.site_key, &evidence.checkpoint, now).await?;
    Ok(Belief::Evidence(evidence))
}

fn judge(
    mark: &Mark,
    known: Option<&Booking>,
    kept: &[RecordedProof],
    belief: &Belief,
    trusted: Option<&HashSet<String>>,
) -> MarkDecision {
    let refuse = |why: &str| MarkDecision::Refuse(why.to_owned());
    if let Err(error) = mark.id.parse::<BookingId>() {
        return MarkDecision::Refuse(error.to_string());
    }
    let Some(known) = known else { return refuse("there is no such booking") };
    let Some(timesheet) = known.timesheet.as_ref().filter(|_| is_signed_off(known.state)) else {
        return refuse("it is not signed off: its timesheet may still change");
    };
    let digest = match mark.digest.parse::<Digest>() {
        Ok(digest) => digest,
        Err(error) => return MarkDecision::Refuse(error.to_string()),
    };
    if digest != timesheet.digest {
        return MarkDecision::OtherDigest(format!(
            "the copy's digest {digest} is not the recorded {}: compare the file with what was uploaded",
            timesheet.digest
        ));
    }
    if mark.path.is_empty() || mark.path.len() > MAX_PATH_BYTES {
        return refuse("the copy's path is empty or too long");
    }
    let is_believed = |proof: &RecordedProof| {
        trusted.is_none_or(|keys| proof.checked.as_ref().is_some_and(|checked| keys.contains(&checked.site_key)))
    };
    let checked = match belief {
        Belief::Word => None,
        Belief::None(why) => return MarkDecision::BadEvidence(why.clone()),
        Belief::Evidence(evidence) => {
            let bound = kept.iter().filter(|proof| is_believed(proof) && proof.mark.digest == mark.digest);
            let bound = bound.filter_map(|proof| proof.checked.as_ref()).map(|checked| checked.sha256.as_str());
            match checked(mark, &digest, evidence, bound) {
                Ok(checked) => Some(checked),
                Err(why) => return MarkDecision::BadEvidence(why),
            }
        }
    };
    if let Some(earlier) = kept.iter().find(|other| other.mark.drive == mark.drive) {
        let is_newer = mark.event != earlier.mark.event && mark.proven_at > earlier.mark.proven_at;
        // One that was checked takes the place of one that was not.
        let is_needed = is_newer || !is_believed(earlier);
        return if is_needed { MarkDecision::Keep(checked) } else { MarkDecision::Already };
    }
    if kept.len() >= MAX_DRIVES {
        return refuse("copies of it are proven on as many drives as are kept count of");
    }
    MarkDecision::Keep(checked)
}

fn checked<'a>(
    mark: &Mark,
    record: &Digest,
    evidence: &Evidence,
    bound: impl IntoIterator<Item = &'a str>,
) -> Result<Checked, String> {
    let claim = evidence.of(mark)?;
    if !evidence.is_of_record(claim, record, bound) {
        return Err(format!(
            "the event {} in the site's log proves the bytes {}, which no proof binds to the recorded {record}: send the \
             pipeline's own proof of this booking (strongroom.timesheet.backed-up.v1) first",
            mark.event, claim.sha256
        ));
    }
    Ok(Checked {
        site_key: evidence.site_key.clone(),
        position: claim.position,
        checkpoint_size: evidence.checkpoint.checkpoint().head.size,
        sha256: claim.sha256.to_string(),
    })
}

fn is_signed_off(state: ServerState) -> bool {
    !matches!(state, ServerState::Created | ServerState::Uploaded)
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::ReadBack;
    use strongroom_model::{Algorithm, ByteCount, DriveId, EventId};

    use super::*;
    use crate::path::RelativePath;
    use crate::store::booking::Timesheet;

    fn booking(state: ServerState) -> Booking {
        let timesheet = Timesheet {
            filename: "a.pdf".into(),
            size: ByteCount(3),
            digest: Digest::of(Algorithm::Sha256, b"abc"),
            path: RelativePath::new("a.pdf").unwrap(),
            stamp: None,
        };
        Booking {
            id: "B-1".parse().unwrap(),
            state,
            timesheet: Some(timesheet),
            signed_off_at: None,
            moved: None,
            purge: None,
        }
    }

    fn mark(second: i8) -> Mark {
        let proven_at = jiff::civil::datetime(2026, 11, 20, 12, 0, second, 0).to_zoned(jiff::tz::TimeZone::UTC);
        Mark {
            id: "B-1".into(),
            digest: Digest::of(Algorithm::Sha256, b"abc").to_string(),
            drive: DriveId::random(),
            path: "site/2026-11/data/B-1/a.pdf".into(),
            read_back: ReadBack::Direct,
            proven_at: proven_at.unwrap().timestamp(),
            event: EventId::new(jiff::Timestamp::UNIX_EPOCH),
        }
    }

    fn recorded(mark: Mark) -> RecordedProof {
        RecordedProof { mark, token: None, checked: None }
    }

    fn judged(mark: &Mark, known: Option<&Booking>, kept: &[RecordedProof]) -> MarkDecision {
        judge(mark, known, kept, &Belief::Word, None)
    }

    fn why(verdict: MarkDecision) -> String {
        match verdict {
            MarkDecision::Refuse(why) | MarkDecision::OtherDigest(why) | MarkDecision::BadEvidence(why) => why,
            other => panic!("it was not refused but {other:?}"),
        }
    }

    #[test]
    fn r1_a_mark_whose_digest_is_not_the_records_is_refused() {
        let known = booking(ServerState::SignedOff);
        let wrong = Mark { digest: Digest::of(Algorithm::Sha256, b"abd").to_string(), ..mark(1) };
        assert!(why(judged(&wrong, Some(&known), &[])).contains("is not the recorded sha256:ba7816bf"));
        let other_algorithm = Mark { digest: Digest::of(Algorithm::Md5, b"abc").to_string(), ..mark(1) };
        assert!(why(judged(&other_algorithm, Some(&known), &[])).contains("is not the recorded"));
        let unknown = Mark { digest: "crc32:1234".into(), ..mark(1) };
        assert!(why(judged(&unknown, Some(&known), &[])).contains("unknown digest algorithm"));
    }

    #[test]
    fn a_mark_is_for_a_signed_off_booking() {
        assert!(why(judged(&mark(1), None, &[])).contains("no such booking"));
        for state in [ServerState::Created, ServerState::Uploaded] {
            assert!(why(judged(&mark(1), Some(&booking(state)), &[])).contains("not signed off"));
        }
        for state in [ServerState::SignedOff, ServerState::BackedUp, ServerState::Archived, ServerState::Purged] {
            assert_eq!(judged(&mark(1), Some(&booking(state)), &[]), MarkDecision::Keep(None));
        }
        let bad = Mark { id: "../x".into(), ..mark(1) };
        assert!(why(judged(&bad, None, &[])).contains("is not a booking id"));
    }

    #[test]
    fn one_proof_is_kept_for_each_drive_and_it_is_the_newest() {
        let known = booking(ServerState::BackedUp);
        let first = mark(1);
        let kept = &[recorded(first.clone())];
        assert_eq!(judged(&first, Some(&known), kept), MarkDecision::Already);
        let event = EventId::new(jiff::Timestamp::UNIX_EPOCH);
        let newer = Mark { event, proven_at: mark(2).proven_at, ..first.clone() };
        assert_eq!(judged(&newer, Some(&known), kept), MarkDecision::Keep(None));
        let older = Mark { event, proven_at: mark(0).proven_at, ..first.clone() };
        assert_eq!(judged(&older, Some(&known), kept), MarkDecision::Already);
        assert_eq!(judged(&mark(0), Some(&known), kept), MarkDecision::Keep(None));

        let many: Vec<_> = (0..64).map(|_| recorded(mark(1))).collect();
        assert!(why(judged(&mark(1), Some(&known), &many)).contains("as many drives"));
        assert!(why(judged(&Mark { path: String::new(), ..mark(1) }, Some(&known), &[])).contains("path"));
    }
}
