//! What a purge was: who proposed and approved it, and the proofs that each deletion rested on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::event::{PurgeProposed, ReadBack};
use strongroom_model::text::printable;
use strongroom_model::{
    Algorithm, BookingId, ByteCount, Digest, DriveId, Event, EventId, Hasher, Position, PurgeId, Recorded, StreamName,
};

use super::copies::ProvenBy;
use super::words::{NAME_CHARS, time};
use crate::evidence::read_back_in_words;
use crate::evidence::scope::{OfCopy, purged_by};

/// A purge, as the enclosed events tell it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Purge {
    /// The proposal; `None`: it is not enclosed.
    pub proposed: Option<Agreed>,
    /// How many bookings were proposed.
    pub bookings: u64,
    /// Bytes that were to be freed.
    pub size_bytes: ByteCount,
    /// SHA-256 over the ids of the proposed bookings in order, each followed by a line feed.
    pub ids_sha256: String,
    /// The approval, by the server's clock.
    pub approved: Option<Agreed>,
    /// The refusal.
    pub refused: Option<Refused>,
    /// Each execution.
    pub runs: Vec<PurgeRun>,
    /// The bookings whose files were deleted on the server, by position.
    pub purged: Vec<PurgedFile>,
    /// Whether these are all that were proposed, in the proposal's order, so that their ids have that SHA-256.
    pub is_whole: bool,
}

/// Who agreed, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreed {
    /// The person, as the document server knows them.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
}

/// Who refused it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// The person, as the document server knows them.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
}

/// An execution of a purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgeRun {
    /// Who had it executed.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// On how many drives each file had to be proven.
    pub drives_needed: u32,
    /// When it was done; `None`: no enclosed event says so.
    pub finished_at: Option<Timestamp>,
    /// Bookings that it left, as it says itself.
    pub left: u64,
    /// The position of the request.
    pub position: Position,
}

/// A file that the server deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurgedFile {
    /// Its booking.
    pub booking: BookingId,
    /// When the deletion was recorded.
    pub at: Timestamp,
    /// The position of the event that says so.
    pub position: Position,
    /// The proofs of copies of that content which the event names and the pack holds, each from before the deletion.
    pub proofs: Vec<NamedProof>,
    /// Events that it names and that are no such proofs, or are not enclosed.
    pub missing: Vec<EventId>,
    /// Whether the proofs are on as many drives as the execution asked for, each read back from the device.
    pub is_enough: bool,
}

/// A proof that a deletion names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedProof {
    /// Its event.
    pub event: EventId,
    /// The event's position.
    pub position: Position,
    /// The drive that holds the copy.
    pub drive: DriveId,
    /// What proved it.
    pub proven_by: ProvenBy,
    /// How it was read back.
    pub read_back: ReadBack,
    /// When.
    pub at: Timestamp,
}

impl Agreed {
    pub(crate) fn when(&self) -> String {
        time(self.at)
    }

    pub(crate) fn by_shown(&self) -> String {
        printable(&self.by, NAME_CHARS)
    }
}

impl Refused {
    pub(crate) fn when(&self) -> String {
        time(self.at)
    }

    pub(crate) fn by_shown(&self) -> String {
        printable(&self.by, NAME_CHARS)
    }

    pub(crate) fn reason_shown(&self) -> String {
        printable(&self.reason, NAME_CHARS * 2)
    }
}

impl PurgeRun {
    pub(crate) fn when(&self) -> String {
        time(self.at)
    }

    pub(crate) fn finished_when(&self) -> Option<String> {
        self.finished_at.map(time)
    }
}

impl PurgedFile {
    pub(crate) fn when(&self) -> String {
        time(self.at)
    }
}

impl NamedProof {
    pub(crate) fn when(&self) -> String {
        time(self.at)
    }

    pub(crate) const fn read_back_in_words(&self) -> &'static str {
        read_back_in_words(self.read_back)
    }
}

impl Purge {
    pub(super) fn of(id: &PurgeId, events: &[Recorded]) -> Self {
        let mut purge = Self::empty();
        let mut proofs: BTreeMap<EventId, &Recorded> = BTreeMap::new();
        let mut contents: BTreeMap<BookingId, &Digest> = BTreeMap::new();
        for recorded in events {
            if recorded.stream == StreamName::purge(id) {
                purge.take(recorded);
            }
            if ProvenBy::of(&recorded.event).is_some() {
                proofs.insert(recorded.id, recorded);
            }
            if let (Event::TimesheetBackedUp(data), Some(booking)) = (&recorded.event, recorded.stream.as_booking()) {
                contents.insert(booking, &data.sha256);
            }
            if let Some(booking) = purged_by(recorded, id) {
                let file = purge.purged(recorded, &proofs, contents.get(&booking).copied(), booking);
                purge.purged.push(file);
            }
        }
        purge.is_whole = purge.has_every_id();
        purge
    }

    fn empty() -> Self {
        Self {
            proposed: None,
            bookings: 0,
            size_bytes: ByteCount(0),
            ids_sha256: String::new(),
            approved: None,
            refused: None,
            runs: Vec::new(),
            purged: Vec::new(),
            is_whole: false,
        }
    }

    fn take(&mut self, recorded: &Recorded) {
        let (at, position) = (recorded.time, recorded.position);
        match &recorded.event {
            Event::PurgeProposed(data) if self.proposed.is_none() => {
                let PurgeProposed { bookings, ids_sha256, proposed_by, size_bytes } = data.clone();
                self.proposed = Some(Agreed { by: proposed_by, at, position });
                (self.bookings, self.size_bytes, self.ids_sha256) = (bookings, size_bytes, ids_sha256);
            }
            Event::PurgeApproved(data) => {
                self.approved = Some(Agreed { by: data.approved_by.clone(), at: data.approved_at, position });
            }
            Event::PurgeRefused(data) => {
                let (by, reason) = (data.refused_by.clone(), data.reason.clone());
                self.refused = Some(Refused { by, reason, at, position });
            }
            Event::PurgeRequested(data) => self.runs.push(PurgeRun {
                by: recorded.actor.to_string(),
                at,
                drives_needed: data.drives_needed,
                finished_at: None,
                left: 0,
                position,
            }),
            Event::PurgeFinished(data) => {
                if let Some(run) = self.runs.last_mut() {
                    (run.finished_at, run.left) = (Some(at), data.tally.left);
                }
            }
            _ => {}
        }
    }

    /// A deletion, with those of the events before it that it names.
    fn purged(
        &self,
        recorded: &Recorded,
        before: &BTreeMap<EventId, &Recorded>,
        content: Option<&Digest>,
        booking: BookingId,
    ) -> PurgedFile {
        let Event::TimesheetPurged(data) = &recorded.event else { unreachable!("the caller found a deletion") };
        let proof = |event: &EventId| {
            let recorded = before.get(event)?;
            let of = OfCopy::of(recorded).filter(|of| of.booking == booking && Some(of.sha256) == content)?;
            let (proven_by, read_back) = ProvenBy::of(&recorded.event)?;
            let (position, at) = (recorded.position, recorded.time);
            Some(NamedProof { event: *event, position, drive: of.drive, proven_by, read_back, at })
        };
        let proofs: Vec<NamedProof> = data.proofs.iter().filter_map(proof).collect();
        let missing = data.proofs.iter().filter(|event| proof(event).is_none()).copied().collect();
        let from_device = proofs.iter().filter(|proof| proof.read_back != ReadBack::Cached);
        let drives = from_device.map(|proof| proof.drive).collect::<BTreeSet<_>>().len() as u64;
        let needed = self.runs.last().map_or(u64::MAX, |run| u64::from(run.drives_needed).max(1));
        let is_enough = drives >= needed;
        PurgedFile { booking, at: recorded.time, position: recorded.position, proofs, missing, is_enough }
    }

    fn has_every_id(&self) -> bool {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        for file in &self.purged {
            hasher.update(file.booking.as_str().as_bytes());
            hasher.update(b"\n");
        }
        self.proposed.is_some() && self.purged.len() as u64 == self.bookings && hasher.finish().hex() == self.ids_sha256
    }
}
