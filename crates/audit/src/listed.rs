//! Pages of the kinds of subject that are listed by age.
//!
//! They are sorted by where their streams begin, which never changes: a walk shows each subject that it began with
//! exactly once. A past position needs no fold of the log, only of the streams on the page.

use strongroom_eventlog::{EventLog, LogError, Stored, StreamHead};
use strongroom_model::{Position, Recorded, StreamName, SubjectKind, Version};

use crate::page::{Horizon, Page, PageRequest};

/// Events in one read: some hundred KiB.
pub(crate) const READ_EVENTS: usize = 500;

/// The next events before `end`, none at the end; `next` moves behind them.
pub(crate) async fn next_events(log: &EventLog, next: &mut Position, end: Position) -> Result<Vec<Stored>, LogError> {
    let left = usize::try_from(end.0.saturating_sub(next.0)).unwrap_or(usize::MAX);
    let page = log.read(*next, READ_EVENTS.min(left)).await?;
    *next = page.last().map_or(end, |last| last.position.next());
    Ok(page)
}

/// The newest streams first, each as `entry` makes it of its head; `None` is passed over.
pub(crate) async fn listed<T>(
    log: &EventLog,
    horizon: Horizon,
    kind: SubjectKind,
    request: &PageRequest,
    mut entry: impl AsyncFnMut(StreamHead) -> Result<Option<T>, LogError>,
) -> Result<Page<T>, LogError> {
    let limit = request.entries();
    let mut before = request.after.map_or(horizon.end, |cursor| cursor.0.min(horizon.end));
    let mut items: Vec<T> = Vec::new();
    loop {
        // One more: is there another page?
        let heads = log.newest_before(kind, before, limit + 1).await?;
        let is_last = heads.len() <= limit;
        for head in heads {
            if items.len() == limit {
                return Ok(horizon.page(log, items, Some(before)));
            }
            before = head.first_position;
            items.extend(entry(head).await?);
        }
        if is_last {
            return Ok(horizon.page(log, items, None));
        }
    }
}

/// The readable events of a stream within the horizon, oldest first.
pub(crate) async fn each_event(
    log: &EventLog,
    stream: &StreamName,
    horizon: Horizon,
    mut take: impl FnMut(&Recorded),
) -> Result<(), LogError> {
    each_stored(log, stream, |stored| {
        let is_included = horizon.includes(stored.position);
        if is_included && let Some(recorded) = log.readable(stored) {
            take(&recorded);
        }
        Ok(is_included)
    })
    .await
}

/// The events of a stream, oldest first, until `take` returns false.
pub(crate) async fn each_stored(
    log: &EventLog,
    stream: &StreamName,
    mut take: impl FnMut(&Stored) -> Result<bool, LogError>,
) -> Result<(), LogError> {
    let mut from = Version(0);
    loop {
        let page = log.stream_from(stream, from, READ_EVENTS).await?;
        for stored in &page {
            if !take(stored)? {
                return Ok(());
            }
        }
        if page.len() < READ_EVENTS {
            return Ok(());
        }
        from = Version(from.0 + page.len() as u64);
    }
}

/// The newest first, until `take` returns true.
pub(crate) async fn each_event_back(
    log: &EventLog,
    head: &StreamHead,
    horizon: Horizon,
    mut take: impl FnMut(&Recorded) -> bool,
) -> Result<(), LogError> {
    /// Most often a few are enough.
    const READ_BACK_EVENTS: u64 = 32;
    let mut end = head.version.0 + 1;
    while end > 0 {
        let from = end.saturating_sub(READ_BACK_EVENTS);
        let page = log.stream_from(&head.stream, Version(from), usize::try_from(end - from).unwrap_or(0)).await?;
        for stored in page.iter().rev().filter(|stored| horizon.includes(stored.position)) {
            if log.readable(stored).is_some_and(|recorded| take(&recorded)) {
                return Ok(());
            }
        }
        end = from;
    }
    Ok(())
}
