use jiff::Timestamp;
use strongroom_model::{AlarmKind, Event, Recorded};

use super::Bounded;

/// An alarm's beginning or end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// When.
    pub at: Timestamp,
    /// The stream's id.
    pub alarm: String,
    /// The kind, for a beginning.
    pub raised: Option<AlarmKind>,
    /// Its message.
    pub message: String,
}

/// Alarms that began or ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    /// Alarms that began.
    pub raised: u64,
    /// Alarms that ended.
    pub cleared: u64,
    /// Overdue runs among those that began.
    pub overdue: u64,
    /// All beginnings and ends, in order.
    pub changes: Bounded<AlarmChange>,
}

impl Alarms {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        let (kind, message) = match &recorded.event {
            Event::AlarmRaised(data) => (Some(data.kind), &data.message),
            Event::AlarmCleared(data) => (None, &data.message),
            _ => return,
        };
        self.raised += u64::from(kind.is_some());
        self.cleared += u64::from(kind.is_none());
        self.overdue += u64::from(kind == Some(AlarmKind::RunOverdue));
        self.changes.push(AlarmChange {
            at: recorded.time,
            alarm: recorded.stream.id().to_owned(),
            raised: kind,
            message: message.clone(),
        });
    }
}
