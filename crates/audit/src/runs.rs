//! The runs that the log knows.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{Failed, Trigger, ZeroReason};
use strongroom_model::run::Run;
use strongroom_model::{Actor, Fold, Position, RunId, StreamName, SubjectKind};

use crate::listed::{each_event, listed};
use crate::page::{Horizon, Page, PageRequest, ViewError};

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunEntry {
    /// The run.
    pub id: RunId,
    /// Position of its request.
    pub position: Position,
    /// When it was requested.
    pub requested_at: Timestamp,
    /// Who requested it.
    pub requested_by: Actor,
    /// What started it.
    pub trigger: Trigger,
    /// The most bookings that it may claim, the oldest first.
    pub oldest: u32,
    /// Its progress.
    pub state: RunState,
    /// Bookings that waited on the server; `None`: it was not asked yet.
    pub waiting: Option<u64>,
    /// Bookings that it claimed.
    pub enumerated: Option<u64>,
    /// Why it claimed none.
    pub zero_reason: Option<ZeroReason>,
    /// The last failure.
    pub failure: Option<String>,
    /// When it is retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}

/// A run's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// Requested; the server was not asked yet.
    Due,
    /// It asked the server.
    Enumerated,
    /// It failed and is retried.
    Retrying,
    /// It failed for good.
    Failed,
}

impl RunState {
    /// The JSON value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Due => "due",
            Self::Enumerated => "enumerated",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
        }
    }
}

/// A page of the runs, the newest first. A run with an unreadable request is left out.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn runs(log: &EventLog, request: &PageRequest) -> Result<Page<RunEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    Ok(runs_within(log, horizon, request).await?)
}

pub(crate) async fn runs_within(
    log: &EventLog,
    horizon: Horizon,
    request: &PageRequest,
) -> Result<Page<RunEntry>, LogError> {
    listed(log, horizon, SubjectKind::Run, request, async |head| {
        let Ok(id) = head.stream.id().parse() else { return Ok(None) };
        RunEntry::read(log, id, horizon).await
    })
    .await
}

impl RunEntry {
    async fn read(log: &EventLog, id: RunId, horizon: Horizon) -> Result<Option<Self>, LogError> {
        let (mut run, mut first) = (Run::default(), None);
        each_event(log, &StreamName::run(id), horizon, |recorded| {
            first.get_or_insert_with(|| (recorded.position, recorded.time, recorded.actor.clone()));
            // A verification reports an event that cannot follow.
            run = run.clone().next(recorded).unwrap_or_else(|_| run.clone());
        })
        .await?;
        let Some(((position, requested_at, requested_by), requested)) = first.zip(run.requested.clone()) else {
            return Ok(None);
        };
        let found = run.enumerated.as_ref();
        Ok(Some(Self {
            id,
            position,
            requested_at,
            requested_by,
            trigger: requested.trigger,
            oldest: requested.oldest,
            state: state(&run),
            waiting: found.map(|found| found.waiting),
            enumerated: found.map(|found| found.enumerated),
            zero_reason: found.and_then(|found| found.zero_reason),
            failure: run.failure.as_ref().map(|failed| failed.message.clone()),
            retry_at: run.failure.as_ref().and_then(|failed| failed.retry_at),
        }))
    }
}

const fn state(run: &Run) -> RunState {
    match (&run.enumerated, &run.failure) {
        (Some(_), _) => RunState::Enumerated,
        (None, Some(Failed { retry_at: None, .. })) => RunState::Failed,
        (None, Some(_)) => RunState::Retrying,
        (None, None) => RunState::Due,
    }
}
