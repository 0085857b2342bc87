//! Statuses and partitions, as text, so that storage and routing are independent of kinds. Both follow from a stream's
//! last *decisive* event, one without [`Event::keeps_status`].

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::booking_status::BookingStatus;
use crate::event::{Event, Failed};
use crate::id::{DriveId, HostName};
use crate::macros::serde_as_text;
use crate::text::printable;

/// A subject's status, such as `backed-up`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(Cow<'static, str>);

impl Status {
    /// The status with that label.
    #[must_use]
    pub const fn labelled(label: &'static str) -> Self {
        Self(Cow::Borrowed(label))
    }

    /// Its label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Status {
    fn from(label: String) -> Self {
        Self(Cow::Owned(label))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The status that a decisive event leaves its subject in, if it has one.
#[must_use]
pub fn status_of(event: &Event) -> Option<Status> {
    let label = match event {
        Event::RunRequested(_) => "requested",
        Event::RunEnumerated(_) => "enumerated",
        Event::RunFailed(failed) => after_failure(failed, "requested"),
        Event::AlarmRaised(_) => "raised",
        Event::AlarmCleared(_) => "cleared",
        Event::SummaryComposed(_) => "composed",
        Event::SummarySent(_) => "sent",
        Event::SummaryFailed(failed) => after_failure(failed, "composed"),
        Event::DriveHandedOver(_) => "handed-over",
        Event::DriveReturned(_) => "here",
        Event::DriveRetired(_) => "retired",
        Event::DriveLost(_) => "lost",
        Event::CopyMade(_) | Event::CopyProven(_) | Event::CopyRepaired(_) => "proven",
        Event::CopyDamaged(_) => "damaged",
        Event::CustodyRequested(_) | Event::PurgeRequested(_) => "requested",
        Event::CustodyFinished(_) | Event::PurgeFinished(_) => "finished",
        Event::CustodyCancelled(_) => "cancelled",
        Event::PurgeProposed(_) => "proposed",
        Event::PurgeApproved(_) => "approved",
        Event::PurgeRefused(_) => "refused",
        Event::HostJoined(_) => "joined",
        Event::HostRetired(_) | Event::JobRetired(_) => "retired",
        Event::JobRunEnded(ended) => ended.outcome.label(),
        Event::JobRunRequested(_) => "requested",
        Event::JobRunStarted(_) => "running",
        Event::JobRunTransferred(transferred) if transferred.prove => "transferred",
        Event::JobRunTransferred(transferred) if transferred.counts.failed > 0 => "partial",
        Event::JobRunTransferred(_) => "copied",
        Event::JobRunVerified(verified) if verified.is_proof() => "proven",
        Event::JobRunVerified(verified) if verified.is_good() => "copied",
        Event::JobRunVerified(_) => "damaged",
        Event::JobRunCancelled(_) => "cancelled",
        Event::WorkFailed(failed) if failed.stage.is_of_jobs() => "failed",
        Event::WorkFailed(_) => "needs-attention",
        #[cfg(feature = "sample-family")]
        Event::SampleRequested(_) => "requested",
        #[cfg(feature = "sample-family")]
        Event::SampleTaken(_) => "taken",
        other => return BookingStatus::of(other).map(|status| Status::labelled(status.label())),
    };
    Some(Status::labelled(label))
}

const fn after_failure(failed: &Failed, before: &'static str) -> &'static str {
    if failed.retry_at.is_some() { before } else { "failed" }
}

/// The status after an event, given the earlier one.
#[must_use]
pub fn status_after(before: Option<&Status>, event: &Event) -> Option<Status> {
    if event.keeps_status() { before.cloned() } else { status_of(event) }
}

/// Where work can be done, such as one drive; part of a queue's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(String);

serde_as_text!(Partition);

/// A queue's name, with site and stage, has at most 255 bytes.
const MAX_PARTITION_BYTES: usize = 64;

impl Partition {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<DriveId> for Partition {
    fn from(drive: DriveId) -> Self {
        Self(drive.to_string())
    }
}

impl From<&HostName> for Partition {
    fn from(host: &HostName) -> Self {
        Self(host.to_string())
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a partition's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be a partition: expected up to {MAX_PARTITION_BYTES} of a to z, 0 to 9 and hyphens")]
pub struct ParsePartitionError(String);

impl FromStr for Partition {
    type Err = ParsePartitionError;

    fn from_str(text: &str) -> Result<Self, ParsePartitionError> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > MAX_PARTITION_BYTES || !text.bytes().all(fits) {
            return Err(ParsePartitionError(printable(text, 80)));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The partition of the subject's next work after a decisive event; `None`: it can be done anywhere.
#[must_use]
pub fn partition_of(event: &Event) -> Option<Partition> {
    match event {
        Event::TimesheetFetched(fetched) => Some(fetched.drive.into()),
        // What nobody hands out has no queue.
        Event::CustodyRequested(requested) if !requested.act.is_attended() => Some(requested.act.drive().drive.into()),
        Event::JobRunRequested(requested) => Some((&requested.host).into()),
        Event::JobRunStarted(started) => Some((&started.host).into()),
        Event::JobRunTransferred(transferred) if transferred.prove => Some((&transferred.host).into()),
        _ => None,
    }
}

/// The partition after an event, given the earlier one.
#[must_use]
pub fn partition_after(before: Option<&Partition>, event: &Event) -> Option<Partition> {
    if event.keeps_status() { before.cloned() } else { partition_of(event) }
}
