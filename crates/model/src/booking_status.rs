//! Where bookings stand, as people count them.

use serde::Serialize;

use crate::booking::Phase;
use crate::event::{Event, Failed};
use crate::flow::StageName;
use crate::status::Status;

/// Where a booking stands: how far it has come, unless it waits for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BookingStatus {
    /// A person gave it back for the next run to enumerate.
    GivenBack,
    /// Its file is to be fetched, for the first time or again.
    Enumerated,
    /// On the drive, not yet proven.
    Fetched,
    /// Proven; the server is to be told.
    BackedUp,
    /// The server knows, and moved its copy.
    Archived,
    /// The server's copy is gone.
    Purged,
    /// It failed, and only a person can lead it on.
    NeedsAttention,
}

impl BookingStatus {
    /// Every status, in the order of a booking's life.
    pub const ALL: [Self; 7] = [
        Self::GivenBack,
        Self::Enumerated,
        Self::Fetched,
        Self::BackedUp,
        Self::Archived,
        Self::Purged,
        Self::NeedsAttention,
    ];

    /// The word for it, as the log's projection has it.
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

    /// The status that an event leaves a booking in; `None` where it is not a booking's, or never the last of one.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        Some(match event {
            Event::TimesheetEnumerated(_) => Self::Enumerated,
            Event::TimesheetFetched(_) => Self::Fetched,
            Event::TimesheetBackedUp(_) => Self::BackedUp,
            Event::TimesheetArchived(_) => Self::Archived,
            Event::TimesheetPurged(_) => Self::Purged,
            Event::TimesheetFailed(Failed { retry_at: None, .. }) => Self::NeedsAttention,
            Event::TimesheetFailed(failed) => return Self::before(failed.stage.after_failure()),
            Event::TimesheetRetried(retried) => return Self::before(retried.stage),
            Event::TimesheetHeld(held) => return Self::before(held.stage),
            _ => return None,
        })
    }

    /// The status of a booking that waits for this stage.
    const fn before(stage: StageName) -> Option<Self> {
        match Phase::before(stage) {
            Some(phase) => Some(Self::at(phase)),
            None => None,
        }
    }

    /// The status of a booking that waits for nobody's attention.
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

/// How many bookings have which status. One that waits for a retry counts as what it is to become again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct BookingCounts {
    /// Given back by a person, for the next run to enumerate. Not serialized: the server counts them as waiting.
    #[serde(skip)]
    pub given_back: u64,
    /// To be fetched.
    pub enumerated: u64,
    /// On the drive, to be proven.
    pub fetched: u64,
    /// Proven; the server is to be told.
    pub backed_up: u64,
    /// The server knows, and moved its copies.
    pub archived: u64,
    /// The server's copies are gone, by approved purges.
    pub purged: u64,
    /// Only a person can lead them on.
    pub needs_attention: u64,
}

impl BookingCounts {
    /// The counts of a log, which knows statuses by their labels. One that only a newer version knows is left out.
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

    /// All bookings that the log knows.
    #[must_use]
    pub fn total(self) -> u64 {
        BookingStatus::ALL.into_iter().map(|status| self.count(status)).sum()
    }

    /// How many a stage works on.
    #[must_use]
    pub const fn in_progress(self) -> u64 {
        self.enumerated + self.fetched + self.backed_up
    }

    /// How many are between a run's list and the archive, or wait for a person: what the server may still offer though
    /// no run takes it again.
    #[must_use]
    pub const fn in_hand(self) -> u64 {
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
