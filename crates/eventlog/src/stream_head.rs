//! The projection: a stream's head follows from its last event and, where that keeps the status, from the last one
//! that does not. So it can be checked and rebuilt without a fold.

use jiff::Timestamp;
use strongroom_model::event::CATALOGUE;
use strongroom_model::{
    Event, Next, Partition, Position, Recorded, Status, StreamName, Version, next_step, partition_of, status_of,
};

/// A stream's last event and what follows from it: its row in the projection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHead {
    /// The stream.
    pub stream: StreamName,
    /// Its first event's position.
    pub first_position: Position,
    /// Its last event's position.
    pub position: Position,
    /// Its last event's version.
    pub version: Version,
    /// The next work on its subject; the time is rounded up to microseconds.
    pub next: Option<Next>,
    /// Its subject's status, if that kind has one.
    pub status: Option<Status>,
    /// The next work's partition; `None`: anywhere.
    pub partition: Option<Partition>,
}

impl StreamHead {
    /// The head of a stream with that first position and last event; `decisive` is the last event that does not keep
    /// the status, usually the same.
    #[must_use]
    pub fn of(first_position: Position, last: &Recorded, decisive: Option<&Event>) -> Self {
        let next = next_step(&last.event);
        Self {
            stream: last.stream.clone(),
            first_position,
            position: last.position,
            version: last.version,
            next: next.map(|next| Next { stage: next.stage, not_before: next.not_before.map(up_to_micros) }),
            status: decisive.and_then(status_of),
            partition: decisive.and_then(partition_of),
        }
    }
}

/// Rounded up to microseconds: what is due by the result is due by the true instant.
fn up_to_micros(time: Timestamp) -> Timestamp {
    let micros = time.as_microsecond();
    let rest = time.as_nanosecond() - i128::from(micros) * 1000;
    Timestamp::from_microsecond(micros + i64::from(rest > 0)).unwrap_or(Timestamp::MAX)
}

pub(crate) fn keeping_types() -> Vec<&'static str> {
    CATALOGUE.iter().filter(|one| one.keeps_status).map(|one| one.name).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) head: StreamHead,
    /// Whether the row's status and partition stay, unread.
    pub(crate) keeps: bool,
}

impl Moved {
    pub(crate) const fn to(head: StreamHead) -> Self {
        Self { head, keeps: false }
    }
}
