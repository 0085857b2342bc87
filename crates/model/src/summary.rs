//! A summary mail.

use crate::envelope::Recorded;
use crate::event::{Event, Failed, SummaryComposed, SummarySent};
use crate::fold::{Fold, IllegalTransition};

/// A summary's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Its number and interval.
    pub composed: Option<SummaryComposed>,
    /// How it was sent.
    pub sent: Option<SummarySent>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failed attempts.
    pub failures: u32,
    /// Recipients who have it while others do not.
    pub reached: Vec<String>,
}

impl Fold for Summary {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let waits = self.composed.is_some() && self.sent.is_none();
        match &event.event {
            Event::SummaryComposed(data) if self.composed.is_none() => self.composed = Some(data.clone()),
            Event::SummarySent(data) if waits => {
                self.sent = Some(data.clone());
                self.failure = None;
            }
            Event::SummaryFailed(failed) if waits => {
                self.failures = self.failures.saturating_add(1);
                self.reached.extend(failed.reached.iter().cloned());
                self.failure = Some(failed.clone());
            }
            other => return Err(self.refuse(other)),
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        match (&self.composed, &self.sent) {
            (None, _) => "a summary that is not composed",
            (Some(_), None) => "a summary that is to be sent",
            (Some(_), Some(_)) => "a summary that was sent",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
