//! Evidence packs: what somebody needs to verify one file, drive, month or purge without this program and
//! without the log.
//!
//! A pack holds events in their exact bytes, a proof for each that it is in the log, and the log's signed size and
//! root. All else in it (the sentence, the copies, the story) follows from these, so a checker makes it again and
//! compares: a pack has no byte that nothing vouches for.
//!
//! A pack can leave events out. So its words are about the enclosed events alone: they never say that there are no others.
//!
//! - [`Pack`]: its form; [`Pack::render`], [`html`]: its two files;
//! - `make`: from the log; [`check()`]: from the file and a public key alone;
//! - `scope`: which events it holds; `claims`: what follows from them;
//! - [`Prover`]: proofs for the document server.

mod check;
mod claims;
mod html;
mod make;
mod prover;
mod scope;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strongroom_model::event::ReadBack;
use strongroom_model::{BookingId, Digest, DriveId, Month, PurgeId, SiteId};

pub use self::check::{CheckError, Checked, Cosigned, check};
pub use self::claims::{Agreed, Copy, Entry, Fault, NamedProof, ProvenBy, Purge, PurgeRun, PurgedFile, Refused};
pub use self::html::html;
pub use self::make::{MAX_PACK_EVENTS, MakeError, make};
pub use self::prover::Prover;

/// The form of a pack.
pub const FORMAT: &str = "strongroom-evidence/v2";

/// What a pack is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A booking.
    Booking(BookingId),
    /// A file by its SHA-256.
    File(Digest),
    /// A drive.
    Drive(DriveId),
    /// A month's folder on the drives.
    Month(Month),
    /// An agreement to delete archived files on the server.
    Purge(PurgeId),
}

/// An evidence pack. Its fields are in the order of its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// [`FORMAT`].
    pub format: String,
    /// Whose log it is from.
    pub site: SiteId,
    /// What it is about.
    pub subject: Subject,
    /// What it shows, in a sentence or two.
    pub sentence: String,
    /// The copies that the events prove, and what was found of them since.
    pub copies: Vec<Copy>,
    /// What a purge was, and what it rested on; in evidence about one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge: Option<Purge>,
    /// What happened.
    pub story: Vec<Entry>,
    /// The public key that signed the checkpoint (c2sp.org/signed-note).
    pub key: String,
    /// The public keys of the witnesses that cosigned it (c2sp.org/tlog-cosignature), in the order of their lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
    /// The log's size and root, signed (c2sp.org/tlog-checkpoint).
    pub checkpoint: String,
    /// The events, by position.
    pub events: Vec<ProvenEvent>,
}

/// An event, and the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEvent {
    /// Its exact bytes.
    pub event: String,
    /// The first part of a c2sp.org/tlog-proof; with an empty line and the pack's checkpoint it is whole.
    pub proof: String,
}

impl Pack {
    /// The pack's file.
    ///
    /// # Panics
    /// Never: a pack holds texts and whole numbers.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a pack holds texts and whole numbers");
        text.push('\n');
        text
    }
}

/// A text that is not a subject of evidence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a subject of evidence: expected booking/ID, file/sha256:HEX, drive/ID, month/YYYY-MM or purge/ID"
)]
pub struct ParseSubjectError(String);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Booking(id) => write!(f, "booking/{id}"),
            Self::File(digest) => write!(f, "file/{digest}"),
            Self::Drive(id) => write!(f, "drive/{id}"),
            Self::Month(month) => write!(f, "month/{month}"),
            Self::Purge(id) => write!(f, "purge/{id}"),
        }
    }
}

impl FromStr for Subject {
    type Err = ParseSubjectError;

    fn from_str(text: &str) -> Result<Self, ParseSubjectError> {
        let parsed = text.split_once('/').and_then(|(kind, name)| match kind {
            "booking" => name.parse().ok().map(Self::Booking),
            "file" => name.parse().ok().map(Self::File),
            "drive" => name.parse().ok().map(Self::Drive),
            "month" => name.parse().ok().map(Self::Month),
            "purge" => name.parse().ok().map(Self::Purge),
            _ => None,
        });
        parsed.ok_or_else(|| ParseSubjectError(strongroom_model::text::printable(text, 120)))
    }
}

impl TryFrom<String> for Subject {
    type Error = ParseSubjectError;

    fn try_from(text: String) -> Result<Self, ParseSubjectError> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// How strong a read-back is, in words.
const fn read_back_in_words(how: ReadBack) -> &'static str {
    match how {
        ReadBack::Direct => "from the device, past the page cache",
        ReadBack::CacheDropped => "from the device, after it had left the page cache",
        ReadBack::Cached => "from the file system, perhaps from a cache",
    }
}

#[cfg(test)]
mod tests;
