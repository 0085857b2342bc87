//! An alarm: raised and cleared in turn, each told once.

use crate::envelope::Recorded;
use crate::event::{AlarmCleared, AlarmRaised, Event, Failed};
use crate::fold::{Fold, IllegalTransition};
use crate::id::EventId;
use jiff::Timestamp;

/// Something about an alarm that nobody has been told yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Untold {
    /// The event to tell of.
    pub id: EventId,
    /// When it happened.
    pub time: Timestamp,
    /// What began or ended.
    pub change: Change,
}

impl Untold {
    /// The alarm that began or ended.
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
    /// The condition ended; with what had begun.
    Cleared(AlarmCleared, AlarmRaised),
}

/// What has become of an alarm, folded from its stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alarm {
    /// The condition, while it lasts, and since when.
    pub raised: Option<(AlarmRaised, Timestamp)>,
    /// What nobody has been told yet, oldest first.
    pub untold: Vec<Untold>,
    /// The failure to tell that it stands at, if it does.
    pub failure: Option<Failed>,
    /// How many attempts to tell have failed in a row.
    pub failures: u32,
    /// The recipients who were told of all that is untold to others. Whatever happens to the alarm next, everybody
    /// is to be told of that.
    pub reached: Vec<String>,
}

impl Fold for Alarm {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let untold = |change| Untold { id: event.id, time: event.time, change };
        match &event.event {
            Event::AlarmRaised(data) if self.raised.is_none() => {
                self.reached.clear();
                self.untold.push(untold(Change::Raised(data.clone())));
                self.raised = Some((data.clone(), event.time));
            }
            Event::AlarmCleared(data) if self.raised.is_some() => {
                let (raised, _) = self.raised.take().expect("the guard saw it");
                self.reached.clear();
                self.untold.push(untold(Change::Cleared(data.clone(), raised)));
            }
            Event::AlarmNotified(data) if data.about.iter().all(|id| self.untold.iter().any(|one| one.id == *id)) => {
                self.untold.retain(|one| !data.about.contains(&one.id));
                self.failure = None;
                self.failures = 0;
                self.reached.clear();
            }
            Event::AlarmFailed(failed) if !self.untold.is_empty() => {
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
