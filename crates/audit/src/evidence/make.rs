//! Makes a pack from the log.

use std::collections::BTreeSet;

use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::{DriveId, Event, Position, Recorded, StreamName, Version};
use strongroom_proof::{InclusionPath, PublicKey, SignedCheckpoint};

use super::claims::{Claims, is_about};
use super::{FORMAT, Pack, ProvenEvent, Subject};

/// 100 MB of events or so, in memory and in the file.
pub const MAX_PACK_EVENTS: usize = 100_000;

const READ_EVENTS: usize = 500;

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
        story: claims.story,
        key: key.to_string(),
        checkpoint: signed.to_string(),
        events: proven.collect::<Result<_, MakeError>>()?,
    })
}

/// The events of a pack: whole streams of bookings, and those that name their drives.
struct Gathered<'a> {
    log: &'a EventLog,
    subject: &'a Subject,
    size: u64,
    events: Vec<Stored>,
}

impl<'a> Gathered<'a> {
    async fn about(log: &'a EventLog, subject: &'a Subject, size: u64) -> Result<Vec<Stored>, MakeError> {
        let mut gathered = Self { log, subject, size, events: Vec::new() };
        let streams = match subject {
            Subject::Booking(id) => BTreeSet::from([StreamName::booking(id)]),
            _ => gathered.streams_with_proofs().await?,
        };
        let mut drives: BTreeSet<DriveId> = match subject {
            Subject::Drive(drive) => BTreeSet::from([*drive]),
            _ => BTreeSet::new(),
        };
        for stream in &streams {
            for recorded in gathered.take_stream(stream).await? {
                if let Event::TimesheetBackedUp(proof) = recorded.event {
                    drives.insert(proof.drive);
                }
            }
        }
        for drive in drives {
            gathered.take_label(drive).await?;
        }
        if gathered.events.is_empty() {
            return Err(MakeError::Nothing { site: log.site().clone(), subject: subject.clone(), size });
        }
        gathered.events.sort_by_key(|stored| stored.position);
        Ok(gathered.events)
    }

    /// The bookings with a proof of what the pack is about: the whole log is read.
    async fn streams_with_proofs(&self) -> Result<BTreeSet<StreamName>, MakeError> {
        let mut streams = BTreeSet::new();
        let mut next = Position(0);
        while next.0 < self.size {
            let page = self.log.read(next, READ_EVENTS).await?;
            let Some(last) = page.last() else { break };
            next = last.position.next();
            // Most events are not proofs, and are not parsed.
            for stored in page.iter().filter(|stored| self.covers(stored) && stored.body.contains("backed-up.")) {
                if let Some(recorded) = self.log.readable(stored)
                    && matches!(&recorded.event, Event::TimesheetBackedUp(proof) if is_about(self.subject, proof))
                {
                    streams.insert(recorded.stream);
                }
            }
        }
        Ok(streams)
    }

    async fn take_stream(&mut self, stream: &StreamName) -> Result<Vec<Recorded>, MakeError> {
        let mut taken = Vec::new();
        loop {
            let page = self.log.stream_from(stream, Version(taken.len() as u64), READ_EVENTS).await?;
            let is_last = page.len() < READ_EVENTS;
            for stored in page.into_iter().filter(|stored| stored.position.0 < self.size) {
                taken.push(stored.decode()?);
                self.events.push(stored);
            }
            if self.events.len() > MAX_PACK_EVENTS {
                return Err(MakeError::TooMany(self.subject.clone()));
            }
            if is_last {
                return Ok(taken);
            }
        }
    }

    /// The event with the drive's label is its first; others follow with every use.
    async fn take_label(&mut self, drive: DriveId) -> Result<(), MakeError> {
        let first = self.log.stream_from(&StreamName::drive(drive), Version(0), 1).await?;
        self.events.extend(first.into_iter().filter(|stored| stored.position.0 < self.size));
        Ok(())
    }

    const fn covers(&self, stored: &Stored) -> bool {
        stored.position.0 < self.size
    }
}
