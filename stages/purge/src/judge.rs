//! Whether a file may be deleted on the server, by its copies. Pure.

use jiff::{SignedDuration, Timestamp};
use strongroom_audit::{BookingCopies, CopyOn};
use strongroom_model::booking::Phase;
use strongroom_model::event::ReadBack;

/// What is decided about a booking.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Its file may go: these copies are the evidence.
    Delete(Vec<CopyOn>),
    /// The log has it as purged.
    Gone,
    /// It stays; why, and what would cure it.
    Keep(String),
}

/// R5: on `needed` distinct drives, each copy good, fresh, and read back from the device.
#[must_use]
pub fn judge(booking: Option<&BookingCopies>, needed: u32, fresh_for: SignedDuration, now: Timestamp) -> Verdict {
    let Some(known) = booking else {
        return Verdict::Keep("this log does not know it: see whether the purge is of another site".to_owned());
    };
    match known.state.phase {
        Phase::Purged => return Verdict::Gone,
        Phase::Archived => {}
        _ => {
            let what = "it is not archived, or was given back: wait until it is archived, then run the purge again";
            return Verdict::Keep(what.to_owned());
        }
    }
    if known.state.failure.is_some() {
        return Verdict::Keep("it needs a person first: `strongroom status` says why".to_owned());
    }
    let since = now.checked_sub(fresh_for).unwrap_or(Timestamp::MIN);
    // One from the future was written by a wrong clock: nobody knows how old it is.
    let counts =
        |copy: &&CopyOn| copy.is_evidence_since(since) && copy.proven.as_ref().is_some_and(|proof| proof.time <= now);
    let evidence: Vec<CopyOn> = known.copies.iter().filter(counts).cloned().collect();
    if u32::try_from(evidence.len()).unwrap_or(u32::MAX) >= needed {
        return Verdict::Delete(evidence);
    }
    Verdict::Keep(format!(
        "its copies are proven on {} of {needed} drives: {}",
        evidence.len(),
        cure(known, &evidence, since, now, fresh_for)
    ))
}

/// What is the matter with the copies that do not count, and what to do.
fn cure(
    known: &BookingCopies,
    evidence: &[CopyOn],
    since: Timestamp,
    now: Timestamp,
    fresh_for: SignedDuration,
) -> String {
    let days = fresh_for.as_hours() / 24;
    let why = |copy: &CopyOn| match &copy.proven {
        None => "damaged: `strongroom drive repair`".to_owned(),
        Some(_) if !copy.counts => "lost or retired with its drive: `strongroom drive copy` makes another".to_owned(),
        Some(_) if copy.came_back => {
            "unproven since its drive came back from being lost, or the log was restored: `strongroom drive verify`"
                .to_owned()
        }
        Some(proof) if proof.read_back == ReadBack::Cached => {
            "read back from a cache: attach it so that it is read from the device, then `strongroom drive verify`"
                .to_owned()
        }
        Some(proof) if proof.time > now => "proven at a time that has not come: set the clocks right".to_owned(),
        Some(proof) if proof.time < since => {
            format!("proven more than {days} days ago: `strongroom drive verify`")
        }
        Some(_) => "good".to_owned(),
    };
    let others: Vec<String> = known
        .copies
        .iter()
        .filter(|copy| !evidence.contains(copy))
        .map(|copy| format!("on drive {} it is {}", copy.drive, why(copy)))
        .collect();
    if others.is_empty() {
        "copy it to another drive with `strongroom drive copy`".to_owned()
    } else {
        others.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use strongroom_audit::copies::Proof;
    use strongroom_model::booking::Booking;
    use strongroom_model::event::Found;
    use strongroom_model::{ByteCount, DriveId, EventId};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-28T12:00:00Z".parse().unwrap()
    }

    const FRESH: SignedDuration = SignedDuration::from_hours(90 * 24);

    fn copy(days: i64, read_back: ReadBack) -> CopyOn {
        let time = now() - SignedDuration::from_hours(days * 24);
        let proven = Some(Proof { event: EventId::new(time), time, read_back });
        CopyOn { drive: DriveId::random(), path: "x".to_owned(), proven, damage: None, counts: true, came_back: false }
    }

    fn booking(phase: Phase, copies: Vec<CopyOn>) -> BookingCopies {
        BookingCopies { state: Booking { phase, ..Booking::default() }, sha256: None, size: ByteCount(1), copies }
    }

    fn kept(phase: Phase, copies: Vec<CopyOn>) -> String {
        match judge(Some(&booking(phase, copies)), 2, FRESH, now()) {
            Verdict::Keep(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn r5_two_fresh_copies_read_from_their_devices_let_a_file_go() {
        let copies = vec![copy(1, ReadBack::Direct), copy(89, ReadBack::CacheDropped), copy(200, ReadBack::Direct)];
        let verdict = judge(Some(&booking(Phase::Archived, copies.clone())), 2, FRESH, now());
        assert_eq!(verdict, Verdict::Delete(copies[..2].to_vec()));
    }

    #[test]
    fn r5_every_reason_to_keep_a_file_is_named_with_its_cure() {
        let good = || copy(1, ReadBack::Direct);
        let damaged = CopyOn { proven: None, damage: Some(Found::Missing), ..good() };
        let lost = CopyOn { counts: false, ..good() };
        let back = CopyOn { came_back: true, ..good() };
        for (copies, cure) in [
            (vec![good()], "on 1 of 2 drives: copy it to another drive"),
            (vec![good(), copy(91, ReadBack::Direct)], "more than 90 days ago: `strongroom drive verify`"),
            (vec![good(), copy(1, ReadBack::Cached)], "from a cache"),
            (vec![good(), damaged], "damaged: `strongroom drive repair`"),
            (vec![good(), lost], "lost or retired"),
            (vec![good(), back], "or the log was restored: `strongroom drive verify`"),
            (vec![good(), copy(-1, ReadBack::Direct)], "has not come"),
        ] {
            let why = kept(Phase::Archived, copies);
            assert!(why.contains(cure), "{why}");
        }
        assert!(kept(Phase::BackedUp, vec![good(), good()]).contains("not archived"));
        let missing = judge(None, 2, FRESH, now());
        assert!(matches!(missing, Verdict::Keep(why) if why.contains("does not know it")));
        assert_eq!(judge(Some(&booking(Phase::Purged, vec![])), 2, FRESH, now()), Verdict::Gone);
    }
}
