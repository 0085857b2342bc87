//! The catalogue of events. A released event never changes: a new meaning is a new version.

mod alarm;
mod copy;
mod custody;
mod drive;
mod failure;
mod host;
mod job;
mod jobrun;
mod key;
mod purge;
mod run;
mod summary;
mod timesheet;

use serde::{Serialize, Serializer};

pub use self::alarm::{AlarmCleared, AlarmKey, AlarmKind, AlarmNotified, AlarmRaised, Blocks, ClearedBy};
pub use self::copy::{CopyDamaged, CopyProven, CopyRestored, Found};
pub use self::custody::{
    Act, CustodyAdvanced, CustodyCancelled, CustodyFinished, CustodyRequested, GivenUp, MountedDrive, RestoreTo,
    Selection, Tally,
};
pub use self::drive::{
    DiskOf, DriveAdopted, DriveAttached, DriveHandedOver, DriveIdentityRestored, DriveInitialised, DriveLost,
    DriveRetired, DriveReturned, DriveUsed,
};
pub use self::failure::{Failed, FailureKind};
pub use self::host::{HostJoined, HostRetired};
pub use self::job::{
    JobCancelRequested, JobDefined, JobOutcome, JobRetired, JobRunDue, JobRunEnded, JobSchedule, WholeProof,
};
pub use self::jobrun::{
    JobCounts, JobDetail, JobEvidence, JobItem, JobRunCancelled, JobRunRequested, JobRunStarted, JobRunTransferred,
    JobRunVerified, JobTool, JobTrigger, JobWork,
};
pub use self::key::{KeyCreated, KeyRotated, WitnessAdded, WitnessRemoved};
pub use self::purge::{
    Left, PurgeAdvanced, PurgeApproved, PurgeFinished, PurgeProposed, PurgeRefused, PurgeRequested, PurgeTally,
};
pub use self::run::{Rejected, RunEnumerated, RunRequested, Trigger, ZeroReason};
pub use self::summary::{SummaryComposed, SummarySent};
pub use self::timesheet::{
    Archived, BackedUp, Enumerated, Fetched, Held, Purged, ReadBack, Restored, Retried, SyncMethod,
};
use crate::quantity::ByteCount;
#[cfg(feature = "sample-family")]
use crate::sample::{SampleRequested, SampleTaken};
use crate::stream::SubjectKind;

/// A type of event.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// Its name, such as `strongroom.timesheet.backed-up.v1`.
    pub name: &'static str,
    /// Its subject's kind; `None`: any.
    pub subject: Option<SubjectKind>,
    /// Whether it leaves its subject's status and partition as they were.
    pub keeps_status: bool,
    /// The JSON Schema of its `data`.
    pub schema: fn() -> schemars::Schema,
}

/// Bytes outside this catalogue.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// An unknown type.
    #[error("event type {0:?} is not known to this version: upgrade strongroom, then try again")]
    UnknownType(String),
    /// Data that does not fit its type.
    #[error("the data of a {type_name} event does not fit its schema")]
    BadData {
        /// The event's type.
        type_name: &'static str,
        /// The cause.
        source: serde_json::Error,
    },
}

macro_rules! catalogue {
    (@keeps) => { false };
    (@keeps keeps_status) => { true };
    (@subject any) => { None };
    (@subject $subject:ident) => { Some(SubjectKind::$subject) };
    (@type $data:ty, $name:literal, $subject:ident $(, $keeps:ident)?) => {
        EventType {
            name: concat!("strongroom.", $name),
            subject: catalogue!(@subject $subject),
            keeps_status: catalogue!(@keeps $($keeps)?),
            schema: || schemars::schema_for!($data),
        }
    };
    ($($variant:ident($data:ty) = $name:literal of $subject:ident $(, $keeps:ident)? $(if $feature:literal)?;)+) => {
        /// A fact with its data.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $(#[doc = $name] $(#[cfg(feature = $feature)])? $variant($data),)+
        }

        /// Every type of event, in the order of a booking's life.
        pub const CATALOGUE: &[EventType] = &[
            $($(#[cfg(feature = $feature)])? catalogue!(@type $data, $name, $subject $(, $keeps)?),)+
        ];

        impl Event {
            /// Its type.
            #[must_use]
            pub const fn event_type(&self) -> EventType {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(_) => {
                        catalogue!(@type $data, $name, $subject $(, $keeps)?)
                    })+
                }
            }

            pub(crate) fn serialize_data<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(data) => data.serialize(serializer),)+
                }
            }

            /// Reads an event's `data`.
            ///
            /// # Errors
            /// The type is unknown, or the data does not fit.
            pub fn decode(type_name: &str, data: &str) -> Result<Self, DecodeError> {
                match type_name {
                    $($(#[cfg(feature = $feature)])? concat!("strongroom.", $name) => serde_json::from_str(data)
                        .map(Self::$variant)
                        .map_err(|source| DecodeError::BadData {
                            type_name: concat!("strongroom.", $name),
                            source,
                        }),)+
                    _ => Err(DecodeError::UnknownType(crate::text::printable(type_name, 120))),
                }
            }
        }
    };
}

catalogue! {
    TimesheetEnumerated(Enumerated) = "timesheet.enumerated.v1" of Booking;
    TimesheetFetched(Fetched) = "timesheet.fetched.v1" of Booking;
    TimesheetBackedUp(BackedUp) = "timesheet.backed-up.v1" of Booking;
    TimesheetArchived(Archived) = "timesheet.archived.v1" of Booking;
    TimesheetPurged(Purged) = "timesheet.purged.v1" of Booking;
    TimesheetRestored(Restored) = "timesheet.restored.v1" of Booking;
    TimesheetFailed(Failed) = "timesheet.failed.v1" of Booking;
    TimesheetRetried(Retried) = "timesheet.retried.v1" of Booking;
    TimesheetHeld(Held) = "timesheet.held.v1" of Booking, keeps_status;
    RunRequested(RunRequested) = "run.requested.v1" of Run;
    RunEnumerated(RunEnumerated) = "run.enumerated.v1" of Run;
    RunFailed(Failed) = "run.failed.v1" of Run;
    DriveInitialised(DriveInitialised) = "drive.initialised.v1" of Drive;
    DriveAttached(DriveAttached) = "drive.attached.v1" of Drive;
    DriveUsed(DriveUsed) = "drive.used.v1" of Drive;
    DriveAdopted(DriveAdopted) = "drive.adopted.v1" of Drive;
    DriveIdentityRestored(DriveIdentityRestored) = "drive.identity-restored.v1" of Drive;
    DriveHandedOver(DriveHandedOver) = "drive.handed-over.v1" of Drive;
    DriveReturned(DriveReturned) = "drive.returned.v1" of Drive;
    DriveRetired(DriveRetired) = "drive.retired.v1" of Drive;
    DriveLost(DriveLost) = "drive.lost.v1" of Drive;
    CopyMade(CopyProven) = "copy.made.v1" of Copy;
    CopyProven(CopyProven) = "copy.proven.v1" of Copy;
    CopyDamaged(CopyDamaged) = "copy.damaged.v1" of Copy;
    CopyRepaired(CopyProven) = "copy.repaired.v1" of Copy;
    CopyRestored(CopyRestored) = "copy.restored.v1" of Copy, keeps_status;
    CustodyRequested(CustodyRequested) = "custody.requested.v1" of Custody;
    CustodyAdvanced(CustodyAdvanced) = "custody.advanced.v1" of Custody, keeps_status;
    CustodyFinished(CustodyFinished) = "custody.finished.v1" of Custody;
    CustodyCancelled(CustodyCancelled) = "custody.cancelled.v1" of Custody;
    PurgeProposed(PurgeProposed) = "purge.proposed.v1" of Purge;
    PurgeApproved(PurgeApproved) = "purge.approved.v1" of Purge;
    PurgeRefused(PurgeRefused) = "purge.refused.v1" of Purge;
    PurgeRequested(PurgeRequested) = "purge.requested.v1" of Purge;
    PurgeAdvanced(PurgeAdvanced) = "purge.advanced.v1" of Purge, keeps_status;
    PurgeFinished(PurgeFinished) = "purge.finished.v1" of Purge;
    HostJoined(HostJoined) = "host.joined.v1" of Host;
    HostRetired(HostRetired) = "host.retired.v1" of Host;
    JobDefined(JobDefined) = "job.defined.v1" of Job, keeps_status;
    JobRetired(JobRetired) = "job.retired.v1" of Job;
    JobRunDue(JobRunDue) = "job.run-due.v1" of Job, keeps_status;
    JobCancelRequested(JobCancelRequested) = "job.cancel-requested.v1" of Job, keeps_status;
    JobRunEnded(JobRunEnded) = "job.run-ended.v1" of Job;
    JobRunRequested(JobRunRequested) = "jobrun.requested.v1" of JobRun;
    JobRunStarted(JobRunStarted) = "jobrun.started.v1" of JobRun;
    JobRunTransferred(JobRunTransferred) = "jobrun.transferred.v1" of JobRun;
    JobRunVerified(JobRunVerified) = "jobrun.verified.v1" of JobRun;
    JobRunCancelled(JobRunCancelled) = "jobrun.cancelled.v1" of JobRun;
    AlarmRaised(AlarmRaised) = "alarm.raised.v1" of Alarm;
    AlarmCleared(AlarmCleared) = "alarm.cleared.v1" of Alarm;
    AlarmNotified(AlarmNotified) = "alarm.notified.v1" of Alarm, keeps_status;
    AlarmFailed(Failed) = "alarm.failed.v1" of Alarm, keeps_status;
    SummaryComposed(SummaryComposed) = "summary.composed.v1" of Summary;
    SummarySent(SummarySent) = "summary.sent.v1" of Summary;
    SummaryFailed(Failed) = "summary.failed.v1" of Summary;
    KeyCreated(KeyCreated) = "key.created.v1" of Key;
    KeyRotated(KeyRotated) = "key.rotated.v1" of Key;
    WitnessAdded(WitnessAdded) = "witness.added.v1" of Key;
    WitnessRemoved(WitnessRemoved) = "witness.removed.v1" of Key;
    WorkAttemptFailed(Failed) = "work.attempt-failed.v1" of any, keeps_status;
    WorkFailed(Failed) = "work.failed.v1" of any;
    WorkHeld(Held) = "work.held.v1" of any, keeps_status;
    SampleRequested(SampleRequested) = "sample.requested.v1" of Sample if "sample-family";
    SampleTaken(SampleTaken) = "sample.taken.v1" of Sample if "sample-family";
}

impl Event {
    /// The CloudEvents `type`.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        self.event_type().name
    }

    /// Whether it leaves its subject's status and partition as they were.
    #[must_use]
    pub const fn keeps_status(&self) -> bool {
        self.event_type().keeps_status
    }

    /// The failure that it records.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failed> {
        match self {
            Self::TimesheetFailed(failed)
            | Self::RunFailed(failed)
            | Self::AlarmFailed(failed)
            | Self::SummaryFailed(failed)
            | Self::WorkAttemptFailed(failed)
            | Self::WorkFailed(failed) => Some(failed),
            _ => None,
        }
    }

    /// Whether a stream of that kind may hold it.
    #[must_use]
    pub fn fits(&self, subject: SubjectKind) -> bool {
        self.event_type().subject.is_none_or(|kind| kind == subject)
    }

    /// The event for a lease on such a subject; `None` if its work is short, or harmless to do twice.
    #[must_use]
    pub const fn held(subject: SubjectKind, held: Held) -> Option<Self> {
        match subject {
            SubjectKind::Run | SubjectKind::Alarm | SubjectKind::Summary => None,
            SubjectKind::Booking => Some(Self::TimesheetHeld(held)),
            _ => Some(Self::WorkHeld(held)),
        }
    }

    /// The size of the copy that it records; otherwise 0.
    #[must_use]
    pub const fn size_bytes(&self) -> ByteCount {
        match self {
            Self::TimesheetFetched(fetched) => fetched.size_bytes,
            Self::TimesheetBackedUp(backed_up) => backed_up.size_bytes,
            _ => ByteCount(0),
        }
    }

    /// The event for a failure on such a subject.
    #[must_use]
    pub fn failed(subject: SubjectKind, failed: Failed) -> Self {
        match subject {
            SubjectKind::Booking => Self::TimesheetFailed(failed),
            SubjectKind::Run => Self::RunFailed(failed),
            SubjectKind::Alarm => Self::AlarmFailed(failed),
            SubjectKind::Summary => Self::SummaryFailed(failed),
            _ if failed.retry_at.is_some() => Self::WorkAttemptFailed(failed),
            _ => Self::WorkFailed(failed),
        }
    }
}
