//! What three digests say together: the server's, in flight, read back.

use crate::digest::{Digest, DigestPair};

/// What the comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All three agree: the copy is proven.
    BackedUp,
    /// The right bytes came, other bytes were read back: the drive changed them.
    DriveChanged,
    /// The drive kept what came, but that is not what the server's record says.
    SourceDiffers,
    /// Nothing agrees.
    BothDiffer,
}

/// Compares the digest that the server held before the download with what came and
/// with what was read back from the device.
///
/// | in flight = server | read back = in flight | verdict |
/// | --- | --- | --- |
/// | yes | yes | [`Verdict::BackedUp`] |
/// | yes | no | [`Verdict::DriveChanged`] |
/// | no | yes | [`Verdict::SourceDiffers`] |
/// | no | no | [`Verdict::BothDiffer`] |
///
/// `in_flight` and `read_back` are pairs of SHA-256 and the server's own algorithm; a
/// pair is the same only if both are, so that a weak algorithm on the server does not
/// weaken the read-back.
#[must_use]
pub fn compare(server: &Digest, in_flight: &DigestPair, read_back: &DigestPair) -> Verdict {
    match (in_flight.named == *server, read_back == in_flight) {
        (true, true) => Verdict::BackedUp,
        (true, false) => Verdict::DriveChanged,
        (false, true) => Verdict::SourceDiffers,
        (false, false) => Verdict::BothDiffer,
    }
}

/// Whether the server's own file differs from its record: two transfers, one after the
/// other, brought the same wrong digest, which no fault of a network does.
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
