//! Alarms: those that are raised, and those that are over.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError, StreamHead};
use strongroom_model::{AlarmKind, Event, Position, SubjectKind};

use crate::listed::{each_event_back, listed};
use crate::page::{Horizon, MAX_PAGE, Page, PageRequest, ViewError};

/// An alarm as it was raised last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmEntry {
    /// Its kind.
    pub kind: AlarmKind,
    /// The subject: a drive, a booking or a queue.
    pub subject: String,
    /// When it was raised.
    pub since: Timestamp,
    /// What is wrong.
    pub message: String,
    /// What a person does about it.
    pub next_step: String,
    /// Position of the event that raised it.
    pub position: Position,
    /// When and why it was cleared; `None`: it is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<AlarmEnd>,
}

/// The end of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmEnd {
    /// When it was cleared.
    pub at: Timestamp,
    /// Why it ended.
    pub message: String,
    /// Position of the event that cleared it.
    pub position: Position,
}

/// Which alarms to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AlarmFilter {
    /// Raised and cleared.
    #[default]
    All,
    /// Still raised.
    Raised,
    /// No longer raised.
    Cleared,
}

impl AlarmFilter {
    fn fits(self, is_raised: bool) -> bool {
        match self {
            Self::All => true,
            Self::Raised => is_raised,
            Self::Cleared => !is_raised,
        }
    }
}

/// A page of the alarms, each as raised last, in the order in which they were first raised, the newest first. Earlier
/// times are in the subject's story. Alarms with unreadable events are left out.
///
/// # Errors
/// The log does not reach `as_of`, or cannot be read.
pub async fn alarms(log: &EventLog, filter: AlarmFilter, request: &PageRequest) -> Result<Page<AlarmEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    Ok(alarms_within(log, horizon, filter, request).await?)
}

async fn alarms_within(
    log: &EventLog,
    horizon: Horizon,
    filter: AlarmFilter,
    request: &PageRequest,
) -> Result<Page<AlarmEntry>, LogError> {
    listed(log, horizon, SubjectKind::Alarm, request, async |head| {
        // The head's status holds if the stream ends within the horizon, so most streams need not be read.
        if let Some(status) = head.status.as_ref().filter(|_| horizon.includes(head.position))
            && !filter.fits(status.as_str() == RAISED)
        {
            return Ok(None);
        }
        let entry = AlarmEntry::read(log, &head, horizon).await?;
        Ok(entry.filter(|entry| filter.fits(entry.cleared.is_none())))
    })
    .await
}

/// The status label of an alarm that is raised.
pub const RAISED: &str = "raised";

/// The alarms that are raised now, the newest first, [`MAX_PAGE`] at most.
///
/// # Errors
/// The log cannot be read.
pub async fn raised_alarms(log: &EventLog) -> Result<Vec<AlarmEntry>, LogError> {
    raised_within(log, Horizon::now(log).await?).await
}

pub(crate) async fn raised_within(log: &EventLog, horizon: Horizon) -> Result<Vec<AlarmEntry>, LogError> {
    let request = PageRequest { limit: MAX_PAGE, ..PageRequest::default() };
    let mut raised = alarms_within(log, horizon, AlarmFilter::Raised, &request).await?.items;
    raised.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.subject.cmp(&b.subject)));
    Ok(raised)
}

impl AlarmEntry {
    async fn read(log: &EventLog, head: &StreamHead, horizon: Horizon) -> Result<Option<Self>, LogError> {
        let (mut entry, mut cleared) = (None, None);
        each_event_back(log, head, horizon, |recorded| {
            match &recorded.event {
                Event::AlarmCleared(data) if cleared.is_none() => {
                    let (at, position) = (recorded.time, recorded.position);
                    cleared = Some(AlarmEnd { at, message: data.message.clone(), position });
                }
                Event::AlarmRaised(data) => {
                    entry = Some(Self {
                        kind: data.kind,
                        subject: data.subject.clone(),
                        since: recorded.time,
                        message: data.message.clone(),
                        next_step: data.next_step.clone(),
                        position: recorded.position,
                        cleared: cleared.take(),
                    });
                }
                _ => {}
            }
            entry.is_some()
        })
        .await?;
        Ok(entry)
    }
}
