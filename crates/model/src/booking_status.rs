//! Bookings by status.

use serde::Serialize;

use crate::booking::Phase;
use crate::event::{Event, Failed};
use crate::flow::StageName;
use crate::status::Status;

/// A booking's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookingStatus {
    /// Given back to the next run.
    GivenBack,
    /// To be fetched, perhaps again.
    Enumerated,
    /// On the drive, not yet proven.
    Fetched,
    /// Proven, to be archived.
    BackedUp,
    /// Moved by the server.
    Archived,
    /// Deleted on the server.
    Purged,
    /// Failed: it needs a person.
    NeedsAttention,
}

impl BookingStatus {
    /// Every status, in order.
    pub const ALL: [Self; 7] = [
        Self::GivenBack,
        Self::Enumerated,
        Self::Fetched,
        Self::BackedUp,
        Self::Archived,
        Self::Purged,
        Self::NeedsAttention,
    ];

    /// Its label in the projection.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::GivenBack => "given-back",
            Self::Enumerated => "enumerated",
            Self::Fetched => "fetched",
            Self::BackedUp => "backed-up",
            Self::Archived => "archived",
            Self::Purged => "purged",
            Self::NeedsAttention => "needs-attention",
        }
    }

    /// The status with that label.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.label() == label)
    }

    /// A booking's status after that event.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::TimesheetEnumerated(_) => Self::Enumerated,
            Event::TimesheetFetched(_) => Self::Fetched,
            Event::TimesheetBackedUp(_) => Self::BackedUp,
            Event::TimesheetArchived(_) | Event::TimesheetRestored(_) => Self::Archived,
            Event::TimesheetPurged(_) => Self::Purged,
            Event::TimesheetFailed(Failed { retry_at: None, .. }) => Self::NeedsAttention,
            Event::TimesheetFailed(failed) => return Self::before(failed.stage.after_failure()),
            Event::TimesheetRetried(retried) => return Self::before(retried.stage),
            Event::TimesheetHeld(held) => return Self::before(held.stage),
            _ => return None,
        })
    }

    const fn before(stage: StageName) -> Option<Self> {
        match Phase::before(stage) {
            Some(phase) => Some(Self::at(phase)),
            None => None,
        }
    }

    pub(crate) const fn at(phase: Phase) -> Self {
        match phase {
            Phase::New => Self::GivenBack,
            Phase::Enumerated => Self::Enumerated,
            Phase::Fetched => Self::Fetched,
            Phase::BackedUp => Self::BackedUp,
            Phase::Archived => Self::Archived,
            Phase::Purged => Self::Purged,
        }
    }
}

/// How many bookings have each status; one that waits for a retry has that of the stage that tries again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BookingCounts {
    /// Given back to the next run. Not serialised: the server counts them as waiting.
    #[serde(skip)]
    pub given_back: u64,
    /// To be fetched.
    pub enumerated: u64,
    /// On the drive, to be proven.
    pub fetched: u64,
    /// Proven, to be archived.
    pub backed_up: u64,
    /// Moved by the server.
    pub archived: u64,
    /// Deleted on the server.
    pub purged: u64,
    /// Waiting for a person.
    pub needs_attention: u64,
}

impl BookingCounts {
    /// From counts by label; a newer version's statuses are left out.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = (Status, u64)>) -> Self {
        let mut of = Self::default();
        for (status, count) in counts {
            if let Some(status) = BookingStatus::from_label(status.as_str()) {
                *of.count_mut(status) += count;
            }
        }
        of
    }

    /// Counts one booking.
    pub const fn add(&mut self, status: BookingStatus) {
        *self.count_mut(status) += 1;
    }

    /// How many have that status.
    #[must_use]
    pub const fn count(mut self, status: BookingStatus) -> u64 {
        *self.count_mut(status)
    }

    /// All bookings.
    #[must_use]
    pub fn total(self) -> u64 {
        BookingStatus::ALL.into_iter().map(|status| self.count(status)).sum()
    }

    /// How many a stage works on.
    #[must_use]
    pub const fn in_progress(self) -> u64 {
        self.enumerated + self.fetched + self.backed_up
    }

    /// In progress or needing a person: the server may still offer them, but no run takes them.
    #[must_use]
    pub const fn claimed(self) -> u64 {
        self.in_progress() + self.needs_attention
    }

    const fn count_mut(&mut self, status: BookingStatus) -> &mut u64 {
        match status {
            BookingStatus::GivenBack => &mut self.given_back,
            BookingStatus::Enumerated => &mut self.enumerated,
            BookingStatus::Fetched => &mut self.fetched,
            BookingStatus::BackedUp => &mut self.backed_up,
            BookingStatus::Archived => &mut self.archived,
            BookingStatus::Purged => &mut self.purged,
            BookingStatus::NeedsAttention => &mut self.needs_attention,
        }
    }
}
