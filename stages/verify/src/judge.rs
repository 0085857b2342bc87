use strongroom_bus::{Failure, Fate};
use strongroom_drive::ReadBackResult;
use strongroom_model::compare::{Verdict, compare, record_is_wrong};
use strongroom_model::digest::DigestPair;
use strongroom_model::event::{AlarmRaised, BackedUp, Enumerated, Fetched};
use strongroom_model::{AlarmKind, BookingId, Digest, FailureKind};

#[derive(Debug)]
pub(crate) enum Judgement {
    Proven(BackedUp),
    /// The drive changed it: quarantine it and fetch again.
    Quarantine(Failure),
    /// What was received was wrong: discard it; fetch again, or let a person look.
    Discard(Failure),
}

/// Compares the server's digest with what was received and what was read back. `earlier` is the last attempt's wrong
/// digest, if any.
pub(crate) fn judge(
    booking: &BookingId,
    held: &Enumerated,
    copy: &Fetched,
    earlier: Option<&Digest>,
    read: &ReadBackResult,
) -> Judgement {
    let in_flight = DigestPair { sha256: copy.sha256.clone(), named: copy.in_flight.clone() };
    match compare(&held.digest, &in_flight, &read.pair) {
        Verdict::BackedUp => Judgement::Proven(BackedUp {
            drive: copy.drive,
            path: copy.path.clone(),
            month: copy.month,
            size_bytes: read.size,
            sha256: read.pair.sha256.clone(),
            digest: held.digest.clone(),
            read_back: read.method,
        }),
        Verdict::DriveChanged => Judgement::Quarantine(drive_changed(copy, read)),
        Verdict::SourceDiffers | Verdict::BothDiffer if record_is_wrong(earlier, &copy.in_flight) => {
            Judgement::Discard(record_wrong(booking, held, copy))
        }
        Verdict::SourceDiffers | Verdict::BothDiffer => Judgement::Discard(wrong_digest(held, copy)),
    }
}

fn drive_changed(copy: &Fetched, read: &ReadBackResult) -> Failure {
    let message =
        format!("{} was written to the drive, but {} was read back from {}", copy.sha256, read.pair.sha256, copy.path);
    let raise = AlarmRaised {
        kind: AlarmKind::DriveFailing,
        subject: copy.drive.to_string(),
        message: format!("drive {} gave back other bytes than were written to {}", copy.drive, copy.path),
        next_step: FailureKind::DriveChanged.step().to_owned(),
    };
    Failure { raise: Some(raise), ..Failure::new(FailureKind::DriveChanged, message, Fate::Retry) }
}

fn wrong_digest(held: &Enumerated, copy: &Fetched) -> Failure {
    let message = format!("the server's record says {}, but {} came", held.digest, copy.in_flight);
    Failure { digest: Some(copy.in_flight.clone()), ..Failure::new(FailureKind::WrongDigest, message, Fate::Retry) }
}

fn record_wrong(booking: &BookingId, held: &Enumerated, copy: &Fetched) -> Failure {
    let message = format!("the server's record says {}, but {} came, twice in a row", held.digest, copy.in_flight);
    let raise = AlarmRaised {
        kind: AlarmKind::RecordWrong,
        subject: booking.to_string(),
        message: format!("booking {booking} ({}): {message}", strongroom_model::text::printable(&held.filename, 120)),
        next_step: FailureKind::RecordWrong.step().to_owned(),
    };
    Failure {
        digest: Some(copy.in_flight.clone()),
        raise: Some(raise),
        ..Failure::new(FailureKind::RecordWrong, message, Fate::Person)
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::{ReadBack, SyncMethod};
    use strongroom_model::{Algorithm, ByteCount, DriveId};

    use super::*;

    fn pair(bytes: &[u8]) -> DigestPair {
        DigestPair { sha256: Digest::of(Algorithm::Sha256, bytes), named: Digest::of(Algorithm::Md5, bytes) }
    }

    /// Judges a file of which the server holds `server`, `came` came and `read` was read back.
    fn judged(server: &[u8], came: &[u8], read: &[u8], earlier: Option<&[u8]>) -> Judgement {
        let held = Enumerated {
            filename: "week 47\u{202e}.pdf".to_owned(),
            size_bytes: ByteCount(5),
            digest: pair(server).named,
            signed_off_at: "2026-11-01T00:00:00Z".parse().unwrap(),
        };
        let copy = Fetched {
            drive: DriveId::random(),
            path: "site/2026-11/data/B-1/a.pdf".to_owned(),
            month: "2026-11".parse().unwrap(),
            size_bytes: ByteCount(5),
            sha256: pair(came).sha256,
            in_flight: pair(came).named,
            sync: SyncMethod::Fsync,
            resumed_from_bytes: ByteCount(0),
            elapsed_ms: 1,
        };
        let read = ReadBackResult {
            pair: pair(read),
            size: ByteCount(5),
            method: ReadBack::Cached,
            seen: strongroom_drive::FileVersion::default(),
        };
        let earlier = earlier.map(|bytes| pair(bytes).named);
        judge(&"B-1".parse().unwrap(), &held, &copy, earlier.as_ref(), &read)
    }

    #[test]
    fn r1_a_proof_names_what_was_read_back_and_how() {
        let Judgement::Proven(proof) = judged(b"right", b"right", b"right", None) else { panic!() };
        assert_eq!((proof.sha256, proof.digest), (pair(b"right").sha256, pair(b"right").named));
        assert_eq!((proof.read_back, proof.size_bytes), (ReadBack::Cached, ByteCount(5)));
    }

    #[test]
    fn what_the_drive_changed_is_quarantined_and_raises_an_alarm_about_the_drive() {
        let Judgement::Quarantine(failure) = judged(b"right", b"right", b"other", None) else { panic!() };
        assert_eq!((failure.kind, failure.fate), (FailureKind::DriveChanged, Fate::Retry));
        assert_eq!(failure.raise.unwrap().kind, AlarmKind::DriveFailing);
        assert_eq!(failure.digest, None, "it is not a digest that the server sent");
        assert!(failure.message.contains(&pair(b"other").sha256.to_string()), "{}", failure.message);
    }

    #[test]
    fn a_wrong_digest_is_fetched_again_once() {
        for read in [b"wrong", b"other"] {
            let Judgement::Discard(failure) = judged(b"right", b"wrong", read, None) else { panic!() };
            assert_eq!((failure.kind, failure.fate), (FailureKind::WrongDigest, Fate::Retry));
            assert_eq!(failure.digest, Some(pair(b"wrong").named));
            assert_eq!(failure.raise, None);
            let Judgement::Discard(failure) = judged(b"right", b"wrong", read, Some(b"another")) else { panic!() };
            assert_eq!(failure.kind, FailureKind::WrongDigest, "two different wrong digests are a network's");
        }
    }

    #[test]
    fn the_same_wrong_digest_twice_needs_a_person_and_names_both_digests() {
        let Judgement::Discard(failure) = judged(b"right", b"wrong", b"wrong", Some(b"wrong")) else { panic!() };
        assert_eq!((failure.kind, failure.fate), (FailureKind::RecordWrong, Fate::Person));
        let alarm = failure.raise.unwrap();
        assert_eq!((alarm.kind, alarm.subject.as_str()), (AlarmKind::RecordWrong, "B-1"));
        for digest in [pair(b"right").named, pair(b"wrong").named] {
            assert!(failure.message.contains(&digest.to_string()), "{}", failure.message);
            assert!(alarm.message.contains(&digest.to_string()), "{}", alarm.message);
        }
        assert!(!alarm.message.contains('\u{202e}'));
    }
}
