//! An act on drives' contents: requested, advanced in slices, finished.

use jiff::Timestamp;

use crate::envelope::Recorded;
use crate::event::{CustodyRequested, Event, Failed, Tally};
use crate::fold::{Fold, IllegalTransition};
use crate::quantity::Position;

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It was done.
    Finished,
    /// A person ended it.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// An act's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Custody {
    /// The request.
    pub requested: Option<CustodyRequested>,
    /// When it was requested.
    pub requested_at: Option<Timestamp>,
    /// The first position not yet examined.
    pub next: Position,
    /// The sums so far.
    pub tally: Tally,
    /// How it ended, once it has.
    pub ended: Option<Ended>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failures.
    pub failures: u32,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

impl Custody {
    /// Whether it is still to be done.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.requested.is_some() && self.ended.is_none()
    }

    fn moved(mut self, event: &Event) -> Option<Self> {
        match event {
            Event::CustodyRequested(data) if self.requested.is_none() => self.requested = Some(data.clone()),
            _ if !self.is_open() => return None,
            Event::CustodyAdvanced(data) if data.next >= self.next => {
                self.next = data.next;
                self.tally.clone_from(&data.tally);
                self.failure = None;
                self.failures = 0;
            }
            Event::CustodyFinished(data) => {
                self.tally.clone_from(&data.tally);
                self.failure = None;
                self.ended = Some(Ended::Finished);
            }
            Event::CustodyCancelled(data) => self.ended = Some(Ended::Cancelled { reason: data.reason.clone() }),
            Event::WorkAttemptFailed(failed) | Event::WorkFailed(failed) => {
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failed.clone());
            }
            Event::WorkHeld(_) => {}
            _ => return None,
        }
        Some(self)
    }
}

impl Fold for Custody {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let refusal = self.refuse(&event.event);
        let mut moved = self.moved(&event.event).ok_or(refusal)?;
        moved.requested_at = moved.requested_at.or(Some(event.time));
        moved.changed_at = Some(event.time);
        Ok(moved)
    }

    fn describe(&self) -> String {
        match (&self.requested, &self.ended) {
            (None, _) => "an act that was not requested",
            (Some(_), None) => "an act that is to be done",
            (Some(_), Some(Ended::Finished)) => "a finished act",
            (Some(_), Some(Ended::Cancelled { .. })) => "a cancelled act",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
