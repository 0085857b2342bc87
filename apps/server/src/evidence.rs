//! Proof that marks' events are in the site's log: the checkpoint's signature, each event's way to its root, and what
//! the event says.

use std::collections::HashMap;

use data_encoding::BASE64;
use jiff::Timestamp;
use strongroom_model::event::ReadBack;
use strongroom_model::text::printable;
use strongroom_model::wire::{EvidenceEvent, Mark, MarkEvidence};
use strongroom_model::{Algorithm, BookingId, Digest, DriveId, Event, EventId, Recorded, StreamName};
use strongroom_proof::{InclusionPath, MAX_PROOF_HASHES, PublicKey, SignedCheckpoint};

/// Evidence whose checkpoint one of the site's keys signed.
#[derive(Debug)]
pub(crate) struct Evidence {
    /// The key in its text form.
    pub(crate) site_key: String,
    pub(crate) checkpoint: SignedCheckpoint,
    /// By the events' ids: what each proves, or why nothing.
    events: HashMap<EventId, Result<ProvenClaim, String>>,
}

/// What an event in the site's log says of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenClaim {
    pub(crate) position: u64,
    booking: BookingId,
    drive: DriveId,
    path: String,
    read_back: ReadBack,
    time: Timestamp,
    /// The server's digest, which only the pipeline's first proof has.
    digest: Option<Digest>,
    /// SHA-256 of the copy.
    pub(crate) sha256: Digest,
}

impl Evidence {
    /// Checks the signature and every event. The error is why no mark can be believed.
    pub(crate) fn check(keys: &[PublicKey], evidence: &MarkEvidence) -> Result<Self, String> {
        let checkpoint: SignedCheckpoint =
            evidence.checkpoint.parse().map_err(|error| format!("the checkpoint cannot be read: {error}"))?;
        let signed = keys.iter().find(|key| checkpoint.verify(key).is_ok());
        let key = signed.ok_or_else(|| {
            format!(
                "the checkpoint is not signed by the site's key: compare `strongroom key show` with server.site_keys ({})",
                keys.iter().map(|key| format!("{} {}", key.name(), key.id())).collect::<Vec<_>>().join(", ")
            )
        })?;
        let mut events = HashMap::with_capacity(evidence.events.len());
        for event in &evidence.events {
            // One that cannot be read has no id, and proves nothing.
            let Ok(recorded) = Recorded::parse(&event.bytes) else { continue };
            let claim = claim(event, &recorded, &checkpoint);
            if claim.is_ok() || !events.contains_key(&recorded.id) {
                events.insert(recorded.id, claim);
            }
        }
        Ok(Self { site_key: key.to_string(), checkpoint, events })
    }

    /// The proof behind a mark, if its event says exactly what the mark says.
    pub(crate) fn of(&self, mark: &Mark) -> Result<&ProvenClaim, String> {
        let claim = self.events.get(&mark.event).ok_or_else(|| format!("the evidence has no event {}", mark.event))?;
        let claim = claim.as_ref().map_err(Clone::clone)?;
        let differs = [
            ("booking", claim.booking.as_str() != mark.id),
            ("drive", claim.drive != mark.drive),
            ("path", claim.path != mark.path),
            ("read-back", claim.read_back != mark.read_back),
            ("time", claim.time != mark.proven_at),
        ];
        match differs.into_iter().find(|(_, differs)| *differs) {
            Some((what, _)) => Err(format!("the event {} in the site's log is of another {what}", mark.event)),
            None => Ok(claim),
        }
    }

    /// Whether this copy's bytes are those of the record. An event of a copy has their SHA-256 only: where the record
    /// has another digest, the pipeline's first proof binds both.
    ///
    /// `bound`: the SHA-256 values that earlier proofs bind to the record.
    pub(crate) fn is_of_record<'a>(
        &self,
        claim: &ProvenClaim,
        record: &Digest,
        bound: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        if record.algorithm() == Algorithm::Sha256 {
            return claim.sha256 == *record && claim.digest.as_ref().is_none_or(|digest| digest == record);
        }
        if let Some(digest) = &claim.digest {
            return digest == record;
        }
        let sha256 = claim.sha256.to_string();
        let binds = |other: &ProvenClaim| {
            other.booking == claim.booking && other.sha256 == claim.sha256 && other.digest.as_ref() == Some(record)
        };
        bound.into_iter().any(|bound| bound == sha256) || self.events.values().flatten().any(binds)
    }
}

/// What an event proves, if it is in the log that the checkpoint signs.
fn claim(event: &EvidenceEvent, recorded: &Recorded, checkpoint: &SignedCheckpoint) -> Result<ProvenClaim, String> {
    let hash = |text: &String| BASE64.decode(text.as_bytes()).ok()?.try_into().ok();
    let hashes = event.proof.iter().take(MAX_PROOF_HASHES + 1).map(hash).collect::<Option<Vec<_>>>();
    let hashes = hashes.filter(|hashes| hashes.len() <= MAX_PROOF_HASHES);
    let hashes = hashes.ok_or_else(|| format!("the proof of the event {} is not a list of hashes", recorded.id))?;
    let path = InclusionPath { index: recorded.position.0, hashes };
    path.check(event.bytes.as_bytes(), &checkpoint.checkpoint().head).map_err(|error| error.to_string())?;
    proof_in(recorded).ok_or_else(|| {
        format!("the event {} ({}) proves no copy", recorded.id, printable(recorded.event.type_name(), 60))
    })
}

/// The copy that an event proves.
fn proof_in(recorded: &Recorded) -> Option<ProvenClaim> {
    let (position, time) = (recorded.position.0, recorded.time);
    match &recorded.event {
        Event::TimesheetBackedUp(data) => Some(ProvenClaim {
            position,
            booking: recorded.stream.as_booking()?,
            drive: data.drive,
            path: data.path.clone(),
            read_back: data.read_back,
            time,
            digest: Some(data.digest.clone()),
            sha256: data.sha256.clone(),
        }),
        Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data)
            if recorded.stream == StreamName::copy(data.drive, &data.booking, &data.sha256) =>
        {
            Some(ProvenClaim {
                position,
                booking: data.booking.clone(),
                drive: data.drive,
                path: data.path.clone(),
                read_back: data.read_back,
                time,
                digest: None,
                sha256: data.sha256.clone(),
            })
        }
        _ => None,
    }
}
