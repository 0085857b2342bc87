//! A purge's life: proposed, approved or refused by another person, executed in slices.

use jiff::Timestamp;

use crate::envelope::Recorded;
use crate::event::{Event, Failed, PurgeApproved, PurgeProposed, PurgeRefused, PurgeTally};
use crate::fold::{Fold, IllegalTransition};

/// A purge's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Purge {
    /// The proposal.
    pub proposed: Option<PurgeProposed>,
    /// The approval.
    pub approved: Option<PurgeApproved>,
    /// The refusal, which is final.
    pub refused: Option<PurgeRefused>,
    /// Whether it is to be executed now.
    pub is_requested: bool,
    /// On how many drives each file must be proven, as this execution was requested.
    pub drives_needed: u32,
    /// How many of its bookings are done in this execution.
    pub next: u64,
    /// The sums of this execution.
    pub tally: PurgeTally,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failures.
    pub failures: u32,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

impl Purge {
    fn moved(mut self, event: &Event) -> Option<Self> {
        match event {
            Event::PurgeProposed(data) if self.proposed.is_none() => self.proposed = Some(data.clone()),
            _ if self.proposed.is_none() => return None,
            Event::PurgeRefused(data) if !self.is_requested => self.refused = Some(data.clone()),
            _ if self.refused.is_some() => return None,
            Event::PurgeApproved(data) if self.approved.is_none() => self.approved = Some(data.clone()),
            // Once more, for what was left.
            Event::PurgeRequested(data) if self.approved.is_some() && !self.is_requested => {
                self.is_requested = true;
                self.drives_needed = data.drives_needed;
                self.next = 0;
                self.tally = PurgeTally::default();
                self = self.forward();
            }
            _ if !self.is_requested => return None,
            Event::PurgeAdvanced(data) if data.next >= self.next => {
                self.next = data.next;
                self.tally.clone_from(&data.tally);
                self = self.forward();
            }
            Event::PurgeFinished(data) => {
                self.tally.clone_from(&data.tally);
                self.is_requested = false;
                self = self.forward();
            }
            Event::WorkAttemptFailed(failed) => {
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failed.clone());
            }
            // A person may request it again.
            Event::WorkFailed(failed) => {
                self.failure = Some(failed.clone());
                self.is_requested = false;
            }
            Event::WorkHeld(_) => {}
            _ => return None,
        }
        Some(self)
    }

    fn forward(mut self) -> Self {
        self.failure = None;
        self.failures = 0;
        self
    }
}

impl Fold for Purge {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let refusal = self.refuse(&event.event);
        let mut moved = self.moved(&event.event).ok_or(refusal)?;
        moved.changed_at = Some(event.time);
        Ok(moved)
    }

    fn describe(&self) -> String {
        if self.refused.is_some() {
            "a refused purge"
        } else if self.is_requested {
            "a purge that is being executed"
        } else if self.approved.is_some() {
            "an approved purge"
        } else if self.proposed.is_some() {
            "a proposed purge"
        } else {
            "a purge that was not proposed"
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
