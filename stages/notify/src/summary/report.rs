//! A summary's content.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use strongroom_audit::{HostEntry, JobEntry};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::SummaryComposed;
use strongroom_model::summary::Summary;
use strongroom_model::{Fold, Position, SiteId, StreamName};

use super::open::{self, Open, PAGE, open_at};
use super::tally::Tally;

/// A summary's content, which follows only from its composition and the events before its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SummaryReport {
    pub(crate) site: SiteId,
    pub(crate) composed: SummaryComposed,
    pub(crate) composed_at: Timestamp,
    /// What happened in the interval.
    pub(crate) tally: Tally,
    /// What was open at its end.
    pub(crate) open: Open,
    /// How jobs stood at its end, the worst first.
    pub(crate) jobs: Vec<JobEntry>,
    /// How the hosts that do them stood, the silent ones first.
    pub(crate) hosts: Vec<HostEntry>,
    /// The previous summary's number, if it was still unsent at this one's end.
    pub(crate) unsent_before: Option<u64>,
}

/// How jobs are judged.
#[derive(Debug, Clone)]
pub(crate) struct JobsAs {
    /// At that time.
    pub(crate) at: Timestamp,
    /// How long after its time a run may start.
    pub(crate) grace: Duration,
    /// The zone of times in sentences.
    pub(crate) zone: TimeZone,
}

/// A summary's content could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The log could not be read.
    #[error("the events of the summary cannot be read from the log")]
    Read(#[from] LogError),
    /// The log ends before the interval.
    #[error("the log ends at position {0}, before the summary does: run `strongroom log verify`")]
    EndsEarly(Position),
}

/// Reads a summary's content, with bounded memory.
pub(crate) async fn report(
    log: &EventLog,
    composed: &SummaryComposed,
    jobs: &JobsAs,
) -> Result<SummaryReport, ReportError> {
    let open = open_at(log, composed.to).await?;
    let entries = open::jobs::at(log, composed.to, jobs).await?;
    Ok(SummaryReport {
        site: log.site().clone(),
        composed: composed.clone(),
        composed_at: jobs.at,
        tally: tally(log, composed.from, composed.to).await?,
        hosts: open::hosts::of(&open.alarms, &entries),
        open,
        jobs: entries,
        unsent_before: unsent_before(log, composed).await?,
    })
}

/// Counts the events from a position up to, but without, another.
pub async fn tally(log: &EventLog, from: Position, to: Position) -> Result<Tally, ReportError> {
    let mut tally = Tally::default();
    let mut next = from;
    while next < to {
        let rest = usize::try_from(to.0 - next.0).unwrap_or(usize::MAX);
        let page = log.read(next, rest.min(PAGE)).await?;
        let last = page.last().ok_or(ReportError::EndsEarly(next))?;
        next = last.position.next();
        for stored in &page {
            match log.readable(stored) {
                Some(recorded) => tally.add(&recorded),
                None => tally.unreadable(stored.position),
            }
        }
    }
    Ok(tally)
}

async fn unsent_before(log: &EventLog, composed: &SummaryComposed) -> Result<Option<u64>, LogError> {
    let Some(number) = composed.number.checked_sub(1).filter(|number| *number > 0) else {
        return Ok(None);
    };
    let history = log.stream(&StreamName::summary(number)).await?;
    let before = history.iter().filter(|event| event.position < composed.to);
    // An inconsistent stream counts as unsent.
    let sent = before.cloned().try_fold(Summary::default(), |summary, event| summary.next(&event));
    Ok(sent.map_or(true, |summary| summary.sent.is_none()).then_some(number))
}
