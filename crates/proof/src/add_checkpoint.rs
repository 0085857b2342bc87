//! What a log sends to a witness (<https://c2sp.org/tlog-witness>, `add-checkpoint`).

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64;

use crate::head::{Head, decimal};
use crate::inclusion::{MAX_PROOF_HASHES, hashes};
use crate::merkle::Hash;
use crate::note::{MAX_NOTE_BYTES, Note, ParseNoteError};

const OLD: &str = "old ";

/// The first line, a proof's hashes in base64, each with its newline, and a note.
pub const MAX_ADD_CHECKPOINT_BYTES: usize = 32 + MAX_PROOF_HASHES * 45 + MAX_NOTE_BYTES;

/// A checkpoint, and the proof that it continues what the witness has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the tree that the witness has seen last; 0: none.
    pub old: u64,
    /// From that one to the checkpoint's.
    pub proof: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub checkpoint: Note,
}

/// What a witness reads of a checkpoint, of whatever log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// The log's name.
    pub origin: String,
    /// Its size and root.
    pub head: Head,
}

/// A text that is not such a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddCheckpointError {
    /// It does not have its lines.
    #[error("it does not have the lines of an add-checkpoint request (c2sp.org/tlog-witness)")]
    Lines,
    /// Its checkpoint is malformed.
    #[error("its checkpoint is malformed")]
    Checkpoint(#[from] ParseNoteError),
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{OLD}{}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", BASE64.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for AddCheckpoint {
    type Err = ParseAddCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseAddCheckpointError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ParseAddCheckpointError::Lines)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix(OLD)).and_then(decimal);
        match (old, hashes(lines)) {
            (Some(old), Some(proof)) => Ok(Self { old, proof, checkpoint: checkpoint.parse()? }),
            _ => Err(ParseAddCheckpointError::Lines),
        }
    }
}

impl LogHead {
    /// Of a checkpoint's text (<https://c2sp.org/tlog-checkpoint>); its further lines say nothing to a witness. `None`: it
    /// is not one.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let is_whole = !origin.is_empty() && lines.all(|line| !line.is_empty());
        let head = format!("{size}:{root}").parse().ok()?;
        is_whole.then(|| Self { origin: origin.to_owned(), head })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    fn request() -> AddCheckpoint {
        let key = SigningKey::from_seed("example.com/log".parse().unwrap(), [7; 32]);
        let text = format!("example.com/log\n3\n{}\nmore\n", BASE64.encode(&[7; 32]));
        let checkpoint = Note { signatures: vec![key.sign(&text)], text };
        AddCheckpoint { old: 2, proof: vec![[1; 32], [2; 32]], checkpoint }
    }

    #[test]
    fn a_request_is_read_as_it_is_written() {
        assert_eq!(request().to_string().parse(), Ok(request()));
        let first = AddCheckpoint { old: 0, proof: Vec::new(), ..request() };
        assert!(first.to_string().starts_with("old 0\n\nexample.com/log\n3\n"));
        assert_eq!(first.to_string().parse(), Ok(first));
        let longest = AddCheckpoint { old: u64::MAX, proof: vec![[0; 32]; MAX_PROOF_HASHES], ..request() };
        assert!(
            longest.to_string().len() - longest.checkpoint.to_string().len()
                <= MAX_ADD_CHECKPOINT_BYTES - MAX_NOTE_BYTES
        );
    }

    #[test]
    fn what_is_not_a_request_is_refused() {
        let text = request().to_string();
        let hash = BASE64.encode(&[0; 32]);
        for (from, to) in [
            ("old 2", "old 02".to_owned()),
            ("old 2", "old -2".to_owned()),
            ("old 2", "new 2".to_owned()),
            ("old 2", format!("old 2\n{}", vec![hash; MAX_PROOF_HASHES].join("\n"))),
            ("old 2\n", "old 2\nAAAA\n".to_owned()),
            ("\n\nexample", "\nexample".to_owned()),
            ("\n\n\u{2014}", "\n\u{2014}".to_owned()),
        ] {
            assert!(text.replacen(from, &to, 1).parse::<AddCheckpoint>().is_err(), "{from:?} -> {to:?}");
        }
    }

    #[test]
    fn a_checkpoint_of_any_log_is_read() {
        let read = LogHead::of(&request().checkpoint.text).unwrap();
        assert_eq!((read.origin.as_str(), read.head.size), ("example.com/log", 3));
        for bad in ["", "a\n", "a\n1\n", "a\n1\nAAAA\n", "a\n01\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"] {
            assert_eq!(LogHead::of(bad), None, "{bad:?}");
        }
    }
}
