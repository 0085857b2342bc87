//! The purges that the log knows.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::purge::Purge;
use strongroom_model::{ByteCount, Fold, Position, PurgeId, StreamName, SubjectKind};

use crate::listed::{each_event, listed};
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// One purge.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PurgeEntry {
    /// The purge.
    pub id: PurgeId,
    /// Position of its proposal.
    pub position: Position,
    /// When the proposal was recorded.
    pub proposed_at: Timestamp,
    /// Who proposed it, as the server knows them.
    pub proposed_by: String,
    /// Its progress: `proposed`, `approved`, `refused`, `requested`, `finished` or `needs-attention`.
    pub state: &'static str,
    /// How many bookings it is about.
    pub bookings: u64,
    /// Bytes that it frees.
    pub size_bytes: ByteCount,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// Who refused it.
    pub refused_by: Option<String>,
    /// On how many drives each file had to be proven.
    pub drives_needed: Option<u32>,
    /// Bookings whose files the server deleted in the last execution.
    pub purged: u64,
    /// Bookings that it left.
    pub left: u64,
    /// The last failure.
    pub failure: Option<String>,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

/// A page of the purges, the newest first.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn purges(log: &EventLog, request: &PageRequest) -> Result<Page<PurgeEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    let page = listed(log, horizon, SubjectKind::Purge, request, async |head| {
        let Ok(id) = head.stream.id().parse() else { return Ok(None) };
        PurgeEntry::read(log, id, horizon).await
    });
    Ok(page.await?)
}

impl PurgeEntry {
    async fn read(log: &EventLog, id: PurgeId, horizon: Horizon) -> Result<Option<Self>, LogError> {
        let (mut purge, mut first, mut was_requested) = (Purge::default(), None, false);
        each_event(log, &StreamName::purge(&id), horizon, |recorded| {
            first.get_or_insert((recorded.position, recorded.time));
            // A verification reports an event that cannot follow.
            purge = purge.clone().next(recorded).unwrap_or_else(|_| purge.clone());
            was_requested |= purge.is_requested;
        })
        .await?;
        let Some(((position, proposed_at), proposed)) = first.zip(purge.proposed.clone()) else { return Ok(None) };
        Ok(Some(Self {
            id,
            position,
            proposed_at,
            proposed_by: proposed.proposed_by,
            state: state(&purge, was_requested),
            bookings: proposed.bookings,
            size_bytes: proposed.size_bytes,
            approved_by: purge.approved.as_ref().map(|approved| approved.approved_by.clone()),
            approved_at: purge.approved.as_ref().map(|approved| approved.approved_at),
            refused_by: purge.refused.as_ref().map(|refused| refused.refused_by.clone()),
            drives_needed: was_requested.then_some(purge.drives_needed),
            purged: purge.tally.purged,
            left: purge.tally.left,
            failure: purge.failure.as_ref().map(|failed| failed.message.clone()),
            changed_at: purge.changed_at,
        }))
    }
}

fn state(purge: &Purge, was_requested: bool) -> &'static str {
    if purge.refused.is_some() {
        "refused"
    } else if purge.is_requested {
        "requested"
    } else if purge.failure.is_some() {
        "needs-attention"
    } else if was_requested {
        "finished"
    } else if purge.approved.is_some() {
        "approved"
    } else {
        "proposed"
    }
}
