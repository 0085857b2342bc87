use jiff::Timestamp;
use strongroom_model::{AlarmKind, Event, Recorded};

use super::Bounded;

/// An alarm's beginning or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlarmChange {
    pub(crate) at: Timestamp,
    /// The stream's id.
    pub(crate) alarm: String,
    /// The kind, for a beginning.
    pub(crate) raised: Option<AlarmKind>,
    pub(crate) message: String,
}

/// Alarms that began or ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Alarms that began.
    pub raised: u64,
    /// Overdue runs among those that began.
    pub(crate) overdue: u64,
    /// All beginnings and ends, in order.
    pub(crate) changes: Bounded<AlarmChange>,
}

impl Alarms {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        let (kind, message) = match &recorded.event {
            Event::AlarmRaised(data) => (Some(data.kind), &data.message),
            Event::AlarmCleared(data) => (None, &data.message),
            _ => return,
        };
        self.raised += u64::from(kind.is_some());
        self.overdue += u64::from(kind == Some(AlarmKind::RunOverdue));
        self.changes.push(AlarmChange {
            at: recorded.time,
            alarm: recorded.stream.id().to_owned(),
            raised: kind,
            message: message.clone(),
        });
    }
}
