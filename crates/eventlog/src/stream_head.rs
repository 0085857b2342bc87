//! The projection: each stream's last event, and what it leaves to be done.
//!
//! It follows from the stream's last event alone, so that it can be checked and made again
//! without folding anything.

use jiff::Timestamp;
use strongroom_model::event::{Event, Failed};
use strongroom_model::{Next, Position, Recorded, StageName, StreamName, Version, next_step};

/// Where a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamHead {
    /// The stream.
    pub stream: StreamName,
    /// Where its first event is.
    pub first_position: Position,
    /// Where its last event is.
    pub position: Position,
    /// Its last event's version.
    pub version: Version,
    /// Whose work it is next; its instant is whole microseconds.
    pub next: Option<Next>,
    /// Where the booking stands, if it is one's stream.
    pub standing: Option<Standing>,
}

impl StreamHead {
    /// The head of a stream whose first event is at `first_position` and whose last is this.
    #[must_use]
    pub fn of(first_position: Position, last: &Recorded) -> Self {
        let next = next_step(&last.event);
        Self {
            stream: last.stream.clone(),
            first_position,
            position: last.position,
            version: last.version,
            next: next.map(|next| Next { stage: next.stage, not_before: next.not_before.map(up_to_micros) }),
            standing: Standing::after(&last.event),
        }
    }
}

/// The instant, rounded up to whole microseconds: what is due by the rounded instant is
/// due by the true one.
fn up_to_micros(time: Timestamp) -> Timestamp {
    let micros = time.as_microsecond();
    let rest = time.as_nanosecond() - i128::from(micros) * 1000;
    Timestamp::from_microsecond(micros + i64::from(rest > 0)).unwrap_or(Timestamp::MAX)
}

/// Where a booking stands, as its last event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Not in hand: a person gave it back for the next run to take.
    GivenBack,
    /// In hand; its file is to be fetched, for the first time or again.
    Enumerated,
    /// On the drive, not yet proven.
    Fetched,
    /// Proven; the server is to be told.
    BackedUp,
    /// The server knows, and moved its copy.
    Archived,
    /// The server's copy is gone.
    Purged,
    /// It stands at a failure that only a person can lead on from.
    NeedsAttention,
}

impl Standing {
    /// Every standing, in the order of a booking's life.
    pub const ALL: [Self; 7] = [
        Self::GivenBack,
        Self::Enumerated,
        Self::Fetched,
        Self::BackedUp,
        Self::Archived,
        Self::Purged,
        Self::NeedsAttention,
    ];

    /// The word for it, as it stands in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
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

    /// The standing of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.name() == name)
    }

    /// Where a booking stands whose last event this is; `None` where it is no booking's.
    #[must_use]
    pub const fn after(event: &Event) -> Option<Self> {
        Some(match event {
            Event::TimesheetEnumerated(_) => Self::Enumerated,
            Event::TimesheetFetched(_) => Self::Fetched,
            Event::TimesheetBackedUp(_) => Self::BackedUp,
            Event::TimesheetArchived(_) => Self::Archived,
            Event::TimesheetPurged(_) => Self::Purged,
            Event::TimesheetFailed(failed) => Self::after_failure(failed),
            Event::TimesheetRetried(retried) => Self::before(retried.stage),
            Event::TimesheetHeld(held) => Self::before(held.stage),
            _ => return None,
        })
    }

    const fn after_failure(failed: &Failed) -> Self {
        match (failed.retry_at, failed.stage) {
            (None, _) => Self::NeedsAttention,
            // What could not be proven is fetched anew.
            (Some(_), StageName::Verify) => Self::Enumerated,
            (Some(_), stage) => Self::before(stage),
        }
    }

    /// Where a booking stands that waits for this stage.
    const fn before(stage: StageName) -> Self {
        match stage {
            StageName::Enumerate => Self::GivenBack,
            StageName::Fetch => Self::Enumerated,
            StageName::Verify => Self::Fetched,
            StageName::Archive => Self::BackedUp,
            StageName::Notify => Self::Archived,
        }
    }
}

/// How many bookings stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamCounts {
    /// Given back by a person, for the next run to take.
    pub given_back: u64,
    /// To be fetched.
    pub enumerated: u64,
    /// To be proven.
    pub fetched: u64,
    /// To be told to the server.
    pub backed_up: u64,
    /// Done.
    pub archived: u64,
    /// Done, and deleted on the server.
    pub purged: u64,
    /// At a failure that only a person can lead on from.
    pub needs_attention: u64,
    /// Of `enumerated`, `fetched` and `backed_up` together: how many wait for a retry's time.
    pub retrying: u64,
}

impl StreamCounts {
    /// All bookings that the log knows.
    #[must_use]
    pub fn total(&self) -> u64 {
        Standing::ALL.into_iter().map(|standing| self.of(standing)).sum()
    }

    /// How many stand there.
    #[must_use]
    pub const fn of(&self, standing: Standing) -> u64 {
        match standing {
            Standing::GivenBack => self.given_back,
            Standing::Enumerated => self.enumerated,
            Standing::Fetched => self.fetched,
            Standing::BackedUp => self.backed_up,
            Standing::Archived => self.archived,
            Standing::Purged => self.purged,
            Standing::NeedsAttention => self.needs_attention,
        }
    }

    pub(crate) const fn set(&mut self, standing: Standing, count: u64) {
        let field = match standing {
            Standing::GivenBack => &mut self.given_back,
            Standing::Enumerated => &mut self.enumerated,
            Standing::Fetched => &mut self.fetched,
            Standing::BackedUp => &mut self.backed_up,
            Standing::Archived => &mut self.archived,
            Standing::Purged => &mut self.purged,
            Standing::NeedsAttention => &mut self.needs_attention,
        };
        *field = count;
    }
}
