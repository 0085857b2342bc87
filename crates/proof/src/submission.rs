//! What a log sends to a witness, and how a witness judges it (<https://c2sp.org/tlog-witness>, `add-checkpoint`).

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::checkpoint::SignedCheckpoint;
use crate::head::{Head, decimal};
use crate::inclusion::hashes;
use crate::key::PublicKey;
use crate::merkle::{Frontier, Hash, is_consistent};

const OLD: &str = "old ";

/// A checkpoint, and the proof that it continues an older one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// The older one's size; 0: the witness has none.
    pub old_size: u64,
    /// The consistency proof.
    pub proof: Vec<Hash>,
    /// What the witness is to cosign.
    pub checkpoint: SignedCheckpoint,
}

/// A text that is not a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not an add-checkpoint request: an old size, hashes, an empty line, and a checkpoint")]
pub struct ParseSubmissionError;

/// Why a witness does not cosign. Each has its HTTP status in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 403.
    #[error("the checkpoint is not signed by the key that is known for its log")]
    Unsigned,
    /// 400.
    #[error("the old size is greater than the checkpoint's")]
    Backwards,
    /// 409, with the size of the newest checkpoint that the witness has cosigned.
    #[error("the newest checkpoint that was cosigned has the size {0}")]
    Conflict(u64),
    /// 422.
    #[error("the checkpoint does not continue the one that was cosigned before")]
    Inconsistent,
}

impl Submission {
    /// Whether a witness that has cosigned `newest` of that log before cosigns this one.
    ///
    /// # Errors
    /// It does not.
    pub fn judge(&self, key: &PublicKey, newest: Option<&Head>) -> Result<Head, Refusal> {
        let head = self.checkpoint.verify(key).map_err(|_| Refusal::Unsigned)?.head;
        if self.old_size > head.size {
            return Err(Refusal::Backwards);
        }
        let empty = Head { size: 0, root: Frontier::default().root() };
        let old = newest.unwrap_or(&empty);
        if self.old_size != old.size {
            return Err(Refusal::Conflict(old.size));
        }
        let empty_fits = head.size > 0 || head.root == empty.root;
        let continues = is_consistent((old.size, &old.root), (head.size, &head.root), &self.proof);
        (empty_fits && continues).then_some(head).ok_or(Refusal::Inconsistent)
    }
}

impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{OLD}{}", self.old_size)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Submission {
    type Err = ParseSubmissionError;

    fn from_str(text: &str) -> Result<Self, ParseSubmissionError> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ParseSubmissionError)?;
        let mut lines = proof.split('\n');
        let old_size = lines.next().and_then(|line| line.strip_prefix(OLD)).and_then(decimal);
        let (Some(old_size), Some(proof)) = (old_size, hashes(lines)) else { return Err(ParseSubmissionError) };
        Ok(Self { old_size, proof, checkpoint: checkpoint.parse().map_err(|_| ParseSubmissionError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::key::SigningKey;
    use crate::merkle::{Tree, leaf_hash};

    fn key() -> SigningKey {
        SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [7; 32])
    }

    fn tree(leaves: &str) -> Tree {
        let mut tree = Tree::default();
        leaves.bytes().for_each(|leaf| tree.push(leaf_hash(&[leaf])));
        tree
    }

    fn head(tree: &Tree) -> Head {
        Head { size: tree.size(), root: tree.root(tree.size()).unwrap() }
    }

    fn submission(tree: &Tree, old_size: u64) -> Submission {
        let checkpoint = Checkpoint { site: "harbour".parse().unwrap(), head: head(tree), summary: 0 };
        let proof = tree.consistency(old_size, tree.size()).unwrap_or_default();
        Submission { old_size, proof, checkpoint: checkpoint.signed(&key()) }
    }

    #[test]
    fn a_submission_is_read_as_it_is_written() {
        for old_size in 0..=5 {
            let submission = submission(&tree("abcde"), old_size);
            assert_eq!(submission.to_string().parse(), Ok(submission));
        }
        for bad in ["", "old 1\n", "old 01\n\n", "new 1\n\nx"] {
            assert!(bad.parse::<Submission>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_log_that_grew_is_cosigned() {
        let (short, long) = (tree("abc"), tree("abcdefg"));
        assert_eq!(submission(&short, 0).judge(&key().public(), None), Ok(head(&short)));
        assert_eq!(submission(&long, 3).judge(&key().public(), Some(&head(&short))), Ok(head(&long)));
        assert_eq!(submission(&long, 7).judge(&key().public(), Some(&head(&long))), Ok(head(&long)));
        assert_eq!(submission(&tree(""), 0).judge(&key().public(), None), Ok(head(&tree(""))));
    }

    #[test]
    fn a_log_that_was_rewritten_or_cut_is_not_cosigned() {
        let (old, other) = (tree("abc"), tree("abXdefg"));
        let judge = |submission: &Submission| submission.judge(&key().public(), Some(&head(&old)));
        assert_eq!(judge(&submission(&other, 3)), Err(Refusal::Inconsistent));
        assert_eq!(judge(&submission(&tree("abX"), 3)), Err(Refusal::Inconsistent));
        assert_eq!(judge(&submission(&tree("ab"), 3)), Err(Refusal::Backwards));
        assert_eq!(judge(&submission(&tree("ab"), 0)), Err(Refusal::Conflict(3)));
        let unsigned = Submission {
            checkpoint: submission(&old, 3).checkpoint.checkpoint().clone().unsigned(),
            ..submission(&old, 3)
        };
        assert_eq!(judge(&unsigned), Err(Refusal::Unsigned));
    }
}
