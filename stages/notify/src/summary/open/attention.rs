use std::collections::BTreeMap;

use crate::summary::tally::MAX_LISTED;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, FailureKind, Position, Recorded, StreamName};

/// A booking that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// The booking.
    pub booking: String,
    /// The server's file name, if it was ever taken.
    pub filename: Option<String>,
    /// What happened.
    pub message: String,
    /// The quarantined copy's path.
    pub quarantined: Option<String>,
}

/// Bookings with one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Their number.
    pub total: u64,
    /// The oldest, at most [`MAX_LISTED`].
    pub shown: Vec<Stuck>,
}

/// Bookings that need a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attention {
    /// Their number.
    pub total: u64,
    /// By cause.
    pub groups: BTreeMap<FailureKind, Group>,
}

/// Collects them in any order.
#[derive(Debug, Default)]
pub(super) struct Collector {
    groups: BTreeMap<FailureKind, Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    total: u64,
    /// By position, independent of the order of collection.
    shown: BTreeMap<Position, (StreamName, Stuck)>,
}

impl Collector {
    /// Adds a booking by its last event.
    pub(super) fn add(&mut self, last: &Recorded) {
        let Event::TimesheetFailed(failed) = &last.event else { return };
        let group = self.groups.entry(failed.kind).or_default();
        group.total += 1;
        let stuck = Stuck {
            booking: last.stream.id().to_owned(),
            filename: None,
            message: failed.message.clone(),
            quarantined: failed.quarantined.clone(),
        };
        group.shown.insert(last.position, (last.stream.clone(), stuck));
        if group.shown.len() > MAX_LISTED {
            group.shown.pop_last();
        }
    }

    pub(super) async fn finish(self, log: &EventLog, to: Position) -> Result<Attention, LogError> {
        let mut attention = Attention::default();
        for (kind, gathered) in self.groups {
            attention.total += gathered.total;
            let names: Vec<StreamName> = gathered.shown.values().map(|(stream, _)| stream.clone()).collect();
            let histories = log.readable_streams(&names).await?;
            let named = |(stream, mut stuck): (StreamName, Stuck)| {
                stuck.filename = histories.get(&stream).and_then(|history| filename(history, to));
                stuck
            };
            let shown = gathered.shown.into_values().map(named).collect();
            attention.groups.insert(kind, Group { total: gathered.total, shown });
        }
        Ok(attention)
    }
}

/// From its last enumeration before `to`.
fn filename(history: &[Recorded], to: Position) -> Option<String> {
    history.iter().rev().filter(|event| event.position < to).find_map(|event| match &event.event {
        Event::TimesheetEnumerated(data) => Some(data.filename.clone()),
        _ => None,
    })
}
