//! How many bookings wait on the server for a run.

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::wire::MAX_LIST;
use strongroom_model::{BookingCounts, BookingStatus, Status, StreamName, SubjectKind};
use strongroom_source::{Page, Source, SourceError};

/// 100,000 bookings. The list begins with the oldest, which runs claim first, so that claimed ones are on the first
/// pages.
const MAX_PAGES: usize = 100;

/// Why it is unknown.
#[derive(Debug, thiserror::Error)]
pub enum WaitingError {
    /// The server does not answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// How many bookings the server lists as waiting, without those that a run has claimed or that need a person. Without
/// a log all count.
///
/// # Errors
/// The server does not answer, or the log cannot be read.
pub async fn waiting(source: &Source, log: Option<&EventLog>) -> Result<u64, WaitingError> {
    let Some(log) = log else { return Ok(source.waiting(1, None).await?.waiting) };
    let counts = BookingCounts::of(log.counts(SubjectKind::Booking).await?);
    let known = counts.total() - counts.given_back;
    let mut in_hand = 0;
    let mut cursor = None;
    let mut waiting = 0;
    for _ in 0..MAX_PAGES {
        let page = source.waiting(MAX_LIST, cursor.as_deref()).await?;
        waiting = page.waiting;
        in_hand += taken(&page, log).await?;
        cursor = page.next;
        if cursor.is_none() || in_hand >= known {
            break;
        }
    }
    Ok(waiting.saturating_sub(in_hand))
}

async fn taken(page: &Page, log: &EventLog) -> Result<u64, LogError> {
    let ids = page.records.iter().filter_map(|record| match record {
        Ok(offer) => Some(&offer.id),
        Err(unusable) => unusable.id.as_ref(),
    });
    let names: Vec<_> = ids.map(StreamName::booking).collect();
    if names.is_empty() {
        return Ok(0);
    }
    let heads = log.heads(&names).await?;
    let given_back = Status::labelled(BookingStatus::GivenBack.label());
    Ok(heads.values().filter(|head| head.status.as_ref() != Some(&given_back)).count() as u64)
}
