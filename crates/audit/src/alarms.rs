//! Alarms: those that are raised, and those that are over.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError, StreamHead};
use strongroom_model::{AlarmKind, Event, Position, SubjectKind};

use crate::listed::{each_event_back, listed};
use crate::page::{Horizon, MAX_PAGE, Page, PageRequest, ViewError};

/// An alarm, as it was raised last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmEntry {
    /// What kind of condition.
    pub kind: AlarmKind,
    /// Of what.
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// What is the matter.
    pub message: String,
    /// What a person does about it.
    pub next_step: String,
    /// The position of the event that raised it.
    pub position: Position,
    /// Its end; `None`: it is raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleared: Option<AlarmEnd>,
}

/// The end of an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmEnd {
    /// When it was cleared.
    pub at: Timestamp,
    /// What was found to be well again.
    pub message: String,
    /// The position of the event that cleared it.
    pub position: Position,
}

/// Which alarms.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AlarmFilter {
    /// All, raised or not.
    #[default]
    All,
    /// Those that are raised.
    Raised,
    /// Those that are over.
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

/// A page of the alarms. An alarm is a condition of a thing; it is shown once, as it was raised last, and the story of
/// its subject has the times before. Those that were raised for the first time last come first. An alarm whose events
/// this version cannot read is left out.
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
        // A stream that did not go on after the horizon stands as its head says: most need not be read.
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

/// The label of the status of an alarm that is raised.
pub(crate) const RAISED: &str = "raised";

/// The alarms that are raised now, those raised last first, [`MAX_PAGE`] at most.
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
