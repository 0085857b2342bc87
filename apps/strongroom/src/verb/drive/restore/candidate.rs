//! The drives that the log knows, each with what should be on it.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use strongroom_drive::ProvenCopy;
use strongroom_eventlog::{EventLog, LogError, MAX_READ};
use strongroom_model::{DriveId, DriveUse, Event, Position, StreamName, SubjectKind, Version};

use super::super::MAX_DRIVES;

/// How many copies are looked for on the drive, the newest of each drive.
const MAX_PROOFS: usize = 256;

#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) id: DriveId,
    pub(super) label: String,
    pub(super) created_at: Timestamp,
    /// The version of its last event.
    pub(super) version: Version,
    pub(super) newest: Option<DriveUse>,
    pub(super) proofs: Vec<ProvenCopy>,
}

/// The drives that the log knows, the newest first. All of the log is read.
pub(super) async fn candidates(log: &EventLog) -> Result<Vec<Candidate>, LogError> {
    let heads = log.newest(SubjectKind::Drive, MAX_DRIVES).await?;
    let streams: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let histories = log.streams(&streams).await?;
    let mut proofs = proofs(log).await?;
    let candidate = |stream: &StreamName| {
        let (id, history) = (stream.id().parse::<DriveId>().ok()?, histories.get(stream)?);
        let (label, created_at) = history.iter().find_map(|event| match &event.event {
            Event::DriveInitialised(data) => Some((data.label.clone(), event.time)),
            _ => None,
        })?;
        let newest = history.iter().rev().find_map(|event| DriveUse::of(&event.event));
        let proofs = proofs.remove(&id).unwrap_or_default().into();
        Some(Candidate { id, label, created_at, version: history.last()?.version, newest, proofs })
    };
    Ok(streams.iter().filter_map(candidate).collect())
}

/// The newest copies that were proven on each drive.
async fn proofs(log: &EventLog) -> Result<HashMap<DriveId, VecDeque<ProvenCopy>>, LogError> {
    let mut proofs: HashMap<DriveId, VecDeque<ProvenCopy>> = HashMap::new();
    let mut from = Position(0);
    loop {
        let page = log.read(from, MAX_READ).await?;
        let Some(last) = page.last() else { return Ok(proofs) };
        from = last.position.next();
        // An event that only a newer version can read is not a proof of ours.
        for event in page.iter().filter_map(|stored| stored.decode().ok()) {
            let Event::TimesheetBackedUp(proof) = event.event else { continue };
            let of_drive = proofs.entry(proof.drive).or_default();
            of_drive.push_back(ProvenCopy { path: proof.path, sha256: proof.sha256, seen: None });
            if of_drive.len() > MAX_PROOFS {
                of_drive.pop_front();
            }
        }
    }
}
