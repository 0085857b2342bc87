//! A run and its enumeration.

use crate::envelope::Recorded;
use crate::event::{Event, Failed, RunEnumerated, RunRequested};
use crate::fold::{Fold, IllegalTransition};

/// A run's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The request.
    pub requested: Option<RunRequested>,
    /// The result.
    pub enumerated: Option<RunEnumerated>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failed attempts.
    pub failures: u32,
}

impl Run {
    /// Whether it enumerated, or failed for good.
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
            (None, _) => "a run that was not requested",
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
