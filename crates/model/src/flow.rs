//! Which stage works next, and when.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{Event, JobWork};
use crate::macros::named;
use crate::stream::SubjectKind;

named! {
    /// A stage of the pipeline.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    pub enum StageName {
        /// Claims the oldest bookings.
        Enumerate = "enumerate",
        /// Copies a file onto the drive.
        Fetch = "fetch",
        /// Proves the copy.
        Verify = "verify",
        /// Reports proofs; the server moves its files.
        Archive = "archive",
        /// Verifies, copies, repairs and restores what drives hold.
        Custody = "custody",
        /// Has the server delete what an approved purge names.
        Purge = "purge",
        /// Runs backup jobs' tools.
        Transfer = "transfer",
        /// Proves what backup jobs copied.
        Prove = "prove",
        /// Sends mail to people.
        Notify = "notify",
        /// Takes samples, in tests.
        Sample = "sample" if "sample-family",
    }
}

impl StageName {
    /// The stage that resumes after a failure: what could not be proven is fetched again.
    #[must_use]
    pub(crate) const fn after_failure(self) -> Self {
        match self {
            Self::Verify => Self::Fetch,
            other => other,
        }
    }

    /// Whether it works on jobs' runs. A run that failed for good is history: the job's own state says what is needed.
    #[must_use]
    pub const fn is_of_jobs(self) -> bool {
        matches!(self, Self::Transfer | Self::Prove)
    }

    /// Whether it has partitions ([`crate::partition_of`]), each with its own queue.
    #[must_use]
    pub const fn is_partitioned(self) -> bool {
        self.partitions().is_some()
    }

    /// The kind of subject whose ids name its partitions, if it has any.
    #[must_use]
    pub const fn partitions(self) -> Option<SubjectKind> {
        match self {
            Self::Verify | Self::Custody => Some(SubjectKind::Drive),
            Self::Transfer | Self::Prove => Some(SubjectKind::Host),
            _ => None,
        }
    }

    /// Whether its work is taken from the log too when the broker fails: people are notified without one.
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

/// A text that is not a stage's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown stage {0:?}; expected one of {expected}", expected = names())]
pub struct ParseStageError(String);

fn names() -> String {
    StageName::ALL.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for StageName {
    type Err = ParseStageError;

    fn from_str(text: &str) -> Result<Self, ParseStageError> {
        Self::named(text).ok_or_else(|| ParseStageError(crate::text::printable(text, 40)))
    }
}

/// The work after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// The stage that works next.
    pub stage: StageName,
    /// The earliest time; absent: now.
    pub not_before: Option<Timestamp>,
}

/// The next stage, if the event is its stream's last; `None`: nothing is to be done until something else happens. This
/// one table drives in-process delivery, the broker's routing and recovery after a restart.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one table with a line for each type of event")]
pub fn next_step(event: &Event) -> Option<Next> {
    let stage = match event {
        Event::RunRequested(_) => StageName::Enumerate,
        #[cfg(feature = "sample-family")]
        Event::SampleRequested(_) => StageName::Sample,
        Event::TimesheetEnumerated(_) => StageName::Fetch,
        Event::TimesheetFetched(_) => StageName::Verify,
        Event::TimesheetBackedUp(_) => StageName::Archive,
        Event::CustodyRequested(requested) if requested.act.is_attended() => return None,
        Event::CustodyRequested(_) | Event::CustodyAdvanced(_) => StageName::Custody,
        Event::PurgeRequested(_) | Event::PurgeAdvanced(_) => StageName::Purge,
        Event::JobRunRequested(requested) if requested.work == JobWork::Prove => StageName::Prove,
        Event::JobRunRequested(_) | Event::JobRunStarted(_) => StageName::Transfer,
        Event::JobRunTransferred(transferred) if transferred.prove => StageName::Prove,
        // Not delivered: the next run's list finds it.
        Event::TimesheetRetried(retried) if retried.stage == StageName::Enumerate => return None,
        Event::TimesheetRetried(retried) => retried.stage,
        // Delivered again then, if the holder died.
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
        | Event::TimesheetRestored(_)
        | Event::RunEnumerated(_)
        | Event::DriveInitialised(_)
        | Event::DriveAttached(_)
        | Event::DriveUsed(_)
        | Event::DriveAdopted(_)
        | Event::DriveIdentityRestored(_)
        | Event::DriveHandedOver(_)
        | Event::DriveReturned(_)
        | Event::DriveRetired(_)
        | Event::DriveLost(_)
        | Event::CopyMade(_)
        | Event::CopyProven(_)
        | Event::CopyDamaged(_)
        | Event::CopyRepaired(_)
        | Event::CopyRestored(_)
        | Event::CustodyFinished(_)
        | Event::CustodyCancelled(_)
        | Event::PurgeProposed(_)
        | Event::PurgeApproved(_)
        | Event::PurgeRefused(_)
        | Event::PurgeFinished(_)
        | Event::HostJoined(_)
        | Event::HostRetired(_)
        | Event::JobDefined(_)
        | Event::JobRetired(_)
        | Event::JobRunDue(_)
        | Event::JobCancelRequested(_)
        | Event::JobRunEnded(_)
        | Event::JobRunTransferred(_)
        | Event::JobRunVerified(_)
        | Event::JobRunCancelled(_)
        | Event::AlarmNotified(_)
        | Event::SummarySent(_)
        | Event::KeyCreated(_)
        | Event::KeyRotated(_)
        | Event::WitnessAdded(_)
        | Event::WitnessRemoved(_) => return None,
        #[cfg(feature = "sample-family")]
        Event::SampleTaken(_) => return None,
    };
    Some(Next { stage, not_before: None })
}
