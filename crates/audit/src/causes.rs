//! Why bookings need a person.

use std::collections::BTreeMap;

use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::printable;
use strongroom_model::{BookingStatus, FailureKind, Position, Recorded, SubjectKind};

use crate::listed::READ_EVENTS;
use crate::prefix::Prefix;

/// The bookings that are read. With more than this something general is wrong, and the first ones show what.
const MAX_BOOKINGS: usize = 20_000;
const MAX_NAMED: usize = 3;
const MESSAGE_CHARS: usize = 160;

/// One cause for which bookings need a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The stable code.
    pub kind: FailureKind,
    /// How many bookings have it.
    pub bookings: u64,
    /// The cause in a few words.
    pub cause: &'static str,
    /// What a person does about it.
    pub next_step: &'static str,
    /// The first of the bookings.
    pub first: Vec<String>,
    /// The failure's message of the very first.
    pub message: String,
}

/// Why bookings need a person, the commonest cause first.
///
/// # Errors
/// The log cannot be read.
pub async fn causes(log: &EventLog) -> Result<Vec<Cause>, LogError> {
    let mut causes = BTreeMap::new();
    let mut next = Position(0);
    let mut seen = 0;
    while seen < MAX_BOOKINGS {
        let page = log.with_status(SubjectKind::Booking, STUCK, next, READ_EVENTS).await?;
        let Some(last) = page.last() else { break };
        next = last.position.next();
        seen += page.len();
        page.iter().filter_map(|stored| log.readable(stored)).for_each(|recorded| count(&mut causes, &recorded));
    }
    Ok(sorted(causes))
}

pub(crate) async fn causes_in(log: &EventLog, prefix: &Prefix) -> Result<Vec<Cause>, LogError> {
    let mut causes = BTreeMap::new();
    for head in prefix.with_status(SubjectKind::Booking, STUCK, Position(0), MAX_BOOKINGS) {
        let last = log.read(head.position, 1).await?;
        last.iter().filter_map(|stored| log.readable(stored)).for_each(|recorded| count(&mut causes, &recorded));
    }
    Ok(sorted(causes))
}

const STUCK: &str = BookingStatus::NeedsAttention.label();

fn sorted(causes: BTreeMap<FailureKind, Cause>) -> Vec<Cause> {
    let mut causes: Vec<_> = causes.into_values().collect();
    causes.sort_by_key(|cause: &Cause| std::cmp::Reverse(cause.bookings));
    causes
}

fn count(causes: &mut BTreeMap<FailureKind, Cause>, recorded: &Recorded) {
    let Some(failed) = recorded.event.failure() else { return };
    let cause = causes.entry(failed.kind).or_insert_with(|| Cause {
        kind: failed.kind,
        bookings: 0,
        cause: failed.kind.cause(),
        next_step: failed.kind.step(),
        first: Vec::new(),
        message: printable(&failed.message, MESSAGE_CHARS),
    });
    cause.bookings += 1;
    if cause.first.len() < MAX_NAMED {
        cause.first.push(recorded.stream.id().to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[tokio::test]
    async fn bookings_are_counted_by_cause_and_the_first_are_named() {
        let mut events = samples::life("B-0");
        for name in ["B-1", "B-2", "B-3", "B-4"] {
            events.extend([samples::enumerated(name), samples::failed(name, None)]);
        }
        events.extend([samples::enumerated("B-5"), samples::failed("B-5", Some("2026-11-21T00:00:00Z"))]);
        let (_folder, log) = samples::log_of(events).await;
        let causes = causes(&log).await.unwrap();
        assert_eq!(causes.len(), 1);
        assert_eq!((causes[0].kind, causes[0].bookings), (FailureKind::CutShort, 4));
        assert_eq!(causes[0].first, ["B-1", "B-2", "B-3"]);
    }
}
