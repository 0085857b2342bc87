//! A booking's life.
//!
//! ```text
//! New ─Enumerated─▶ Enumerated ─Fetched─▶ Fetched ─BackedUp─▶ BackedUp ─Archived─▶ Archived ─Purged─▶ Purged
//! ```
//! `Failed` leads back to a stage's phase (`StageName::after_failure`); without `retry_at` only `Retried` continues.
//! `Held` keeps the phase.

use jiff::Timestamp;

use crate::booking_status::BookingStatus;
use crate::digest::Digest;
use crate::envelope::Recorded;
use crate::event::{Archived, BackedUp, Enumerated, Event, Failed, FailureKind, Fetched, Held, Retried};
use crate::flow::StageName;
use crate::fold::{Fold, IllegalTransition};
use crate::id::EventId;

/// A booking's progress.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not claimed.
    #[default]
    New,
    /// Claimed, to be fetched.
    Enumerated,
    /// On the drive, not yet proven.
    Fetched,
    /// Proven, to be archived.
    BackedUp,
    /// Moved by the server.
    Archived,
    /// Deleted on the server.
    Purged,
}

impl Phase {
    /// The phase of the bookings that a stage works on; `None`: it works on none.
    #[must_use]
    pub const fn before(stage: StageName) -> Option<Self> {
        match stage {
            StageName::Enumerate => Some(Self::New),
            StageName::Fetch => Some(Self::Enumerated),
            StageName::Verify => Some(Self::Fetched),
            StageName::Archive => Some(Self::BackedUp),
            _ => None,
        }
    }
}

/// A booking's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Booking {
    /// Its phase.
    pub phase: Phase,
    /// The server's record when claimed.
    pub enumerated: Option<Enumerated>,
    /// The copy on the drive.
    pub fetched: Option<Fetched>,
    /// The proof.
    pub backed_up: Option<BackedUp>,
    /// The proof's event and time, the same at every report.
    pub proven: Option<(EventId, Timestamp)>,
    /// The server's moved copy.
    pub archived: Option<Archived>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failures since claim or proof.
    pub failures: u32,
    /// The last attempt's wrong digest.
    pub wrong_digest: Option<Digest>,
    /// Whether `record-wrong` was raised.
    pub record_wrong: bool,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

impl Booking {
    /// Its status.
    #[must_use]
    pub fn status(&self) -> BookingStatus {
        if self.needs_attention() { BookingStatus::NeedsAttention } else { BookingStatus::at(self.phase) }
    }

    /// Whether it waits for a person.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.failure.as_ref().is_some_and(|failed| failed.retry_at.is_none())
    }

    /// Whether runs must skip it, unless given back ([`Retried`]).
    #[must_use]
    pub fn is_claimed(&self) -> bool {
        self.phase != Phase::New || self.failure.is_some()
    }

    /// Where [`Retried`] leads, given the record's digest now (`None`: unknown). A proof holds only for its own record
    /// and copy: otherwise all begins again, beside the earlier copy.
    #[must_use]
    pub fn retry_stage(&self, recorded: Option<&Digest>) -> StageName {
        let is_lost = self.failure.as_ref().is_some_and(|failed| failed.kind == FailureKind::CopyLost);
        let is_other = |proof: &BackedUp| recorded.is_some_and(|recorded| *recorded != proof.digest);
        match &self.backed_up {
            Some(proof) if self.phase >= Phase::BackedUp && !is_other(proof) && !is_lost => StageName::Archive,
            _ => StageName::Enumerate,
        }
    }

    fn is_with(&self, stage: StageName) -> bool {
        Phase::before(stage) == Some(self.phase)
    }

    /// Enumerate claims in one step: nothing to hold.
    fn held(self, held: &Held) -> Option<Self> {
        (held.stage != StageName::Enumerate && self.is_with(held.stage)).then_some(self)
    }

    fn failed(mut self, failed: &Failed) -> Option<Self> {
        if !self.is_with(failed.stage) {
            return None;
        }
        self.phase = Phase::before(failed.stage.after_failure())?;
        if self.phase < Phase::Fetched {
            self.fetched = None;
        }
        self.failures = self.failures.saturating_add(1);
        self.wrong_digest.clone_from(&failed.digest);
        self.record_wrong |= matches!(failed.kind, FailureKind::RecordWrong | FailureKind::FileChanged);
        self.failure = Some(failed.clone());
        Some(self)
    }

    /// Legal where a person was needed, and for an archived booking that the server forgot.
    fn retried(mut self, retried: &Retried) -> Option<Self> {
        let legal_stage = match retried.stage {
            StageName::Enumerate => true,
            StageName::Archive => self.phase >= Phase::BackedUp,
            _ => false,
        };
        if !legal_stage || !(self.needs_attention() || self.phase == Phase::Archived) {
            return None;
        }
        if retried.stage == StageName::Enumerate {
            return Some(Self { record_wrong: self.record_wrong, ..Self::default() });
        }
        self.phase = Phase::BackedUp;
        self.archived = None;
        Some(self.forward())
    }

    fn forward(mut self) -> Self {
        self.failure = None;
        self.failures = 0;
        self.wrong_digest = None;
        self
    }

    fn moved(mut self, event: &Event) -> Option<Self> {
        let waits_for_person = self.needs_attention();
        match (self.phase, event) {
            (_, Event::TimesheetRetried(retried)) => return self.retried(retried),
            _ if waits_for_person => return None,
            (_, Event::TimesheetFailed(failed)) => return self.failed(failed),
            (_, Event::TimesheetHeld(held)) => return self.held(held),
            (Phase::New, Event::TimesheetEnumerated(data)) => {
                self.phase = Phase::Enumerated;
                self.enumerated = Some(data.clone());
                self = self.forward();
            }
            (Phase::Enumerated, Event::TimesheetFetched(data)) => {
                self.phase = Phase::Fetched;
                self.fetched = Some(data.clone());
                // `failures` and `wrong_digest` stay until the copy is proven: otherwise fetch and verify could pass
                // a bad file back and forth for ever.
                self.failure = None;
            }
            (Phase::Fetched, Event::TimesheetBackedUp(data)) => {
                self.phase = Phase::BackedUp;
                self.backed_up = Some(data.clone());
                self.record_wrong = false;
                self = self.forward();
            }
            (Phase::BackedUp, Event::TimesheetArchived(data)) => {
                self.phase = Phase::Archived;
                self.archived = Some(data.clone());
                self.record_wrong = false;
                self = self.forward();
            }
            (Phase::Archived, Event::TimesheetPurged(_)) => self.phase = Phase::Purged,
            (Phase::Archived | Phase::Purged, Event::TimesheetRestored(data)) => {
                self.phase = Phase::Archived;
                if let Some(archived) = &mut self.archived {
                    archived.path.clone_from(&data.path);
                }
            }
            _ => return None,
        }
        Some(self)
    }
}

impl Fold for Booking {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let refusal = self.refuse(&event.event);
        let mut moved = self.moved(&event.event).ok_or(refusal)?;
        if matches!(event.event, Event::TimesheetBackedUp(_)) {
            moved.proven = Some((event.id, event.time));
        }
        moved.changed_at = Some(event.time);
        Ok(moved)
    }

    fn describe(&self) -> String {
        let phase = match self.phase {
            Phase::New => "an unclaimed booking",
            Phase::Enumerated => "an enumerated booking",
            Phase::Fetched => "a fetched booking",
            Phase::BackedUp => "a backed-up booking",
            Phase::Archived => "an archived booking",
            Phase::Purged => "a purged booking",
        };
        match &self.failure {
            None => phase.to_owned(),
            Some(failed) if failed.retry_at.is_none() => format!("{phase} that needs attention"),
            Some(_) => format!("{phase} that waits for a retry"),
        }
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
