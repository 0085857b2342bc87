//! Checks a pack from its file and a public key alone. The file comes from anybody.

use std::collections::HashMap;

use strongroom_model::envelope::EnvelopeError;
use strongroom_model::{Position, Recorded, StreamName, SubjectKind, Version};
use strongroom_proof::{
    Checkpoint, CosignatureError, Head, InclusionError, InclusionPath, Note, ParseCheckpointError, ParseKeyError,
    ParseProofError, PublicKey, SignatureError, SignedCheckpoint, WitnessKey,
};

use super::claims::Claims;
use super::html::{html, pack_in};
use super::scope::Scope;
use super::{FORMAT, Pack, ProvenEvent, Subject};

/// Why a pack cannot be verified.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Not a pack.
    #[error("it is not an evidence pack of the form {FORMAT}")]
    Form(#[source] Option<serde_json::Error>),
    /// A malformed key.
    #[error("its key is malformed")]
    Key(#[from] ParseKeyError),
    /// A malformed checkpoint.
    #[error("its checkpoint is malformed")]
    Checkpoint(#[from] ParseCheckpointError),
    /// The checkpoint is not signed by the key.
    #[error("its checkpoint cannot be verified")]
    Signature(#[from] SignatureError),
    /// Signed by another key than the one that was given.
    #[error("it is signed by the key {found}, and not by the one that was given, {expected}")]
    OtherKey {
        /// The pack's.
        found: Box<PublicKey>,
        /// The given one.
        expected: Box<PublicKey>,
    },
    /// Signatures by others.
    #[error("its checkpoint has signatures by others than the site's key and the witnesses that it names")]
    StraySignature,
    /// A malformed key of a witness.
    #[error("its key of a witness is malformed")]
    Witness(#[source] ParseKeyError),
    /// A cosignature that is missing or invalid.
    #[error("its checkpoint was not cosigned as it says, or as was asked for")]
    Cosignature(#[from] CosignatureError),
    /// Of another site.
    #[error("it names the site {found}, and its checkpoint is of {signed}")]
    OtherSite {
        /// What the pack says.
        found: String,
        /// What is signed.
        signed: String,
    },
    /// A malformed proof.
    #[error("event {index} of it: the proof is malformed")]
    Proof {
        /// Which of its events, from 1.
        index: usize,
        /// What is wrong.
        source: ParseProofError,
    },
    /// A proof that does not hold.
    #[error("event {index} of it: the event is not in the log")]
    NotIncluded {
        /// Which of its events, from 1.
        index: usize,
        /// What is wrong.
        source: InclusionError,
    },
    /// Not an event that this version can read.
    #[error("event {index} of it cannot be read")]
    Event {
        /// Which of its events, from 1.
        index: usize,
        /// What is wrong.
        source: EnvelopeError,
    },
    /// An event in another place than its own, or out of order.
    #[error("event {index} of it, from position {position}, is not in its place: they are in order, each once")]
    Misplaced {
        /// Which of its events, from 1.
        index: usize,
        /// The position that it names.
        position: Position,
    },
    /// Events of a booking, a copy or a purge were left out.
    #[error("events of {stream} were left out: version {expected} is missing")]
    LeftOut {
        /// The stream.
        stream: StreamName,
        /// The missing version.
        expected: Version,
    },
    /// An event that the pack is not about.
    #[error("event {index} of it, of {stream}, is not about {subject}")]
    Foreign {
        /// Which of its events, from 1.
        index: usize,
        /// The event's stream.
        stream: StreamName,
        /// What the pack is about.
        subject: Subject,
    },
    /// No event of what it is about.
    #[error("it has no event about {0}")]
    Empty(Subject),
    /// Its words are not what follows from its events.
    #[error("what it says is not what follows from its events, or the file was changed")]
    Words,
}

/// A pack that convinced.
#[derive(Debug)]
pub struct Checked {
    /// The pack.
    pub pack: Pack,
    /// The log's size and root that all rests on.
    pub checkpoint: Checkpoint,
    /// The key that signed it.
    pub key: PublicKey,
    /// Whether that key was given by the checker; otherwise it is only the pack's own word.
    pub key_was_given: bool,
    /// The witnesses that cosigned it.
    pub cosigned: Vec<Cosigned>,
}

/// A witness's cosignature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosigned {
    /// Its key.
    pub witness: WitnessKey,
    /// When, in seconds since 1970.
    pub at_s: u64,
    /// Whether the key was given by the checker; otherwise it is only the pack's own word.
    pub key_was_given: bool,
}

/// Checks a pack's file, JSON or HTML. Without a key, the pack's own is taken, which proves only that the pack is whole.
/// Each of the given witnesses must have cosigned it.
///
/// # Errors
/// It does not convince, for the reason that is given.
pub fn check(file: &str, key: Option<&PublicKey>, witnesses: &[WitnessKey]) -> Result<Checked, CheckError> {
    let is_html = file.trim_start().starts_with('<');
    let json = if is_html { pack_in(file).ok_or(CheckError::Form(None))? } else { file.to_owned() };
    let pack: Pack = serde_json::from_str(&json).map_err(|error| CheckError::Form(Some(error)))?;
    if pack.format != FORMAT {
        return Err(CheckError::Form(None));
    }
    let own: PublicKey = pack.key.parse()?;
    if let Some(given) = key.filter(|given| **given != own) {
        return Err(CheckError::OtherKey { found: Box::new(own), expected: Box::new(given.clone()) });
    }
    let signed: SignedCheckpoint = pack.checkpoint.parse()?;
    let checkpoint = signed.verify(&own)?.clone();
    if checkpoint.site != pack.site {
        return Err(CheckError::OtherSite { found: pack.site.to_string(), signed: checkpoint.site.to_string() });
    }
    let cosigned = cosigned(&pack, signed.note(), &own, witnesses)?;
    let events = events(&pack, &checkpoint.head)?;
    check_subject(&pack.subject, &events)?;
    let claims = Claims::of(&pack.subject, &events);
    let Claims { sentence, copies, purge, story } = claims;
    let again = Pack { sentence, copies, purge, story, ..pack.clone() };
    let whole = if is_html { html(&again) } else { again.render() };
    if whole != file {
        return Err(CheckError::Words);
    }
    Ok(Checked { pack, checkpoint, key: own, key_was_given: key.is_some(), cosigned })
}

/// One line by the site's key, then one by each witness that the pack names: a pack has no byte that nothing vouches for.
fn cosigned(pack: &Pack, note: &Note, own: &PublicKey, given: &[WitnessKey]) -> Result<Vec<Cosigned>, CheckError> {
    let (site, others) = note.signatures.split_first().ok_or(CheckError::StraySignature)?;
    if !site.is_by(own) || others.len() != pack.witnesses.len() {
        return Err(CheckError::StraySignature);
    }
    let mut cosigned = Vec::with_capacity(others.len());
    for (signature, key) in others.iter().zip(&pack.witnesses) {
        let witness: WitnessKey = key.parse().map_err(CheckError::Witness)?;
        if !witness.is_of(signature) {
            return Err(CheckError::StraySignature);
        }
        let at_s = witness.cosigned_at(note)?;
        let key_was_given = given.contains(&witness);
        cosigned.push(Cosigned { witness, at_s, key_was_given });
    }
    for witness in given {
        witness.cosigned_at(note)?;
    }
    Ok(cosigned)
}

/// Every event is about the subject, its bookings' copies or their drives, and there is one about the subject.
fn check_subject(subject: &Subject, events: &[Recorded]) -> Result<(), CheckError> {
    let scope = Scope::of(subject, events);
    for (index, recorded) in (1..).zip(events) {
        if !scope.holds(recorded) {
            let (stream, subject) = (recorded.stream.clone(), subject.clone());
            return Err(CheckError::Foreign { index, stream, subject });
        }
    }
    scope.is_found(events).then_some(()).ok_or_else(|| CheckError::Empty(subject.clone()))
}

fn events(pack: &Pack, head: &Head) -> Result<Vec<Recorded>, CheckError> {
    let mut events: Vec<Recorded> = Vec::with_capacity(pack.events.len());
    let mut versions: HashMap<StreamName, Version> = HashMap::new();
    for (index, proven) in (1..).zip(&pack.events) {
        let recorded = event(index, proven, head)?;
        let follows = events.last().is_none_or(|before| before.position < recorded.position);
        if !follows {
            return Err(CheckError::Misplaced { index, position: recorded.position });
        }
        let expected = versions.entry(recorded.stream.clone()).or_insert(Version(0));
        if is_whole(recorded.stream.kind()) && recorded.version != *expected {
            return Err(CheckError::LeftOut { stream: recorded.stream, expected: *expected });
        }
        *expected = expected.next();
        events.push(recorded);
    }
    Ok(events)
}

/// Whether a pack holds all events of such a stream, from the first to the last that it has.
const fn is_whole(kind: SubjectKind) -> bool {
    matches!(kind, SubjectKind::Booking | SubjectKind::Copy | SubjectKind::Purge)
}

fn event(index: usize, proven: &ProvenEvent, head: &Head) -> Result<Recorded, CheckError> {
    let path: InclusionPath = proven.proof.parse().map_err(|source| CheckError::Proof { index, source })?;
    path.check(proven.event.as_bytes(), head).map_err(|source| CheckError::NotIncluded { index, source })?;
    let recorded = Recorded::parse(&proven.event).map_err(|source| CheckError::Event { index, source })?;
    if recorded.position.0 != path.index {
        return Err(CheckError::Misplaced { index, position: recorded.position });
    }
    Ok(recorded)
}
