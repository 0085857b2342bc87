//! Alarms, raised and cleared in turn.

use crate::envelope::Recorded;
use crate::event::{AlarmCleared, AlarmRaised, Event, Failed};
use crate::fold::{Fold, IllegalTransition};
use crate::id::EventId;
use jiff::Timestamp;

/// An alarm's beginning or end that was not mailed yet.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingChange {
    /// Its event.
    pub id: EventId,
    /// When it happened.
    pub time: Timestamp,
    /// What changed.
    pub change: Change,
}

impl PendingChange {
    /// The alarm.
    #[must_use]
    pub const fn alarm(&self) -> &AlarmRaised {
        match &self.change {
            Change::Raised(raised) | Change::Cleared(_, raised) => raised,
        }
    }
}

/// A beginning or an end.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The condition began.
    Raised(AlarmRaised),
    /// The condition ended; with its beginning.
    Cleared(AlarmCleared, AlarmRaised),
}

/// An alarm's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alarm {
    /// The lasting condition and its beginning.
    pub raised: Option<(AlarmRaised, Timestamp)>,
    /// Changes not yet notified, oldest first.
    pub pending: Vec<PendingChange>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failed attempts to notify.
    pub failures: u32,
    /// Recipients who have the mail about all pending changes while others do not. A further change goes to everybody.
    pub reached: Vec<String>,
}

impl Fold for Alarm {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let pending = |change| PendingChange { id: event.id, time: event.time, change };
        match &event.event {
            Event::AlarmRaised(data) if self.raised.is_none() => {
                self.reached.clear();
                self.pending.push(pending(Change::Raised(data.clone())));
                self.raised = Some((data.clone(), event.time));
            }
            Event::AlarmCleared(data) if self.raised.is_some() => {
                let (raised, _) = self.raised.take().expect("the guard saw it");
                self.reached.clear();
                self.pending.push(pending(Change::Cleared(data.clone(), raised)));
            }
            Event::AlarmNotified(data) if data.about.iter().all(|id| self.pending.iter().any(|one| one.id == *id)) => {
                self.pending.retain(|one| !data.about.contains(&one.id));
                self.failure = None;
                self.failures = 0;
                self.reached.clear();
            }
            Event::AlarmFailed(failed) if !self.pending.is_empty() => {
                self.failures = self.failures.saturating_add(1);
                self.reached.extend(failed.reached.iter().cloned());
                self.failure = Some(failed.clone());
            }
            other => return Err(self.refuse(other)),
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        if self.raised.is_some() { "an alarm that is raised" } else { "an alarm that is not raised" }.to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
