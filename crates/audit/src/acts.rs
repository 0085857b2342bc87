//! The acts on drives' contents that the log knows: verifications, copies, repairs, restorations.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::custody::{Custody, Ended};
use strongroom_model::event::{Act, Tally};
use strongroom_model::{Actor, CustodyId, DriveId, Fold, Position, StreamName, SubjectKind};

use crate::listed::{each_event, listed};
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActEntry {
    /// The act.
    pub id: CustodyId,
    /// Position of its request.
    pub position: Position,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who requested it.
    pub requested_by: Actor,
    /// `verify`, `copy`, `repair` or `restore`.
    pub act: &'static str,
    /// The drive that it is bound to.
    pub drive: DriveId,
    /// Its progress: `requested`, `finished`, `cancelled` or `needs-attention`.
    pub state: &'static str,
    /// What it has done so far.
    pub tally: Tally,
    /// The last failure.
    pub failure: Option<String>,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

/// A page of the acts, the newest first.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn acts(log: &EventLog, request: &PageRequest) -> Result<Page<ActEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    let page = listed(log, horizon, SubjectKind::Custody, request, async |head| {
        let Ok(id) = head.stream.id().parse() else { return Ok(None) };
        ActEntry::read(log, id, horizon).await
    });
    Ok(page.await?)
}

impl ActEntry {
    async fn read(log: &EventLog, id: CustodyId, horizon: Horizon) -> Result<Option<Self>, LogError> {
        let (mut custody, mut first) = (Custody::default(), None);
        each_event(log, &StreamName::custody(id), horizon, |recorded| {
            first.get_or_insert_with(|| (recorded.position, recorded.actor.clone()));
            // A verification reports an event that cannot follow.
            custody = custody.clone().next(recorded).unwrap_or_else(|_| custody.clone());
        })
        .await?;
        let requested = custody.requested.clone().zip(custody.requested_at);
        let Some(((position, requested_by), (requested, requested_at))) = first.zip(requested) else {
            return Ok(None);
        };
        Ok(Some(Self {
            id,
            position,
            requested_at,
            requested_by,
            act: named(&requested.act),
            drive: requested.act.drive().drive,
            state: state(&custody),
            tally: custody.tally,
            failure: custody.failure.map(|failed| failed.message),
            changed_at: custody.changed_at,
        }))
    }
}

const fn named(act: &Act) -> &'static str {
    match act {
        Act::Verify { .. } => "verify",
        Act::Copy { .. } => "copy",
        Act::Repair { .. } => "repair",
        Act::Restore { .. } => "restore",
    }
}

fn state(custody: &Custody) -> &'static str {
    match (&custody.ended, &custody.failure) {
        (Some(Ended::Finished), _) => "finished",
        (Some(Ended::Cancelled { .. }), _) => "cancelled",
        (None, Some(failed)) if failed.retry_at.is_none() => "needs-attention",
        (None, _) => "requested",
    }
}
