use std::collections::BTreeMap;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Event, FailureKind, Position, Recorded, StreamName, SubjectKind};

use crate::summary::tally::MAX_LISTED;

/// One subject that needs a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) stream: StreamName,
    /// A booking's file name, as the server gave it; absent where it was never enumerated.
    pub(crate) filename: Option<String>,
    pub(crate) message: String,
    /// The quarantined copy's path.
    pub(crate) quarantined: Option<String>,
}

/// Subjects of one kind with one cause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) total: u64,
    /// The oldest, at most [`MAX_LISTED`]; by position, so that which are shown does not depend on the order of adding.
    pub(crate) shown: BTreeMap<Position, Stuck>,
}

/// Subjects that need a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attention {
    /// Their number.
    pub total: u64,
    /// By kind of subject and cause.
    pub(crate) groups: BTreeMap<(SubjectKind, FailureKind), Group>,
}

impl Attention {
    /// How many of them are bookings: each is a file.
    pub(crate) fn files(&self) -> u64 {
        let files = self.groups.iter().filter(|((kind, _), _)| *kind == SubjectKind::Booking);
        files.map(|(_, group)| group.total).sum()
    }

    /// Adds a subject by its last event.
    pub(super) fn add(&mut self, last: &Recorded) {
        let Some(failed) = last.event.failure() else { return };
        self.total += 1;
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

    /// Reads the names of the shown bookings' files, as they were before `to`.
    pub(super) async fn name_files(&mut self, log: &EventLog, to: Position) -> Result<(), LogError> {
        for group in self.groups.values_mut() {
            let names: Vec<StreamName> = group.shown.values().map(|stuck| stuck.stream.clone()).collect();
            let histories = log.readable_streams(&names).await?;
            for stuck in group.shown.values_mut() {
                stuck.filename = histories.get(&stuck.stream).and_then(|history| filename(history, to));
            }
        }
        Ok(())
    }
}

/// From its last enumeration before `to`.
fn filename(history: &[Recorded], to: Position) -> Option<String> {
    history.iter().rev().filter(|event| event.position < to).find_map(|event| match &event.event {
        Event::TimesheetEnumerated(data) => Some(data.filename.clone()),
        _ => None,
    })
}
