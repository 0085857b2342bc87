//! Offline proofs that an event is in a site's log (<https://c2sp.org/tlog-proof>).

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::checkpoint::{Checkpoint, ParseCheckpointError, SignedCheckpoint};
use crate::head::{Head, decimal};
use crate::key::PublicKey;
use crate::merkle::{Hash, is_included, leaf_hash};
use crate::note::SignatureError;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";
const INDEX: &str = "index ";

/// A path in a tree of 2^63 leaves.
pub const MAX_PROOF_HASHES: usize = 63;

/// Where an event is, and how its hash leads to a root: a proof without its checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionPath {
    /// The event's position.
    pub index: u64,
    /// The siblings' hashes, from the leaf's up.
    pub hashes: Vec<Hash>,
}

/// That an event is in a log of a size and root that somebody signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The way to the root.
    pub path: InclusionPath,
    /// The log's size and root.
    pub checkpoint: SignedCheckpoint,
}

/// A text that is not such a proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseProofError {
    /// It does not have a proof's lines.
    #[error("it does not have the lines of an inclusion proof (c2sp.org/tlog-proof@v1)")]
    Lines,
    /// Its checkpoint is malformed.
    #[error("its checkpoint is malformed")]
    Checkpoint(#[from] ParseCheckpointError),
}

/// Why a proof cannot be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InclusionError {
    /// The checkpoint is not the site's.
    #[error("its checkpoint is not signed by the site")]
    Signature(#[from] SignatureError),
    /// The path does not lead to the root.
    #[error("event {index} is not in the log of {size} events that the checkpoint signs")]
    NotIncluded {
        /// The position that was claimed.
        index: u64,
        /// The checkpoint's size.
        size: u64,
    },
}

impl InclusionPath {
    /// Whether the event of these exact bytes is in the log of that size and root.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self, event: &[u8], head: &Head) -> Result<(), InclusionError> {
        let is_in = is_included(&leaf_hash(event), self.index, head.size, &head.root, &self.hashes);
        is_in.then_some(()).ok_or(InclusionError::NotIncluded { index: self.index, size: head.size })
    }
}

impl InclusionProof {
    /// Whether the event of these exact bytes is in the log that the key's holder signed.
    ///
    /// # Errors
    /// It is not, or the checkpoint is not signed by that key.
    pub fn verify(&self, event: &[u8], key: &PublicKey) -> Result<&Checkpoint, InclusionError> {
        let checkpoint = self.checkpoint.verify(key)?;
        self.path.check(event, &checkpoint.head).map(|()| checkpoint)
    }
}

impl fmt::Display for InclusionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\n{INDEX}{}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))
    }
}

impl fmt::Display for InclusionProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.path, self.checkpoint)
    }
}

impl FromStr for InclusionPath {
    type Err = ParseProofError;

    fn from_str(text: &str) -> Result<Self, ParseProofError> {
        let mut lines = text.strip_suffix('\n').ok_or(ParseProofError::Lines)?.split('\n');
        let is_proof = lines.next() == Some(FIRST_LINE);
        let index = lines.next().and_then(|line| line.strip_prefix(INDEX)).and_then(decimal);
        match (index, hashes(lines)) {
            (Some(index), Some(hashes)) if is_proof => Ok(Self { index, hashes }),
            _ => Err(ParseProofError::Lines),
        }
    }
}

impl FromStr for InclusionProof {
    type Err = ParseProofError;

    fn from_str(text: &str) -> Result<Self, ParseProofError> {
        let end = text.find("\n\n").ok_or(ParseProofError::Lines)?;
        let (path, checkpoint) = text.split_at(end + 1);
        Ok(Self { path: path.parse()?, checkpoint: checkpoint[1..].parse()? })
    }
}

/// The hashes of a proof, one a line in base64; `None`: a line is not one, or there are too many.
pub(crate) fn hashes<'text>(lines: impl Iterator<Item = &'text str>) -> Option<Vec<Hash>> {
    let hash = |line: &str| BASE64.decode(line.as_bytes()).ok()?.try_into().ok();
    let hashes: Vec<Hash> = lines.take(MAX_PROOF_HASHES + 1).map(hash).collect::<Option<_>>()?;
    (hashes.len() <= MAX_PROOF_HASHES).then_some(hashes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;
    use crate::merkle::Tree;

    fn key() -> SigningKey {
        SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [7; 32])
    }

    fn proof() -> InclusionProof {
        let mut tree = Tree::default();
        ["a", "b", "c", "d", "e"].iter().for_each(|event| tree.push(leaf_hash(event.as_bytes())));
        let head = Head { size: 5, root: tree.root(5).unwrap() };
        let checkpoint = Checkpoint { site: "harbour".parse().unwrap(), head, summary: 0 }.signed(&key());
        InclusionProof { path: InclusionPath { index: 2, hashes: tree.inclusion(2, 5).unwrap() }, checkpoint }
    }

    #[test]
    fn a_proof_is_read_as_it_is_written_and_holds_for_its_event_alone() {
        let read: InclusionProof = proof().to_string().parse().unwrap();
        assert_eq!(read, proof());
        assert!(read.verify(b"c", &key().public()).is_ok());
        let not = InclusionError::NotIncluded { index: 2, size: 5 };
        assert_eq!(read.verify(b"d", &key().public()), Err(not));
    }

    #[test]
    fn a_proof_changed_in_any_byte_is_refused() {
        let text = proof().to_string();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let read = changed.parse::<InclusionProof>();
            assert!(!read.is_ok_and(|read| read.verify(b"c", &key().public()).is_ok()), "byte {at}: {changed:?}");
        }
    }

    #[test]
    fn what_is_not_a_proof_is_refused() {
        let text = proof().to_string();
        let hash = BASE64.encode(&[0; 32]);
        for (from, to) in [
            (FIRST_LINE, "c2sp.org/tlog-proof@v2".to_owned()),
            ("index 2", "index 02".to_owned()),
            ("index 2", "index 2\nAAAA".to_owned()),
            ("index 2", format!("index 2\n{}", vec![hash; MAX_PROOF_HASHES].join("\n"))),
            ("index 2\n", String::new()),
        ] {
            assert!(text.replace(from, &to).parse::<InclusionProof>().is_err(), "{from} -> {to}");
        }
    }
}
