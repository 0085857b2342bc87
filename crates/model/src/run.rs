//! A run: one enumeration and all that it set going.

use crate::envelope::Recorded;
use crate::event::{Event, Failed, RunEnumerated, RunRequested};
use crate::fold::{Fold, IllegalTransition};

/// What has become of a run, folded from its stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// What was asked for.
    pub requested: Option<RunRequested>,
    /// What it found.
    pub enumerated: Option<RunEnumerated>,
    /// The failure that it stands at, if it does.
    pub failure: Option<Failed>,
    /// How many attempts in a row have failed.
    pub failures: u32,
}

impl Run {
    /// Whether its enumeration is over, well or not.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.enumerated.is_some() || self.failure.as_ref().is_some_and(|failed| failed.retry_at.is_none())
    }
}

impl Fold for Run {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        match &event.event {
            Event::RunRequested(data) if self.requested.is_none() => self.requested = Some(data.clone()),
            Event::RunEnumerated(data) if self.requested.is_some() && !self.is_settled() => {
                self.enumerated = Some(data.clone());
                self.failure = None;
            }
            Event::RunFailed(failed) if self.requested.is_some() && !self.is_settled() => {
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failed.clone());
            }
            other => return Err(self.refuse(other)),
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        match (&self.requested, &self.enumerated) {
            (None, _) => "a run that nobody asked for",
            (Some(_), None) if self.is_settled() => "a failed run",
            (Some(_), None) => "a run that is due",
            (Some(_), Some(_)) => "a run that has enumerated",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
