//! The projection: each stream's last event, and what it leaves to be done.
//!
//! It follows from the stream's last event and, where that keeps the subject's status, from the last one that does not:
//! so it can be checked and made again without folding anything.

use jiff::Timestamp;
use strongroom_model::event::CATALOGUE;
use strongroom_model::{
    Event, Next, Partition, Position, Recorded, Status, StreamName, Version, next_step, partition_of, status_of,
};

/// Where a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHead {
    /// The stream.
    pub stream: StreamName,
    /// Where its first event is.
    pub first_position: Position,
    /// Where its last event is.
    pub position: Position,
    /// Its last event's version.
    pub version: Version,
    /// Whose work it is next; its instant is whole microseconds.
    pub next: Option<Next>,
    /// Where its subject stands; `None` where nobody asks.
    pub status: Option<Status>,
    /// What the next work on it is bound to; `None`: it can be done anywhere.
    pub partition: Option<Partition>,
}

impl StreamHead {
    /// The head of a stream whose first event is at `first_position` and whose last is this. `decisive` is the last
    /// that does not keep its subject's status: the same, as a rule; `None` where there is none.
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

/// The instant, rounded up to whole microseconds: what is due by the rounded instant is
/// due by the true one.
fn up_to_micros(time: Timestamp) -> Timestamp {
    let micros = time.as_microsecond();
    let rest = time.as_nanosecond() - i128::from(micros) * 1000;
    Timestamp::from_microsecond(micros + i64::from(rest > 0)).unwrap_or(Timestamp::MAX)
}

/// The types of the events that keep their subjects' status, for a database to look past them.
pub(crate) fn keeping_types() -> Vec<&'static str> {
    CATALOGUE.iter().filter(|one| one.keeps_status).map(|one| one.name).collect()
}

/// A head on its way into the projection.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) head: StreamHead,
    /// Whether the status and the partition stay what the row says already, which nobody has read.
    pub(crate) keeps: bool,
}

impl Moved {
    /// A head of which everything is known.
    pub(crate) const fn to(head: StreamHead) -> Self {
        Self { head, keeps: false }
    }
}
