//! Every copy on every drive, with its newest proof or its damage.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::copy::Copy;
use strongroom_model::event::{Found, ReadBack};
use strongroom_model::{BookingId, ByteCount, Digest, DriveId, EventId, Fold, Position, Recorded, StreamName};

use crate::holdings::Holding;
use crate::listed::next_events;
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// One copy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopyEntry {
    /// Its booking.
    pub booking: BookingId,
    /// The drive that holds it.
    pub drive: DriveId,
    /// Position of its first proof.
    pub position: Position,
    /// The path below the drive's root.
    pub path: String,
    /// SHA-256 of what was proven.
    pub sha256: Digest,
    /// Its size.
    pub size_bytes: ByteCount,
    /// `proven` or `damaged`.
    pub state: &'static str,
    /// The newest proof's event; `None`: it was found damaged since.
    pub proof: Option<EventId>,
    /// When it was proven last.
    pub proven_at: Option<Timestamp>,
    /// How it was read back then.
    pub read_back: Option<ReadBack>,
    /// What was found instead.
    pub damage: Option<Found>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// A page of the copies, in the order of their first proofs. A copy that was proven once more by the pipeline, after its
/// booking was given back, has a row for each.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn copies(log: &EventLog, request: &PageRequest) -> Result<Page<CopyEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    let mut next = request.after.map_or(Position(0), |cursor| cursor.0);
    let mut found: Vec<(DriveId, Holding)> = Vec::new();
    'pages: while horizon.includes(next) {
        for stored in next_events(log, &mut next, horizon.end).await? {
            found.extend(Holding::of_any(log, &stored));
            if found.len() == request.entries() {
                next = stored.position.next();
                break 'pages;
            }
        }
    }
    let items = entries(log, horizon, found).await?;
    Ok(horizon.page(log, items, horizon.includes(next).then_some(next)))
}

async fn entries(log: &EventLog, horizon: Horizon, found: Vec<(DriveId, Holding)>) -> Result<Vec<CopyEntry>, LogError> {
    let streams: Vec<StreamName> = found.iter().map(|(drive, holding)| holding.stream(*drive)).collect();
    let histories: HashMap<StreamName, Vec<Recorded>> = log.readable_streams(&streams).await?;
    let entries = found.into_iter().zip(&streams).map(|((drive, holding), stream)| {
        let history = histories.get(stream).into_iter().flatten();
        let later =
            history.filter(|recorded| horizon.includes(recorded.position)).fold(Copy::default(), |copy, one| {
                // A verification reports an event that cannot follow.
                copy.clone().next(one).unwrap_or(copy)
            });
        CopyEntry::of(drive, holding, later)
    });
    Ok(entries.collect())
}

impl CopyEntry {
    fn of(drive: DriveId, first: Holding, later: Copy) -> Self {
        let is_told = later.evidence.is_some() || later.damage.is_some();
        let (proof, proven_at, read_back) = match &later.evidence {
            Some(evidence) => (Some(evidence.event), Some(evidence.time), Some(evidence.read_back)),
            None if is_told => (None, None, None),
            None => (Some(first.event), Some(first.time), Some(first.read_back)),
        };
        Self {
            booking: first.booking,
            drive,
            position: first.position,
            path: later.path.filter(|_| is_told).unwrap_or(first.path),
            sha256: first.sha256,
            size_bytes: first.size,
            state: if later.damage.is_some() { "damaged" } else { "proven" },
            proof,
            proven_at,
            read_back,
            damage: later.damage,
            changed_at: later.changed_at.unwrap_or(first.time),
        }
    }
}
