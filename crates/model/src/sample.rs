//! A family of work for tests (feature `sample-family`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::envelope::Recorded;
use crate::event::{Event, Failed};
use crate::fold::{Fold, IllegalTransition};

/// A sample is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleRequested {
    /// How many attempts fail first.
    pub failures: u32,
}

/// A sample was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleTaken {
    /// The successful attempt's number, from 1.
    pub attempt: u32,
}

/// A sample's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// The request.
    pub requested: Option<SampleRequested>,
    /// The result.
    pub taken: Option<SampleTaken>,
    /// The last failure.
    pub failure: Option<Failed>,
    /// Failed attempts.
    pub failures: u32,
}

impl Fold for Sample {
    fn next(mut self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let is_open = self.requested.is_some() && self.taken.is_none();
        match &event.event {
            Event::SampleRequested(data) if self.requested.is_none() => self.requested = Some(data.clone()),
            Event::SampleTaken(data) if is_open => self.taken = Some(data.clone()),
            Event::WorkAttemptFailed(failed) | Event::WorkFailed(failed) if is_open => {
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failed.clone());
            }
            Event::WorkHeld(_) if is_open => {}
            other => return Err(self.refuse(other)),
        }
        Ok(self)
    }

    fn describe(&self) -> String {
        match (&self.requested, &self.taken) {
            (None, _) => "a sample without a request",
            (Some(_), None) => "a sample that is due",
            (Some(_), Some(_)) => "a sample that was taken",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
