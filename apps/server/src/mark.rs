//! Marking bookings as backed up, with the proof.

use std::collections::HashSet;

use strongroom_model::wire::{Answer, Mark, RefusalCause, ServerState};
use strongroom_model::{BookingId, Digest};

use crate::answer::{already, done, refused, refused_for};
use crate::documents::Documents;
use crate::store::StoreError;
use crate::store::booking::{self, Booking};
use crate::store::proof::{self, RecordedProof};

const MAX_PATH_BYTES: usize = 8192;
/// How many drives with copies are kept for one booking. A purge needs a few.
const MAX_DRIVES: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq)]
enum MarkDecision {
    Keep,
    /// This proof, or a newer one of its drive, is kept already.
    Already,
    Refuse(String),
    /// It proves other bytes than this server's.
    OtherDigest(String),
}

impl Documents {
    /// The site's keys that proofs must be checked against; `None` if none is configured.
    pub(crate) async fn trusted_site_keys(&self) -> Result<Option<HashSet<String>>, StoreError> {
        Ok(None)
    }

    /// Keeps the proofs in one transaction; a booking counts as backed up from its first proof on.
    ///
    /// A mark with another digest than the recorded one is refused: it proves something that this server does not
    /// hold.
    pub(crate) async fn mark(&self, marks: &[Mark], token: &str) -> Result<Vec<Answer>, StoreError> {
        let named: Vec<BookingId> = marks.iter().filter_map(|mark| mark.id.parse().ok()).collect();
        let now = self.clock().now();
        let mut db = self.store().begin().await?;
        let bookings = booking::get_all(&mut db, &named).await?;
        let mut proofs = proof::get_all(&mut db, &named).await?;
        let mut answers = Vec::with_capacity(marks.len());
        for mark in marks {
            let known = mark.id.parse().ok().and_then(|id: BookingId| bookings.get(&id));
            let kept = proofs.entry(mark.id.clone()).or_default();
            answers.push(match judge(mark, known, kept) {
                MarkDecision::Refuse(why) => refused(&mark.id, why),
                MarkDecision::OtherDigest(why) => refused_for(&mark.id, RefusalCause::OtherDigest, why),
                MarkDecision::Already => already(&mark.id),
                MarkDecision::Keep => {
                    proof::keep(&mut db, mark, token, None, now).await?;
                    kept.retain(|other| other.mark.drive != mark.drive);
                    kept.push(RecordedProof { mark: mark.clone(), token: Some(token.to_owned()), checked: None });
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

fn judge(mark: &Mark, known: Option<&Booking>, kept: &[RecordedProof]) -> MarkDecision {
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
    if let Some(earlier) = kept.iter().map(|kept| &kept.mark).find(|other| other.drive == mark.drive) {
        let is_newer = mark.event != earlier.event && mark.proven_at > earlier.proven_at;
        return if is_newer { MarkDecision::Keep } else { MarkDecision::Already };
    }
    if kept.len() >= MAX_DRIVES {
        return refuse("copies of it are proven on as many drives as are kept count of");
    }
    MarkDecision::Keep
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

    fn why(verdict: MarkDecision) -> String {
        match verdict {
            MarkDecision::Refuse(why) | MarkDecision::OtherDigest(why) => why,
            other => panic!("it was not refused but {other:?}"),
        }
    }

    #[test]
    fn r1_a_mark_whose_digest_is_not_the_records_is_refused() {
        let known = booking(ServerState::SignedOff);
        let wrong = Mark { digest: Digest::of(Algorithm::Sha256, b"abd").to_string(), ..mark(1) };
        assert!(why(judge(&wrong, Some(&known), &[])).contains("is not the recorded sha256:ba7816bf"));
        let other_algorithm = Mark { digest: Digest::of(Algorithm::Md5, b"abc").to_string(), ..mark(1) };
        assert!(why(judge(&other_algorithm, Some(&known), &[])).contains("is not the recorded"));
        let unknown = Mark { digest: "crc32:1234".into(), ..mark(1) };
        assert!(why(judge(&unknown, Some(&known), &[])).contains("unknown digest algorithm"));
    }

    #[test]
    fn a_mark_is_for_a_signed_off_booking() {
        assert!(why(judge(&mark(1), None, &[])).contains("no such booking"));
        for state in [ServerState::Created, ServerState::Uploaded] {
            assert!(why(judge(&mark(1), Some(&booking(state)), &[])).contains("not signed off"));
        }
        for state in [ServerState::SignedOff, ServerState::BackedUp, ServerState::Archived, ServerState::Purged] {
            assert_eq!(judge(&mark(1), Some(&booking(state)), &[]), MarkDecision::Keep);
        }
        let bad = Mark { id: "../x".into(), ..mark(1) };
        assert!(why(judge(&bad, None, &[])).contains("is not a booking id"));
    }

    #[test]
    fn one_proof_is_kept_for_each_drive_and_it_is_the_newest() {
        let known = booking(ServerState::BackedUp);
        let first = mark(1);
        let kept = &[recorded(first.clone())];
        assert_eq!(judge(&first, Some(&known), kept), MarkDecision::Already);
        let event = EventId::new(jiff::Timestamp::UNIX_EPOCH);
        let newer = Mark { event, proven_at: mark(2).proven_at, ..first.clone() };
        assert_eq!(judge(&newer, Some(&known), kept), MarkDecision::Keep);
        let older = Mark { event, proven_at: mark(0).proven_at, ..first.clone() };
        assert_eq!(judge(&older, Some(&known), kept), MarkDecision::Already);
        assert_eq!(judge(&mark(0), Some(&known), kept), MarkDecision::Keep);

        let many: Vec<_> = (0..64).map(|_| recorded(mark(1))).collect();
        assert!(why(judge(&mark(1), Some(&known), &many)).contains("as many drives"));
        assert!(why(judge(&Mark { path: String::new(), ..mark(1) }, Some(&known), &[])).contains("path"));
    }
}
