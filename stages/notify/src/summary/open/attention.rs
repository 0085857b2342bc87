use std::collections::BTreeMap;

use crate::summary::tally::MAX_LISTED;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, FailureKind, Position, Recorded, StreamName, SubjectKind};

/// One subject that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Its stream.
    pub stream: StreamName,
    /// A booking's file name, as the server gave it; absent where it was never enumerated.
    pub filename: Option<String>,
    /// What happened.
    pub message: String,
    /// The quarantined copy's path.
    pub quarantined: Option<String>,
}

/// Subjects of one kind with one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    /// Their number.
    pub total: u64,
    /// The oldest, at most [`MAX_LISTED`].
    pub shown: Vec<Stuck>,
}

/// Subjects that need a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attention {
    /// Their number.
    pub total: u64,
    /// By kind of subject and cause.
    pub groups: BTreeMap<(SubjectKind, FailureKind), Group>,
}

impl Attention {
    /// How many of them are bookings: each is a file.
    pub fn files(&self) -> u64 {
        let files = self.groups.iter().filter(|((kind, _), _)| *kind == SubjectKind::Booking);
        files.map(|(_, group)| group.total).sum()
    }
}

/// Collects them in any order.
#[derive(Debug, Default)]
pub(super) struct Collector {
    groups: BTreeMap<(SubjectKind, FailureKind), Gathered>,
}

#[derive(Debug, Default)]
struct Gathered {
    total: u64,
    /// By position, so that which are shown does not depend on the order of gathering.
    shown: BTreeMap<Position, Stuck>,
}

impl Collector {
    /// Adds a subject by its last event.
    pub(super) fn add(&mut self, last: &Recorded) {
        let Some(failed) = last.event.failure() else { return };
        let group = self.groups.entry((last.stream.kind(), failed.kind)).or_default();
        group.total += 1;
        let stuck = Stuck {
            stream: last.stream.clone(),
            filename: None,
            message: failed.message.clone(),
            quarantined: failed.quarantined.clone(),
        };
        group.shown.insert(last.position, stuck);
        if group.shown.len() > MAX_LISTED {
            group.shown.pop_last();
        }
    }

    pub(super) async fn finish(self, log: &EventLog, to: Position) -> Result<Attention, LogError> {
        let mut attention = Attention::default();
        for (kind, gathered) in self.groups {
            attention.total += gathered.total;
            let names: Vec<StreamName> = gathered.shown.values().map(|stuck| stuck.stream.clone()).collect();
            let histories = log.readable_streams(&names).await?;
            let named = |mut stuck: Stuck| {
                stuck.filename = histories.get(&stuck.stream).and_then(|history| filename(history, to));
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
