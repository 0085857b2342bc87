//! Drives that the log knows.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{DriveId, Event, Position, Recorded, StreamName, SubjectKind};

use crate::listed::{each_event, listed, next_events};
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// One drive that the log knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriveEntry {
    /// Its identity.
    pub id: DriveId,
    /// Its label.
    pub label: Option<String>,
    /// Its first event's position.
    pub position: Position,
    /// Its first event's time.
    pub known_since: Timestamp,
    /// Its first use; `None`: never used.
    pub first_used_at: Option<Timestamp>,
    /// Its last use.
    pub last_used_at: Option<Timestamp>,
    /// The number of its newest use.
    pub generation: Option<u64>,
    /// The device's serial number at that use.
    pub serial: Option<String>,
    /// The file system's id at that use.
    pub filesystem: Option<String>,
    /// How often a copy on it was proven: a booking counts each time.
    pub proven_copies: u64,
}

/// A page of the drives, the newest first. Copies are counted by reading the whole log.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn drives(log: &EventLog, request: &PageRequest) -> Result<Page<DriveEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    let mut page = drives_within(log, horizon, request).await?;
    let mut copies: HashMap<DriveId, u64> = page.items.iter().map(|drive| (drive.id, 0)).collect();
    if !copies.is_empty() {
        count_copies(log, horizon, &mut copies).await?;
    }
    for drive in &mut page.items {
        drive.proven_copies = copies.get(&drive.id).copied().unwrap_or(0);
    }
    Ok(page)
}

pub(crate) async fn drives_within(
    log: &EventLog,
    horizon: Horizon,
    request: &PageRequest,
) -> Result<Page<DriveEntry>, LogError> {
    listed(log, horizon, SubjectKind::Drive, request, async |head| {
        let Ok(id) = head.stream.id().parse() else { return Ok(None) };
        DriveEntry::read(log, id, horizon).await
    })
    .await
}

async fn count_copies(log: &EventLog, horizon: Horizon, copies: &mut HashMap<DriveId, u64>) -> Result<(), LogError> {
    let mut next = Position(0);
    while horizon.includes(next) {
        let page = next_events(log, &mut next, horizon.end).await?;
        // Most events are not proofs, and are not parsed.
        for stored in page.iter().filter(|stored| stored.body.contains("timesheet.backed-up.")) {
            if let Some(Event::TimesheetBackedUp(proof)) = log.readable(stored).map(|recorded| recorded.event)
                && let Some(count) = copies.get_mut(&proof.drive)
            {
                *count += 1;
            }
        }
    }
    Ok(())
}

impl DriveEntry {
    async fn read(log: &EventLog, id: DriveId, horizon: Horizon) -> Result<Option<Self>, LogError> {
        let mut entry: Option<Self> = None;
        each_event(log, &StreamName::drive(id), horizon, |recorded| {
            entry.get_or_insert_with(|| Self::first(id, recorded)).take(recorded);
        })
        .await?;
        Ok(entry)
    }

    const fn first(id: DriveId, recorded: &Recorded) -> Self {
        Self {
            id,
            label: None,
            position: recorded.position,
            known_since: recorded.time,
            first_used_at: None,
            last_used_at: None,
            generation: None,
            serial: None,
            filesystem: None,
            proven_copies: 0,
        }
    }

    fn take(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::DriveInitialised(data) => self.label = Some(data.label.clone()),
            Event::DriveUsed(data) => {
                self.first_used_at.get_or_insert(recorded.time);
                self.last_used_at = Some(recorded.time);
                self.generation = Some(data.generation);
                self.serial.clone_from(&data.serial);
                self.filesystem.clone_from(&data.filesystem);
            }
            Event::DriveAdopted(data) => self.generation = Some(data.generation),
            _ => {}
        }
    }
}
