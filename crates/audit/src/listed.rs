//! Pages of the kinds of subject that are listed by age.
//!
//! They are sorted by where their streams begin, which never changes: a walk shows each subject that it began with
//! exactly once. A past position needs no fold of the log, only of the streams on the page.

use strongroom_eventlog::{EventLog, LogError, StreamHead};
use strongroom_model::{Recorded, StreamName, SubjectKind, Version};

use crate::page::{Horizon, Page, PageRequest};

const READ_EVENTS: usize = 500;

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
    let mut from = Version(0);
    loop {
        let page = log.stream_from(stream, from, READ_EVENTS).await?;
        for stored in &page {
            if !horizon.includes(stored.position) {
                return Ok(());
            }
            if let Some(recorded) = log.readable(stored) {
                take(&recorded);
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
