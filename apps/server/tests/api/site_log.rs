//! A site's log with its key, as far as the document server sees it: events, and proof that they are in it.

use jiff::Timestamp;
use strongroom_model::event::{BackedUp, CopyProven, ReadBack};
use strongroom_model::wire::{EvidenceEvent, Mark, MarkEvidence};
use strongroom_model::{
    Algorithm, BookingId, ByteCount, CustodyId, Digest, DriveId, Event, EventId, Expected, NewEvent, Position, SiteId,
    StreamName,
};
use strongroom_proof::merkle::{Tree, leaf_hash};
use strongroom_proof::{Checkpoint, Head, PublicKey, SigningKey};

pub(crate) struct SiteLog {
    site: SiteId,
    pub(crate) key: SigningKey,
    tree: Tree,
    /// The events' ids and exact bytes.
    events: Vec<(EventId, String)>,
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [seed; 32])
}

impl SiteLog {
    pub(crate) fn new() -> Self {
        Self { site: "harbour".parse().unwrap(), key: key(7), tree: Tree::default(), events: Vec::new() }
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.key.public()
    }

    pub(crate) fn append(&mut self, stream: StreamName, time: Timestamp, event: Event) -> EventId {
        let actor = "verify@test-1".parse().unwrap();
        let new = NewEvent::new(stream, Expected::New, time, actor, event);
        let body = new.render(&self.site, Position(self.tree.size()));
        self.tree.push(leaf_hash(body.as_bytes()));
        self.events.push((new.id, body));
        new.id
    }

    /// The pipeline's own proof of a copy, and its mark.
    pub(crate) fn backed_up(&mut self, id: &str, record: &Digest, bytes: &[u8], time: Timestamp) -> Mark {
        self.backed_up_as(id, record, bytes, time, ReadBack::Direct)
    }

    pub(crate) fn backed_up_as(
        &mut self,
        id: &str,
        record: &Digest,
        bytes: &[u8],
        time: Timestamp,
        read_back: ReadBack,
    ) -> Mark {
        let booking: BookingId = id.parse().unwrap();
        let data = BackedUp {
            digest: record.clone(),
            drive: DriveId::random(),
            month: "2026-11".parse().unwrap(),
            path: format!("harbour/2026-11/data/{id}/a.pdf"),
            read_back,
            sha256: Digest::of(Algorithm::Sha256, bytes),
            size_bytes: ByteCount(bytes.len() as u64),
        };
        let (drive, path) = (data.drive, data.path.clone());
        let event = self.append(StreamName::booking(&booking), time, Event::TimesheetBackedUp(data));
        let digest = record.to_string();
        Mark { id: id.to_owned(), digest, drive, path, read_back, proven_at: time, event }
    }

    /// A fresh proof of a copy on some drive, and its mark.
    pub(crate) fn copy_proven(&mut self, id: &str, record: &Digest, bytes: &[u8], time: Timestamp) -> Mark {
        self.copy_proven_on(DriveId::random(), id, record, bytes, time)
    }

    pub(crate) fn copy_proven_on(
        &mut self,
        drive: DriveId,
        id: &str,
        record: &Digest,
        bytes: &[u8],
        time: Timestamp,
    ) -> Mark {
        let booking: BookingId = id.parse().unwrap();
        let data = CopyProven {
            booking: booking.clone(),
            drive,
            from: None,
            path: format!("harbour/2026-11/data/{id}/a.pdf"),
            quarantined: None,
            read_back: ReadBack::Direct,
            request: CustodyId::new(time),
            sha256: Digest::of(Algorithm::Sha256, bytes),
            size_bytes: ByteCount(bytes.len() as u64),
        };
        let (path, stream) = (data.path.clone(), StreamName::copy(drive, &booking, &data.sha256));
        let event = self.append(stream, time, Event::CopyProven(data));
        let digest = record.to_string();
        Mark { id: id.to_owned(), digest, drive, path, read_back: ReadBack::Direct, proven_at: time, event }
    }

    pub(crate) fn checkpoint(&self) -> String {
        let size = self.tree.size();
        let head = Head { size, root: self.tree.root(size).unwrap() };
        Checkpoint { site: self.site.clone(), head, summary: 0 }.signed(&self.key).to_string()
    }

    /// The whole log with its newest checkpoint.
    pub(crate) fn evidence(&self) -> MarkEvidence {
        let size = self.tree.size();
        let events = (0..size).zip(&self.events).map(|(index, (_, bytes))| {
            let proof = self.tree.inclusion(index, size).unwrap();
            let proof = proof.iter().map(|hash| data_encoding::BASE64.encode(hash)).collect();
            EvidenceEvent { bytes: bytes.clone(), proof }
        });
        MarkEvidence { checkpoint: self.checkpoint(), events: events.collect() }
    }
}
