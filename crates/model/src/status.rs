//! Where a subject stands, and which partition its work is bound to: text, so that what stores, counts and routes them
//! need not know the kinds of subjects.
//!
//! Both follow from a stream's last *decisive* event. Those that keep the status ([`Event::keeps_status`]) only say that
//! somebody is at work, or that somebody was told: they leave both as they were.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::booking_status::BookingStatus;
use crate::event::{Event, Failed};
use crate::id::DriveId;
use crate::text::printable;

/// Where a subject stands, in one word such as `backed-up`.
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

/// The status that a decisive event leaves its subject in; `None` where nobody asks how subjects of that kind stand.
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
        Event::WorkFailed(_) => "needs-attention",
        #[cfg(feature = "sample-family")]
        Event::SampleRequested(_) => "requested",
        #[cfg(feature = "sample-family")]
        Event::SampleTaken(_) => "taken",
        other => return BookingStatus::of(other).map(|status| Status::labelled(status.label())),
    };
    Some(Status::labelled(label))
}

/// Where a failure leaves a subject: as it was while it is tried again, or else with a person.
const fn after_failure(failed: &Failed, before: &'static str) -> &'static str {
    if failed.retry_at.is_some() { before } else { "failed" }
}

/// A subject's status after an event, if it had that one before.
#[must_use]
pub fn status_after(before: Option<&Status>, event: &Event) -> Option<Status> {
    if event.keeps_status() { before.cloned() } else { status_of(event) }
}

/// What work can be bound to: it can be done only where that is (a drive, say). It is one word of a queue's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(String);

/// How long a partition's name may be: with the longest site's name and stage it still fits the 255 bytes of a queue's.
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

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that cannot be a partition's name.
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

/// The partition that a decisive event binds its subject's next work to; `None`: it can be done anywhere.
#[must_use]
pub fn partition_of(event: &Event) -> Option<Partition> {
    match event {
        Event::TimesheetFetched(fetched) => Some(fetched.drive.into()),
        _ => None,
    }
}

/// The partition of a subject's next work after an event, if it was that one before.
#[must_use]
pub fn partition_after(before: Option<&Partition>, event: &Event) -> Option<Partition> {
    if event.keeps_status() { before.cloned() } else { partition_of(event) }
}
