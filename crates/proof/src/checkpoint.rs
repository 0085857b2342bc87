//! A log's size and root, remembered outside of it: only that reveals a log restored from an older copy, or a database
//! server that took over without the newest events. Each process keeps one in its data folder and on the drive, and
//! mails hold it.
//!
//! The text is a C2SP checkpoint (<https://c2sp.org/tlog-checkpoint>) with one more line: the last summary's number,
//! which must not be reused. Where the site's key is at hand it is a signed note, elsewhere the text alone.

use std::fmt;
use std::str::FromStr;

use strongroom_model::SiteId;

use crate::head::{Head, ParseHeadError};
use crate::key::{PublicKey, SigningKey};
use crate::note::{Note, ParseNoteError, Signature, SignatureError};

const ORIGIN: &str = "strongroom/";
const SUMMARY: &str = "summary ";

/// An earlier state of a site's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's site.
    pub site: SiteId,
    /// Its size and root.
    pub head: Head,
    /// The last summary's number; 0 before the first.
    pub summary: u64,
}

/// A checkpoint as it is kept and sent, with its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

/// A text that is not a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseCheckpointError {
    /// It does not have a checkpoint's lines.
    #[error("it does not have the lines of a checkpoint")]
    Lines,
    /// Its size or root is malformed.
    #[error(transparent)]
    Head(#[from] ParseHeadError),
    /// It has signatures, and they are malformed.
    #[error(transparent)]
    Note(#[from] ParseNoteError),
}

impl Checkpoint {
    /// The first line of a site's checkpoints, and the name of the key that signs them.
    #[must_use]
    pub fn origin(site: &SiteId) -> String {
        format!("{ORIGIN}{site}")
    }

    /// Without signatures.
    #[must_use]
    pub fn unsigned(self) -> SignedCheckpoint {
        SignedCheckpoint { note: Note::unsigned(self.to_string()), checkpoint: self }
    }

    /// Signed by the site's key.
    #[must_use]
    pub fn signed(self, key: &SigningKey) -> SignedCheckpoint {
        let mut signed = self.unsigned();
        signed.note.signatures.push(key.sign(&signed.note.text));
        signed
    }
}

impl SignedCheckpoint {
    /// What it says.
    #[must_use]
    pub const fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note that it is.
    #[must_use]
    pub const fn note(&self) -> &Note {
        &self.note
    }

    /// With a witness's cosignature, in the place of an earlier one by the same key.
    #[must_use]
    pub fn with(mut self, cosignature: Signature) -> Self {
        self.note.signatures.retain(|one| one.name != cosignature.name || one.id != cosignature.id);
        self.note.signatures.push(cosignature);
        self
    }

    /// Whether the holder of that key says so, and the key is of the checkpoint's site.
    ///
    /// # Errors
    /// It is not signed by that key, or the key is another site's.
    pub fn verify(&self, key: &PublicKey) -> Result<&Checkpoint, SignatureError> {
        if key.name().to_string() != Checkpoint::origin(&self.checkpoint.site) {
            return Err(SignatureError::Unsigned(key.clone()));
        }
        self.note.verify(key).map(|()| &self.checkpoint)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { site, head, summary } = self;
        write!(f, "{}\n{}\n{}\n{SUMMARY}{summary}\n", Self::origin(site), head.size, head.root_base64())
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.note.signatures.is_empty() { f.write_str(&self.note.text) } else { self.note.fmt(f) }
    }
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let lines: Vec<&str> = text.lines().collect();
        let [origin, size, root, summary] = lines[..] else { return Err(ParseCheckpointError::Lines) };
        let site = origin.strip_prefix(ORIGIN).and_then(|site| site.parse().ok());
        let summary = summary.strip_prefix(SUMMARY).and_then(crate::head::decimal);
        let (Some(site), Some(summary)) = (site, summary) else { return Err(ParseCheckpointError::Lines) };
        Ok(Self { site, head: format!("{size}:{root}").parse()?, summary })
    }
}

impl FromStr for SignedCheckpoint {
    type Err = ParseCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let note = if text.contains("\n\n") { text.parse()? } else { Note::unsigned(text.to_owned()) };
        Ok(Self { checkpoint: note.text.parse()?, note })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint() -> Checkpoint {
        let head = Head { size: 181, root: [7; 32] };
        Checkpoint { site: "harbour".parse().unwrap(), head, summary: 12 }
    }

    fn key() -> SigningKey {
        SigningKey::from_seed(Checkpoint::origin(&checkpoint().site).parse().unwrap(), [7; 32])
    }

    #[test]
    fn a_checkpoint_is_read_as_it_is_written() {
        let text = checkpoint().to_string();
        assert_eq!(text, "strongroom/harbour\n181\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nsummary 12\n");
        assert_eq!(text.parse(), Ok(checkpoint()));
        assert_eq!(text.parse(), Ok(checkpoint().unsigned()));
        for (from, to) in
            [("strongroom/", "x/"), ("181", "-1"), ("BwcH", "BwcH!"), ("summary 12", "summary"), ("harbour", "H/..")]
        {
            assert!(text.replace(from, to).parse::<Checkpoint>().is_err(), "{from} -> {to}");
        }
        assert!(format!("{text}more\n").parse::<Checkpoint>().is_err());
        assert!("".parse::<Checkpoint>().is_err());
    }

    #[test]
    fn a_signed_checkpoint_is_read_as_it_is_written_and_verified_by_its_key_alone() {
        let signed = checkpoint().signed(&key());
        let read: SignedCheckpoint = signed.to_string().parse().unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.verify(&key().public()), Ok(&checkpoint()));
        let other = SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [8; 32]);
        assert!(read.verify(&other.public()).is_err());
        let of_another_site = SigningKey::from_seed("strongroom/quay".parse().unwrap(), [7; 32]);
        let foreign = checkpoint().signed(&of_another_site);
        assert!(foreign.verify(&of_another_site.public()).is_err());
        assert!(checkpoint().unsigned().verify(&key().public()).is_err());
    }

    #[test]
    fn a_signed_checkpoint_changed_in_any_byte_is_refused() {
        let text = checkpoint().signed(&key()).to_string();
        for at in 0..text.len() {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            let read = changed.parse::<SignedCheckpoint>();
            assert!(!read.is_ok_and(|read| read.verify(&key().public()).is_ok()), "byte {at}: {changed:?}");
        }
    }
}
