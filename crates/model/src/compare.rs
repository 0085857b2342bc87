//! The comparison of three digests.

use crate::digest::{Digest, DigestPair};

/// The comparison's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All three agree: proven.
    BackedUp,
    /// The recorded bytes arrived, others were read back: the drive changed them.
    DriveChanged,
    /// The drive kept what arrived; the server's record differs.
    SourceDiffers,
    /// Other bytes arrived than recorded, and others again were read back.
    BothDiffer,
}

/// Compares the server's digest with what arrived and what was read back. `read_back` must equal `in_flight` in both
/// digests of the pair, so that a server's weak algorithm does not weaken the proof.
#[must_use]
pub fn compare(server: &Digest, in_flight: &DigestPair, read_back: &DigestPair) -> Verdict {
    match (in_flight.named == *server, read_back == in_flight) {
        (true, true) => Verdict::BackedUp,
        (true, false) => Verdict::DriveChanged,
        (false, true) => Verdict::SourceDiffers,
        (false, false) => Verdict::BothDiffer,
    }
}

/// Whether the server's file differs from its record: no network fault gives the same wrong digest twice in a row.
#[must_use]
pub fn record_is_wrong(earlier: Option<&Digest>, now: &Digest) -> bool {
    earlier == Some(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Algorithm;

    fn pair(bytes: &[u8]) -> DigestPair {
        DigestPair { sha256: Digest::of(Algorithm::Sha256, bytes), named: Digest::of(Algorithm::Md5, bytes) }
    }

    #[test]
    fn the_table_is_the_designs() {
        let server = Digest::of(Algorithm::Md5, b"right");
        let rows = [
            (b"right", b"right", Verdict::BackedUp),
            (b"right", b"other", Verdict::DriveChanged),
            (b"wrong", b"wrong", Verdict::SourceDiffers),
            (b"wrong", b"other", Verdict::BothDiffer),
        ];
        for (in_flight, read_back, verdict) in rows {
            assert_eq!(compare(&server, &pair(in_flight), &pair(read_back)), verdict);
        }
    }

    #[test]
    fn a_read_back_must_agree_in_both_algorithms() {
        let server = Digest::of(Algorithm::Md5, b"right");
        let mut collided = pair(b"right");
        collided.sha256 = Digest::of(Algorithm::Sha256, b"same md5, other bytes");
        assert_eq!(compare(&server, &pair(b"right"), &collided), Verdict::DriveChanged);
    }
}
