//! Whether a booking's copies are proven well enough for its file to be deleted (R5).

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use strongroom_model::event::ReadBack;
use strongroom_model::wire::{Answer, Mark, PurgeEvidence, RefusalCause, ServerState};
use strongroom_model::{BookingId, Digest, EventId};

use super::CLOCKS_DIFFER_BY;
use crate::answer::{already, refused_for};
use crate::documents::Documents;
use crate::store::StoreError;
use crate::store::booking::{Booking, Timesheet};
use crate::store::proof::RecordedProof;
use crate::store::purge::{Deletion, Purge};

/// What a purge is judged by, besides each booking's record.
#[derive(Debug)]
pub(super) struct Terms {
    purge: String,
    now: Timestamp,
    needed: usize,
    fresh_for: SignedDuration,
    /// The proposer's and approver's tokens: marks with these prove nothing.
    involved: Vec<String>,
    /// Proofs must be checked against one of these, if there are any.
    site_keys: Option<HashSet<String>>,
}

/// Why a proof does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weakness {
    OtherDigest,
    Unchecked,
    Own,
    Cached,
    Stale,
    Ahead,
    Shared,
}

impl Terms {
    pub(super) async fn new(documents: &Documents, purge: &Purge, now: Timestamp) -> Result<Self, StoreError> {
        let settings = documents.settings();
        let involved = [Some(&purge.token), purge.approval.as_ref().map(|approval| &approval.token)];
        Ok(Self {
            purge: purge.id.clone(),
            now,
            needed: usize::try_from(settings.proofs_needed_to_purge).unwrap_or(usize::MAX),
            fresh_for: settings.evidence_fresh_for,
            involved: involved.into_iter().flatten().cloned().collect(),
            site_keys: documents.trusted_site_keys().await?,
        })
    }

    /// The file to delete, and its owner; otherwise the answer.
    pub(super) fn judge<'a>(
        &self,
        id: &str,
        known: Option<&'a Booking>,
        proofs: &[RecordedProof],
        deletions: &[Deletion],
    ) -> Result<(&'a BookingId, &'a Timesheet), Answer> {
        let Some(known) = known else {
            let why = "there is no such booking: propose the purge anew under another id, without it";
            return Err(refused_for(id, RefusalCause::UnknownBooking, why));
        };
        let not_archived = |why| Err(refused_for(id, RefusalCause::NotArchived, why));
        let timesheet = match (&known.state, &known.timesheet) {
            (ServerState::Archived, Some(timesheet)) => timesheet,
            (ServerState::Purged, _) => return Err(already(id)),
            (ServerState::BackedUp, _) => {
                return not_archived("its file is not archived: move it first (POST /v1/moves)");
            }
            _ => return not_archived("no copy of it is proven: back it up first"),
        };
        if deletions.iter().any(|deletion| deletion.purge == self.purge) {
            let why = "this purge deleted its file before, and it was put back since: propose another purge for it";
            return Err(refused_for(id, RefusalCause::Restored, why));
        }
        self.judge_proofs(id, timesheet, proofs)?;
        Ok((&known.id, timesheet))
    }

    fn judge_proofs(&self, id: &str, timesheet: &Timesheet, proofs: &[RecordedProof]) -> Result<(), Answer> {
        let weaknesses = self.weaknesses(proofs, timesheet);
        let counted = weaknesses.iter().filter(|weakness| weakness.is_none()).count();
        if counted >= self.needed {
            return Ok(());
        }
        let found: BTreeSet<Weakness> = weaknesses.iter().flatten().copied().collect();
        let curable = counted + weaknesses.iter().flatten().count() >= self.needed;
        // Where copies are missing, proving the others anew is not enough.
        let first = found.first().filter(|_| curable);
        let cause = first.map_or(RefusalCause::TooFewCopies, |weakness| weakness.cause());
        let mut why = format!("copies of it are proven on {counted} drives, and {} are needed", self.needed);
        for weakness in &found {
            let count = weaknesses.iter().flatten().filter(|other| *other == weakness).count();
            why.push_str(&format!("; {count} do not count: {}", self.explain(*weakness)));
        }
        if !curable {
            why.push_str("; copy it to another drive (`strongroom drive copy`)");
        }
        Err(refused_for(id, cause, why))
    }

    /// Each reported copy, and whether it counts.
    pub(super) fn evidence(&self, proofs: &[RecordedProof], timesheet: &Timesheet) -> Vec<PurgeEvidence> {
        let weaknesses = self.weaknesses(proofs, timesheet);
        let evidence = proofs.iter().zip(weaknesses).map(|(proof, weakness)| PurgeEvidence {
            drive: proof.mark.drive,
            proven_at: proof.mark.proven_at,
            read_back: proof.mark.read_back,
            event: proof.mark.event,
            position: proof.checked.as_ref().map(|checked| checked.position),
            checkpoint_size: proof.checked.as_ref().map(|checked| checked.checkpoint_size),
            counts: weakness.is_none(),
            why_not: weakness.map(|weakness| self.explain(weakness)),
        });
        evidence.collect()
    }

    /// Each drive has one proof; one event proves one copy.
    fn weaknesses(&self, proofs: &[RecordedProof], timesheet: &Timesheet) -> Vec<Option<Weakness>> {
        let mut events: HashSet<EventId> = HashSet::new();
        let weaknesses = proofs.iter().map(|proof| {
            let weakness = self.weakness(proof, timesheet);
            weakness.or_else(|| (!events.insert(proof.mark.event)).then_some(Weakness::Shared))
        });
        weaknesses.collect()
    }

    fn weakness(&self, proof: &RecordedProof, timesheet: &Timesheet) -> Option<Weakness> {
        let is_of_it = proof.mark.digest.parse::<Digest>().is_ok_and(|digest| digest == timesheet.digest);
        let is_checked = self
            .site_keys
            .as_ref()
            .is_none_or(|keys| proof.checked.as_ref().is_some_and(|checked| keys.contains(&checked.site_key)));
        let is_by_another = proof.token.as_ref().is_some_and(|token| !self.involved.contains(token));
        let age = self.now.duration_since(proof.mark.proven_at);
        let Mark { read_back, .. } = proof.mark;
        [
            (!is_of_it, Weakness::OtherDigest),
            (!is_checked, Weakness::Unchecked),
            (!is_by_another, Weakness::Own),
            (read_back == ReadBack::Cached, Weakness::Cached),
            (age > self.fresh_for, Weakness::Stale),
            (age < -CLOCKS_DIFFER_BY, Weakness::Ahead),
        ]
        .into_iter()
        .find_map(|(is_weak, weakness)| is_weak.then_some(weakness))
    }

    fn explain(&self, weakness: Weakness) -> String {
        match weakness {
            Weakness::OtherDigest => {
                "of another digest than the recorded one: compare the copies with the file".to_owned()
            }
            Weakness::Unchecked => {
                "not checked against the site's key: have the pipeline mark it again, with evidence".to_owned()
            }
            Weakness::Own => "reported with the purge's own tokens: propose and approve it with tokens that report no \
                              copies, under another id"
                .to_owned(),
            Weakness::Cached => {
                "read back from a cache, not from the device: verify the drive (`strongroom drive verify`)".to_owned()
            }
            Weakness::Stale => format!(
                "proven more than {} days ago: verify the drive (`strongroom drive verify`)",
                self.fresh_for.as_hours() / 24
            ),
            Weakness::Ahead => "proven at a time that has not come: see that the clocks are right".to_owned(),
            Weakness::Shared => {
                "rests on another copy's event: verify the drive (`strongroom drive verify`)".to_owned()
            }
        }
    }
}

impl Weakness {
    fn cause(self) -> RefusalCause {
        match self {
            Self::OtherDigest => RefusalCause::OtherDigest,
            Self::Unchecked => RefusalCause::UncheckedEvidence,
            Self::Own => RefusalCause::OwnEvidence,
            Self::Cached => RefusalCause::CachedEvidence,
            Self::Stale | Self::Ahead => RefusalCause::StaleEvidence,
            Self::Shared => RefusalCause::SharedEvidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::{Algorithm, ByteCount, DriveId};

    use super::*;
    use crate::path::RelativePath;
    use crate::store::proof::Checked;

    const NOW: &str = "2026-11-20T12:00:00Z";
    const KEY: &str = "strongroom/harbour+key";

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
        RecordedProof { mark, token: Some("pipeline".into()), checked: None }
    }

    fn terms() -> Terms {
        Terms {
            purge: "p-1".into(),
            now: NOW.parse().unwrap(),
            needed: 2,
            fresh_for: SignedDuration::from_hours(90 * 24),
            involved: vec!["proposer".into(), "approver".into()],
            site_keys: None,
        }
    }

    fn judged(state: ServerState, proofs: &[RecordedProof]) -> Result<(), Answer> {
        terms().judge("B-1", Some(&booking(state)), proofs, &[]).map(|_| ())
    }

    #[test]
    fn r5_a_purge_needs_fresh_proofs_on_distinct_drives() {
        let (fresh, stale, ahead) =
            (proof("2026-11-01T00:00:00Z"), proof("2026-08-01T00:00:00Z"), proof("2027-01-01T00:00:00Z"));
        let archived = ServerState::Archived;
        assert!(judged(archived, &[fresh.clone(), proof("2026-10-01T00:00:00Z")]).is_ok());
        for (proofs, cause) in [
            (vec![], RefusalCause::TooFewCopies),
            (vec![fresh.clone()], RefusalCause::TooFewCopies),
            (vec![stale.clone()], RefusalCause::TooFewCopies),
            (vec![fresh.clone(), stale], RefusalCause::StaleEvidence),
            (vec![fresh, ahead], RefusalCause::StaleEvidence),
        ] {
            let answer = judged(archived, &proofs).unwrap_err();
            assert_eq!(answer.cause, Some(cause), "{answer:?}");
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
        for (weak, cause) in [
            (with(&|proof| proof.mark.read_back = ReadBack::Cached), RefusalCause::CachedEvidence),
            (
                with(&|proof| proof.mark.digest = Digest::of(Algorithm::Sha256, b"abd").to_string()),
                RefusalCause::OtherDigest,
            ),
            (with(&|proof| proof.token = Some("proposer".into())), RefusalCause::OwnEvidence),
            (with(&|proof| proof.token = Some("approver".into())), RefusalCause::OwnEvidence),
            (with(&|proof| proof.token = None), RefusalCause::OwnEvidence),
            (with(&|proof| proof.mark.event = good.mark.event), RefusalCause::SharedEvidence),
        ] {
            let answer = judged(ServerState::Archived, &[good.clone(), weak.clone()]).unwrap_err();
            assert_eq!(answer.cause, Some(cause), "{weak:?}");
            assert!(answer.reason.unwrap().contains("on 1 drives, and 2 are needed"), "{weak:?}");
            let evidence =
                terms().evidence(&[good.clone(), weak], booking(ServerState::Archived).timesheet.as_ref().unwrap());
            assert_eq!(evidence.iter().map(|one| one.counts).collect::<Vec<_>>(), [true, false]);
            assert!(evidence[1].why_not.is_some());
        }
        let dropped = with(&|proof| proof.mark.read_back = ReadBack::CacheDropped);
        assert!(judged(ServerState::Archived, &[good, dropped]).is_ok());
    }

    #[test]
    fn r5_where_the_site_has_a_key_only_proofs_that_were_checked_against_it_count() {
        let checked = |key: &str| RecordedProof {
            checked: Some(Checked { site_key: key.into(), position: 7, checkpoint_size: 9, sha256: "x".into() }),
            ..proof("2026-11-01T00:00:00Z")
        };
        let terms = Terms { site_keys: Some(HashSet::from([KEY.to_owned()])), ..terms() };
        let archived = booking(ServerState::Archived);
        let judged = |second| terms.judge("B-1", Some(&archived), &[checked(KEY), second], &[]).map(|_| ());
        assert!(judged(checked(KEY)).is_ok());
        for unchecked in [proof("2026-11-01T00:00:00Z"), checked("strongroom/harbour+other")] {
            let answer = judged(unchecked).unwrap_err();
            assert_eq!(answer.cause, Some(RefusalCause::UncheckedEvidence));
            assert!(answer.reason.unwrap().contains("mark it again, with evidence"));
        }
    }

    #[test]
    fn r5_only_archived_files_are_purged_and_each_once_by_a_purge() {
        let proofs = [proof("2026-11-01T00:00:00Z"), proof("2026-11-01T00:00:00Z")];
        for state in [ServerState::Created, ServerState::Uploaded, ServerState::SignedOff, ServerState::BackedUp] {
            let answer = judged(state, &proofs).unwrap_err();
            assert_eq!(answer.cause, Some(RefusalCause::NotArchived));
            assert!(answer.reason.unwrap().contains("first"));
        }
        assert_eq!(judged(ServerState::Purged, &proofs).unwrap_err(), already("B-1"));
        let deletion = |purge: &str| Deletion {
            booking: "B-1".into(),
            purge: purge.into(),
            at: None,
            proposed_by: "anna".into(),
            approved_by: "ben".into(),
        };
        let restored = booking(ServerState::Archived);
        let judged = |purge| terms().judge("B-1", Some(&restored), &proofs, &[deletion(purge)]).map(|_| ());
        assert!(judged("p-0").is_ok());
        assert_eq!(judged("p-1").unwrap_err().cause, Some(RefusalCause::Restored));
    }

    /// A proof with each of its faults at random: the digest's, the check's, the token's, the read-back's, its age in
    /// days, and the event, one of three.
    type Faults = (bool, Option<bool>, Option<usize>, usize, i64, usize);

    fn faulty((is_other, checked, token, how, days, event): Faults, events: &[EventId]) -> RecordedProof {
        let good = proof("2026-11-01T00:00:00Z");
        let content: &[u8] = if is_other { b"abd" } else { b"abc" };
        let mark = Mark {
            digest: Digest::of(Algorithm::Sha256, content).to_string(),
            read_back: [ReadBack::Direct, ReadBack::CacheDropped, ReadBack::Cached][how],
            proven_at: NOW.parse::<Timestamp>().unwrap() - SignedDuration::from_hours(24 * days),
            event: events[event],
            ..good.mark
        };
        let checked = checked.map(|is_ours| Checked {
            site_key: if is_ours { KEY.into() } else { "strongroom/harbour+other".into() },
            position: 7,
            checkpoint_size: 9,
            sha256: "x".into(),
        });
        let token = token.map(|token| ["pipeline", "proposer", "approver"][token].into());
        RecordedProof { mark, token, checked }
    }

    proptest::proptest! {
        #[test]
        fn r5_no_set_of_proofs_counts_more_drives_than_have_a_proof_without_a_fault(
            proofs in proptest::collection::vec(
                (
                    proptest::bool::weighted(0.1),
                    proptest::option::weighted(0.9, proptest::bool::weighted(0.9)),
                    proptest::option::weighted(0.95, 0..3_usize),
                    0..3_usize,
                    -3..120_i64,
                    0..3_usize,
                ),
                0..6,
            ),
            needed in 1..4_usize,
            has_keys: bool,
        ) {
            let events: Vec<EventId> = (0..3).map(|_| EventId::new(Timestamp::UNIX_EPOCH)).collect();
            let site_keys = has_keys.then(|| HashSet::from([KEY.to_owned()]));
            let terms = Terms { needed, site_keys, ..terms() };
            let recorded: Vec<_> = proofs.iter().map(|faults| faulty(*faults, &events)).collect();
            let archived = booking(ServerState::Archived);
            let goes = terms.judge("B-1", Some(&archived), &recorded, &[]).is_ok();
            let good = proofs.iter().filter(|(is_other, checked, token, how, days, _)| {
                let is_checked = !has_keys || *checked == Some(true);
                !is_other && is_checked && *token == Some(0) && *how < 2 && (-1..=90).contains(days)
            });
            let distinct: HashSet<usize> = good.map(|(.., event)| *event).collect();
            proptest::prop_assert_eq!(goes, distinct.len() >= needed, "{:?}", proofs);
        }
    }
}
