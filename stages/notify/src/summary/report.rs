//! A summary's content, read from the log.

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::SummaryComposed;
use strongroom_model::summary::Summary;
use strongroom_model::{Fold, Position, SiteId, StreamName};

use super::open::{Open, PAGE, open_at};
use super::tally::Tally;

/// All that a summary says. It follows from its own composition and the events before the
/// end of its interval, and from nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whose log it is of.
    pub site: SiteId,
    /// Its number, interval and title.
    pub composed: SummaryComposed,
    /// When it was composed.
    pub composed_at: Timestamp,
    /// What happened in the interval.
    pub tally: Tally,
    /// What was open where it ended.
    pub open: Open,
    /// The number of the summary before it, if that was still to be sent where this one ends.
    pub unsent_before: Option<u64>,
}

/// A summary's content could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The log could not be read.
    #[error("the events of the summary cannot be read from the log")]
    Read(#[from] LogError),
    /// The log does not hold the summary's interval.
    #[error("the log ends at position {0}, before the summary does: run `strongroom log verify`")]
    EndsEarly(Position),
}

/// Reads a summary's content. Memory does not grow with the interval.
///
/// # Errors
/// The log could not be read, or makes no sense.
pub async fn report(log: &EventLog, composed: &SummaryComposed, composed_at: Timestamp) -> Result<Report, ReportError> {
    Ok(Report {
        site: log.site().clone(),
        composed: composed.clone(),
        composed_at,
        tally: tally(log, composed.from, composed.to).await?,
        open: open_at(log, composed.to).await?,
        unsent_before: unsent_before(log, composed).await?,
    })
}

/// Counts the events from one position up to, and without, another.
///
/// # Errors
/// The log could not be read, or ends before that.
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
    // A stream that makes no sense is not a sent summary.
    let sent = before.cloned().try_fold(Summary::default(), |summary, event| summary.next(&event));
    Ok(sent.map_or(true, |summary| summary.sent.is_none()).then_some(number))
}
