//! The flow: which stage an event hands its subject to, and when.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::stream::SubjectKind;

/// A stage of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StageName {
    /// Takes the oldest signed-off bookings in hand.
    Enumerate,
    /// Brings a file onto the drive.
    Fetch,
    /// Reads it back and compares.
    Verify,
    /// Tells the server and has its copy moved.
    Archive,
    /// Tells people.
    Notify,
    /// Takes samples, in tests.
    #[cfg(feature = "sample-family")]
    Sample,
}

impl StageName {
    /// Every stage, in the order of the flow.
    pub const ALL: &[Self] = &[
        Self::Enumerate,
        Self::Fetch,
        Self::Verify,
        Self::Archive,
        Self::Notify,
        #[cfg(feature = "sample-family")]
        Self::Sample,
    ];

    /// The stage's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Enumerate => "enumerate",
            Self::Fetch => "fetch",
            Self::Verify => "verify",
            Self::Archive => "archive",
            Self::Notify => "notify",
            #[cfg(feature = "sample-family")]
            Self::Sample => "sample",
        }
    }
}

impl StageName {
    /// The stage that begins anew after this one failed: itself, except that what could not be proven is fetched anew,
    /// never proven again.
    #[must_use]
    pub const fn after_failure(self) -> Self {
        match self {
            Self::Verify => Self::Fetch,
            other => other,
        }
    }

    /// Whether its work is bound to partitions ([`crate::partition_of`]): a broker has a queue for each.
    #[must_use]
    pub const fn is_partitioned(self) -> bool {
        self.partitions().is_some()
    }

    /// The kind of subject whose ids are its partitions' names; `None`: its work is bound to none.
    #[must_use]
    pub const fn partitions(self) -> Option<SubjectKind> {
        match self {
            Self::Verify => Some(SubjectKind::Drive),
            _ => None,
        }
    }

    /// Whether its work is also taken from the log when the broker has not brought it for a while: people are told even
    /// while there is no broker.
    #[must_use]
    pub const fn outlives_broker(self) -> bool {
        matches!(self, Self::Notify)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no stage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown stage {0:?}: expected enumerate, fetch, verify, archive or notify")]
pub struct ParseStageError(String);

impl FromStr for StageName {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, ParseStageError> {
        Self::ALL
            .iter()
            .copied()
            .find(|stage| stage.name() == text)
            .ok_or_else(|| ParseStageError(crate::text::printable(text, 40)))
    }
}

/// The work that an event leaves to be done on its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// Whose work it is.
    pub stage: StageName,
    /// Not before this instant; absent: at once.
    pub not_before: Option<Timestamp>,
}

/// Which stage works on an event's subject next, if the event is its stream's last.
/// `None`: nothing is to be done until something else happens to it.
///
/// This one table drives in-process delivery, the broker's routing and the recovery of
/// pending work after a restart: what is pending is what the last events say.
#[must_use]
pub fn next_step(event: &Event) -> Option<Next> {
    let stage = match event {
        Event::RunRequested(_) => StageName::Enumerate,
        #[cfg(feature = "sample-family")]
        Event::SampleRequested(_) => StageName::Sample,
        Event::TimesheetEnumerated(_) => StageName::Fetch,
        Event::TimesheetFetched(_) => StageName::Verify,
        Event::TimesheetBackedUp(_) => StageName::Archive,
        // A retry that begins with the server's record waits for the next run's list.
        Event::TimesheetRetried(retried) if retried.stage == StageName::Enumerate => return None,
        Event::TimesheetRetried(retried) => retried.stage,
        // Whoever holds it goes on with it; if that process died, it is handed out again then.
        Event::TimesheetHeld(held) | Event::WorkHeld(held) => {
            return Some(Next { stage: held.stage, not_before: Some(held.until) });
        }
        Event::AlarmRaised(_) | Event::AlarmCleared(_) | Event::SummaryComposed(_) => StageName::Notify,
        Event::TimesheetFailed(failed)
        | Event::RunFailed(failed)
        | Event::AlarmFailed(failed)
        | Event::SummaryFailed(failed)
        | Event::WorkAttemptFailed(failed)
        | Event::WorkFailed(failed) => {
            let stage = failed.stage.after_failure();
            return failed.retry_at.map(|due| Next { stage, not_before: Some(due) });
        }
        Event::TimesheetArchived(_)
        | Event::TimesheetPurged(_)
        | Event::RunEnumerated(_)
        | Event::DriveInitialised(_)
        | Event::DriveAttached(_)
        | Event::DriveUsed(_)
        | Event::DriveAdopted(_)
        | Event::DriveIdentityRestored(_)
        | Event::AlarmNotified(_)
        | Event::SummarySent(_) => return None,
        #[cfg(feature = "sample-family")]
        Event::SampleTaken(_) => return None,
    };
    Some(Next { stage, not_before: None })
}
