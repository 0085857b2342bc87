//! A booking's life.
//!
//! ```text
//! New ─Enumerated─▶ Enumerated ─Fetched─▶ Fetched ─BackedUp─▶ BackedUp ─Archived─▶ Archived ─Purged─▶ Purged
//! ```
//! `Failed` leads to the phase of the stage that begins anew ([`StageName::after_failure`]). `Held` keeps everything: it says that a stage is still at
//! work. A failure without `retry_at` needs a person, and only `Retried` leads on from there.

use jiff::Timestamp;

use crate::booking_status::BookingStatus;
use crate::digest::Digest;
use crate::envelope::Recorded;
use crate::event::{Archived, BackedUp, Enumerated, Event, Failed, FailureKind, Fetched, Held, Retried};
use crate::flow::StageName;
use crate::fold::{Fold, IllegalTransition};
use crate::id::EventId;

/// How far a booking has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Not in hand.
    #[default]
    New,
    /// In hand; its file is to be fetched.
    Enumerated,
    /// On the drive, not yet proven.
    Fetched,
    /// Proven; the server is to be told.
    BackedUp,
    /// The server knows, and moved its copy.
    Archived,
    /// The server's copy is gone.
    Purged,
}

impl Phase {
    /// The phase in which this stage works on a booking; `None`: in none.
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

/// What has become of a booking, folded from its stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Booking {
    /// How far it has come.
    pub phase: Phase,
    /// What the server held when it was taken in hand.
    pub enumerated: Option<Enumerated>,
    /// The unproven or proven copy.
    pub fetched: Option<Fetched>,
    /// The proof.
    pub backed_up: Option<BackedUp>,
    /// The event that records the proof, and when it was proven: what the server is told,
    /// the same at every attempt.
    pub proven: Option<(EventId, Timestamp)>,
    /// Where the server put its copy.
    pub archived: Option<Archived>,
    /// The failure that it stands at, if it does.
    pub failure: Option<Failed>,
    /// How many attempts in a row have failed since it was taken in hand or proven.
    pub failures: u32,
    /// The wrong digest that came at the last attempt, if one did.
    pub wrong_digest: Option<Digest>,
    /// Whether an alarm about the server's record was raised for it.
    pub record_wrong: bool,
    /// When the last event happened.
    pub changed_at: Option<Timestamp>,
}

impl Booking {
    /// Where it stands.
    #[must_use]
    pub fn status(&self) -> BookingStatus {
        if self.needs_attention() { BookingStatus::NeedsAttention } else { BookingStatus::at(self.phase) }
    }

    /// Whether only a person can lead it on.
    #[must_use]
    pub fn needs_attention(&self) -> bool {
        self.failure.as_ref().is_some_and(|failed| failed.retry_at.is_none())
    }

    /// Whether a run must pass it over: an earlier one has it in hand, or a person must
    /// look first. A booking that was given back ([`Retried`]) is not in hand.
    #[must_use]
    pub fn in_hand(&self) -> bool {
        self.phase != Phase::New || self.failure.is_some()
    }

    /// Where [`Retried`] leads a booking that is in this state, if the server's record now has
    /// that digest (`None`: it is not known). A proof goes on only with the record that it is
    /// of, and with the copy that it is of; where the record was corrected since, or the copy was lost, all begins anew,
    /// beside the earlier copy.
    #[must_use]
    pub fn retry_stage(&self, recorded: Option<&Digest>) -> StageName {
        let is_lost = self.failure.as_ref().is_some_and(|failed| failed.kind == FailureKind::CopyLost);
        let is_other = |proof: &BackedUp| recorded.is_some_and(|recorded| *recorded != proof.digest);
        match &self.backed_up {
            Some(proof) if self.phase >= Phase::BackedUp && !is_other(proof) && !is_lost => StageName::Archive,
            _ => StageName::Enumerate,
        }
    }

    /// Whether that stage may work on it now.
    fn is_with(&self, stage: StageName) -> bool {
        Phase::before(stage) == Some(self.phase)
    }

    /// A run that takes it in hand does so in one step: only then is there something to hold.
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

    /// A retry is legal where a person was needed, and for an archived booking that the
    /// server has forgotten.
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

    /// Clears what only mattered to the step that was just taken.
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
                // `failures` and `wrong_digest` stay until the copy is proven: fetch and
                // verify could otherwise hand a bad file to each other for ever.
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
            Phase::New => "a booking that is not in hand",
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
