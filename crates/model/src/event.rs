//! The catalogue of events: every fact that a site's log can hold.
//!
//! A released event never changes. A new meaning is a new version of the event, and
//! the old one stays readable for ever.

mod alarm;
mod drive;
mod failure;
mod run;
mod summary;
mod timesheet;

use serde::{Serialize, Serializer};

pub use self::alarm::{AlarmCleared, AlarmKey, AlarmKind, AlarmNotified, AlarmRaised, Blocks, ClearedBy};
pub use self::drive::{DiskOf, DriveAdopted, DriveAttached, DriveIdentityRestored, DriveInitialised, DriveUsed};
pub use self::failure::{Failed, FailureKind};
pub use self::run::{Rejected, RunEnumerated, RunRequested, Trigger, ZeroReason};
pub use self::summary::{SummaryComposed, SummarySent};
pub use self::timesheet::{Archived, BackedUp, Enumerated, Fetched, Held, Purged, ReadBack, Retried, SyncMethod};
use crate::quantity::ByteCount;
#[cfg(feature = "sample-family")]
use crate::sample::{SampleRequested, SampleTaken};
use crate::stream::SubjectKind;

/// What the catalogue knows of one type of event.
#[derive(Debug, Clone, Copy)]
pub struct EventType {
    /// The CloudEvents `type`, such as `strongroom.timesheet.backed-up.v1`.
    pub name: &'static str,
    /// The kind of subject whose stream it belongs to; `None`: any.
    pub subject: Option<SubjectKind>,
    /// Whether it leaves its subject's status and partition as they were.
    pub keeps_status: bool,
    /// The JSON Schema of its `data`.
    pub schema: fn() -> schemars::Schema,
}

/// Bytes that are no event of this catalogue.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A type that this version does not know.
    #[error("event type {0:?} is not known to this version: upgrade strongroom, then try again")]
    UnknownType(String),
    /// A known type whose data does not fit its schema.
    #[error("the data of a {type_name} event does not fit its schema")]
    BadData {
        /// The event's type.
        type_name: &'static str,
        /// What serde found.
        #[source]
        source: serde_json::Error,
    },
}

macro_rules! catalogue {
    (@keeps) => { false };
    (@keeps keeps_status) => { true };
    (@subject any) => { None };
    (@subject $subject:ident) => { Some(SubjectKind::$subject) };
    ($($(#[$meta:meta])* $variant:ident($data:ty) = $name:literal of $subject:ident $(, $keeps:ident)? $(if $feature:literal)?;)+) => {
        /// One fact, past tense, with its data.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$meta])* $(#[cfg(feature = $feature)])? $variant($data),)+
        }

        /// Every type of event, in the order of a booking's life.
        pub const CATALOGUE: &[EventType] = &[
            $($(#[cfg(feature = $feature)])? EventType {
                name: concat!("strongroom.", $name),
                subject: catalogue!(@subject $subject),
                keeps_status: catalogue!(@keeps $($keeps)?),
                schema: || schemars::schema_for!($data),
            },)+
        ];

        impl Event {
            /// The CloudEvents `type`.
            #[must_use]
            pub const fn type_name(&self) -> &'static str {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(_) => concat!("strongroom.", $name),)+
                }
            }

            /// The kind of subject whose stream it belongs to; `None`: any.
            #[must_use]
            pub const fn subject_kind(&self) -> Option<SubjectKind> {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(_) => catalogue!(@subject $subject),)+
                }
            }

            /// Whether it leaves its subject's status and partition as they were.
            #[must_use]
            pub const fn keeps_status(&self) -> bool {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(_) => catalogue!(@keeps $($keeps)?),)+
                }
            }

            /// Writes the event's `data`.
            pub(crate) fn serialize_data<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $($(#[cfg(feature = $feature)])? Self::$variant(data) => data.serialize(serializer),)+
                }
            }

            /// The event of that type with that data, which is JSON.
            ///
            /// # Errors
            /// The type is not in the catalogue, or the data does not fit it.
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
    /// A booking was taken in hand: what its server held before any download.
    TimesheetEnumerated(Enumerated) = "timesheet.enumerated.v1" of Booking;
    /// Its file is on a drive, synced and under its final name, but not yet proven.
    TimesheetFetched(Fetched) = "timesheet.fetched.v1" of Booking;
    /// Its file was read back from the device and is what the server held.
    TimesheetBackedUp(BackedUp) = "timesheet.backed-up.v1" of Booking;
    /// The server was told, and moved its copy to `archived`.
    TimesheetArchived(Archived) = "timesheet.archived.v1" of Booking;
    /// The server's copy was deleted, by an approved purge.
    TimesheetPurged(Purged) = "timesheet.purged.v1" of Booking;
    /// A stage could not do its work on a booking.
    TimesheetFailed(Failed) = "timesheet.failed.v1" of Booking;
    /// A person gave a booking that needed attention back to the pipeline.
    TimesheetRetried(Retried) = "timesheet.retried.v1" of Booking;
    /// A stage is still at work on it: a transfer that takes long.
    TimesheetHeld(Held) = "timesheet.held.v1" of Booking, keeps_status;
    /// A run is due.
    RunRequested(RunRequested) = "run.requested.v1" of Run;
    /// A run asked the server and took bookings in hand.
    RunEnumerated(RunEnumerated) = "run.enumerated.v1" of Run;
    /// A run could not ask the server.
    RunFailed(Failed) = "run.failed.v1" of Run;
    /// A drive got its identity.
    DriveInitialised(DriveInitialised) = "drive.initialised.v1" of Drive;
    /// A drive was found attached, on that disk and to be proven in that way.
    DriveAttached(DriveAttached) = "drive.attached.v1" of Drive;
    /// A process began to use a drive.
    DriveUsed(DriveUsed) = "drive.used.v1" of Drive;
    /// A person decided that a drive is the right one from now on.
    DriveAdopted(DriveAdopted) = "drive.adopted.v1" of Drive;
    /// A person had a drive's identity written back from the log.
    DriveIdentityRestored(DriveIdentityRestored) = "drive.identity-restored.v1" of Drive;
    /// A condition began that a person should know of now.
    AlarmRaised(AlarmRaised) = "alarm.raised.v1" of Alarm;
    /// The condition ended.
    AlarmCleared(AlarmCleared) = "alarm.cleared.v1" of Alarm;
    /// A person was told of what began or ended.
    AlarmNotified(AlarmNotified) = "alarm.notified.v1" of Alarm, keeps_status;
    /// The mail about an alarm could not be handed over.
    AlarmFailed(Failed) = "alarm.failed.v1" of Alarm, keeps_status;
    /// A summary's interval and number were fixed.
    SummaryComposed(SummaryComposed) = "summary.composed.v1" of Summary;
    /// The summary was handed over to the mail server or the folder.
    SummarySent(SummarySent) = "summary.sent.v1" of Summary;
    /// The summary could not be handed over.
    SummaryFailed(Failed) = "summary.failed.v1" of Summary;
    /// A stage could not do its work on a subject, and will try again.
    WorkAttemptFailed(Failed) = "work.attempt-failed.v1" of any, keeps_status;
    /// A stage could not do its work on a subject: a person must look.
    WorkFailed(Failed) = "work.failed.v1" of any;
    /// A stage is still at work on a subject.
    WorkHeld(Held) = "work.held.v1" of any, keeps_status;
    /// A sample is due.
    SampleRequested(SampleRequested) = "sample.requested.v1" of Sample if "sample-family";
    /// A sample was taken.
    SampleTaken(SampleTaken) = "sample.taken.v1" of Sample if "sample-family";
}

impl Event {
    /// The failure that it records, if it records one.
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

    /// Whether it belongs into the stream of such a subject.
    #[must_use]
    pub fn fits(&self, subject: SubjectKind) -> bool {
        self.subject_kind().is_none_or(|kind| kind == subject)
    }

    /// The event that says that a stage is still at work on such a subject; `None` where the work is short, or doing it
    /// twice does no harm.
    #[must_use]
    pub const fn held(subject: SubjectKind, held: Held) -> Option<Self> {
        match subject {
            SubjectKind::Run | SubjectKind::Alarm | SubjectKind::Summary => None,
            SubjectKind::Booking => Some(Self::TimesheetHeld(held)),
            _ => Some(Self::WorkHeld(held)),
        }
    }

    /// How many bytes it says were worked on.
    #[must_use]
    pub const fn size_bytes(&self) -> ByteCount {
        match self {
            Self::TimesheetFetched(fetched) => fetched.size_bytes,
            Self::TimesheetBackedUp(backed_up) => backed_up.size_bytes,
            _ => ByteCount(0),
        }
    }

    /// The event that records a failure of the work on such a subject.
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
