//! Alarms that began or ended.

use jiff::Timestamp;
use strongroom_model::{AlarmKind, Event, Recorded};

use super::Bounded;

/// A beginning or an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlarmChange {
    /// When.
    pub at: Timestamp,
    /// The alarm, as its stream is called.
    pub alarm: String,
    /// Of what kind, for a beginning.
    pub raised: Option<AlarmKind>,
    /// What was the matter, or what was found to be well again.
    pub message: String,
}

/// Alarms that began or ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Alarms {
    /// How many began.
    pub raised: u64,
    /// How many ended.
    pub cleared: u64,
    /// How many of those that began were runs that did not start or end in time.
    pub overdue: u64,
    /// Each of them, in order.
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
