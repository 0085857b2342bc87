//! Makes a pack from the log.

use std::collections::BTreeSet;

use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::{BookingId, Digest, DriveId, Event, Position, Recorded, StreamName, SubjectKind, Version};
use strongroom_proof::{InclusionPath, Note, PublicKey, Signature, SignedCheckpoint, WitnessKey};

use super::claims::Claims;
use super::scope::{OfCopy, booking_of, is_about_drive};
use super::{FORMAT, Pack, ProvenEvent, Subject};

/// 100 MB of events or so, in memory and in the file.
pub const MAX_PACK_EVENTS: usize = 100_000;

const READ_EVENTS: usize = 500;

/// More drives than any site has.
const MAX_DRIVES: usize = 10_000;

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The log has nothing to prove about it.
    #[error("the log of site {site} knows nothing of {subject} that could be proven, in its {size} events")]
    Nothing {
        /// Whose log it is.
        site: strongroom_model::SiteId,
        /// What was asked for.
        subject: Subject,
        /// How many events the checkpoint covers.
        size: u64,
    },
    /// More than a pack holds.
    #[error("{0} has more than {MAX_PACK_EVENTS} events: ask for a month, or for single bookings")]
    TooMany(Subject),
    /// The log is not the one that the checkpoint was signed of.
    #[error("the log does not have the root that its checkpoint signs: `strongroom log verify` names what was changed")]
    OtherLog,
}

/// The pack about a subject, by a checkpoint of that log which `key` signed.
///
/// # Errors
/// There is nothing about the subject, too much, or the log does not fit the checkpoint.
pub async fn make(
    log: &EventLog,
    subject: &Subject,
    signed: &SignedCheckpoint,
    key: &PublicKey,
) -> Result<Pack, MakeError> {
    let head = signed.checkpoint().head;
    let tree = log.tree(head.size).await?;
    if tree.root(head.size) != Some(head.root) {
        return Err(MakeError::OtherLog);
    }
    let events = Gathered::about(log, subject, head.size).await?;
    let recorded: Vec<Recorded> = events.iter().map(Stored::decode).collect::<Result<_, _>>()?;
    let claims = Claims::of(subject, &recorded);
    let (signed, witnesses) = cosigned(log, signed, key).await?;
    let proven = events.into_iter().map(|stored| {
        let index = stored.position.0;
        let hashes = tree.inclusion(index, head.size).ok_or(MakeError::OtherLog)?;
        Ok(ProvenEvent { event: stored.body, proof: InclusionPath { index, hashes }.to_string() })
    });
    Ok(Pack {
        format: FORMAT.to_owned(),
        site: log.site().clone(),
        subject: subject.clone(),
        sentence: claims.sentence,
        copies: claims.copies,
        purge: claims.purge,
        story: claims.story,
        key: key.to_string(),
        witnesses,
        checkpoint: signed,
        events: proven.collect::<Result<_, MakeError>>()?,
    })
}

/// The checkpoint with the site's own signature and those of witnesses that the log names, and their keys: strangers'
/// signatures say nothing.
async fn cosigned(
    log: &EventLog,
    signed: &SignedCheckpoint,
    key: &PublicKey,
) -> Result<(String, Vec<String>), MakeError> {
    let note = signed.note();
    let mut signatures: Vec<Signature> = note.signatures.iter().filter(|one| one.is_by(key)).take(1).cloned().collect();
    let mut witnesses = Vec::new();
    for recorded in log.stream(&StreamName::log_key()).await? {
        let Event::WitnessAdded(data) = recorded.event else { continue };
        let Ok(witness) = data.key.parse::<WitnessKey>() else { continue };
        let cosignature = note.signatures.iter().find(|one| witness.is_of(one));
        if let Some(cosignature) = cosignature
            && witness.cosigned_at(note).is_ok()
            && !witnesses.contains(&data.key)
        {
            signatures.push(cosignature.clone());
            witnesses.push(data.key);
        }
    }
    Ok((Note { text: note.text.clone(), signatures }.to_string(), witnesses))
}

/// The events of a pack: whole streams of bookings, of their copies and of a purge, and what says where drives are.
struct Gathered<'a> {
    log: &'a EventLog,
    subject: &'a Subject,
    size: u64,
    events: Vec<Stored>,
}

impl<'a> Gathered<'a> {
    async fn about(log: &'a EventLog, subject: &'a Subject, size: u64) -> Result<Vec<Stored>, MakeError> {
        let mut gathered = Self { log, subject, size, events: Vec::new() };
        if let Subject::Purge(id) = subject {
            gathered.take_stream(&StreamName::purge(id)).await?;
        }
        let bookings = match subject {
            Subject::Booking(id) => BTreeSet::from([id.clone()]),
            _ => gathered.bookings().await?,
        };
        let mut drives: BTreeSet<DriveId> = match subject {
            Subject::Drive(drive) => BTreeSet::from([*drive]),
            _ => BTreeSet::new(),
        };
        let mut copies = Vec::new();
        let known = gathered.known_drives().await?;
        for booking in &bookings {
            let mut contents: BTreeSet<Digest> = BTreeSet::new();
            for recorded in gathered.take_stream(&StreamName::booking(booking)).await? {
                if let Event::TimesheetBackedUp(proof) = recorded.event {
                    contents.insert(proof.sha256);
                    drives.insert(proof.drive);
                }
            }
            let on_each = |content| known.iter().map(move |drive| StreamName::copy(*drive, booking, content));
            copies.extend(contents.iter().flat_map(on_each));
        }
        drives.extend(gathered.take_copies(&copies).await?);
        if let Subject::Drive(drive) = subject {
            drives.retain(|one| one == drive);
        }
        for drive in drives {
            gathered.take_drive(drive).await?;
        }
        if gathered.events.is_empty() {
            return Err(MakeError::Nothing { site: log.site().clone(), subject: subject.clone(), size });
        }
        gathered.events.sort_by_key(|stored| stored.position);
        Ok(gathered.events)
    }

    /// Whose copies can be part of the pack.
    async fn known_drives(&self) -> Result<Vec<DriveId>, MakeError> {
        if let Subject::Drive(drive) = self.subject {
            return Ok(vec![*drive]);
        }
        let heads = self.log.newest(SubjectKind::Drive, MAX_DRIVES).await?;
        Ok(heads.into_iter().filter_map(|head| head.stream.id().parse().ok()).collect())
    }

    /// The bookings that the pack is about: the whole log is read.
    async fn bookings(&self) -> Result<BTreeSet<BookingId>, MakeError> {
        // As in the stored bytes: most events are neither, and are not parsed.
        let types: &[&str] = match self.subject {
            Subject::Purge(_) => &["strongroom.timesheet.purged."],
            _ => &["strongroom.timesheet.backed-up.", "strongroom.copy."],
        };
        let mut bookings = BTreeSet::new();
        let mut next = Position(0);
        while next.0 < self.size {
            let page = self.log.read(next, READ_EVENTS).await?;
            let Some(last) = page.last() else { break };
            next = last.position.next();
            for stored in page.iter().filter(|one| self.covers(one) && types.iter().any(|name| one.body.contains(name)))
            {
                let recorded = self.log.readable(stored);
                bookings.extend(recorded.and_then(|recorded| booking_of(self.subject, &recorded)));
            }
        }
        Ok(bookings)
    }

    /// Takes those of the streams that exist; the drives of their copies.
    async fn take_copies(&mut self, streams: &[StreamName]) -> Result<BTreeSet<DriveId>, MakeError> {
        let heads = self.log.heads(streams).await?;
        let mut drives = BTreeSet::new();
        for stream in streams.iter().filter(|stream| heads.contains_key(*stream)) {
            let before = self.events.len();
            let taken = self.take_stream(stream).await?;
            let copies: Option<Vec<DriveId>> = taken.iter().map(|one| Some(OfCopy::of(one)?.drive)).collect();
            match copies {
                Some(copies) => drives.extend(copies),
                // What names another copy than its stream's is not evidence of either.
                None => self.events.truncate(before),
            }
        }
        Ok(drives)
    }

    async fn take_stream(&mut self, stream: &StreamName) -> Result<Vec<Recorded>, MakeError> {
        self.take(stream, |_| true).await
    }

    /// Other events follow with every use of the drive.
    async fn take_drive(&mut self, drive: DriveId) -> Result<(), MakeError> {
        self.take(&StreamName::drive(drive), |recorded| is_about_drive(&recorded.event)).await.map(drop)
    }

    async fn take(
        &mut self,
        stream: &StreamName,
        is_part: impl Fn(&Recorded) -> bool,
    ) -> Result<Vec<Recorded>, MakeError> {
        let (mut taken, mut next) = (Vec::new(), Version(0));
        loop {
            let page = self.log.stream_from(stream, next, READ_EVENTS).await?;
            let is_last = page.len() < READ_EVENTS;
            next = Version(next.0 + page.len() as u64);
            for stored in page.into_iter().filter(|stored| stored.position.0 < self.size) {
                let recorded = stored.decode()?;
                if is_part(&recorded) {
                    taken.push(recorded);
                    self.events.push(stored);
                }
            }
            if self.events.len() > MAX_PACK_EVENTS {
                return Err(MakeError::TooMany(self.subject.clone()));
            }
            if is_last {
                return Ok(taken);
            }
        }
    }

    const fn covers(&self, stored: &Stored) -> bool {
        stored.position.0 < self.size
    }
}
