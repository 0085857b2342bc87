//! Streams: the events of one subject.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;

use crate::digest::Digest;
use crate::event::AlarmKey;
use crate::id::{BookingId, CustodyId, DriveId, HostName, JobName, JobRunId, PurgeId, RunId};
use crate::macros::{named, serde_as_text};
use crate::text::printable;

named! {
    /// A subject's kind; its name is the prefix before the slash.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum SubjectKind {
        /// A booking and its timesheet.
        Booking = "booking",
        /// An enumeration and what follows.
        Run = "run",
        /// A backup drive.
        Drive = "drive",
        /// An alarm.
        Alarm = "alarm",
        /// A summary mail.
        Summary = "summary",
        /// One content of a booking on one drive.
        Copy = "copy",
        /// An act on drives' contents.
        Custody = "custody",
        /// An agreement to delete archived files, and its execution.
        Purge = "purge",
        /// A host on which jobs run.
        Host = "host",
        /// A backup job.
        Job = "job",
        /// One run of a backup job.
        JobRun = "jobrun",
        /// The key that signs the log's checkpoints.
        Key = "key",
        /// A sample, in tests.
        Sample = "sample" if "sample-family",
    }
}

impl SubjectKind {
    /// Whether its subjects are listed by age: bookings and copies are too many for that index.
    #[must_use]
    pub const fn is_listed(self) -> bool {
        !matches!(self, Self::Booking | Self::Copy)
    }
}

/// Enough to tell the few contents apart that a booking ever has.
const CONTENT_DIGITS: usize = 12;

/// `<kind>/<id>`, such as `booking/B-1001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[a-z]+/.+$"))]
pub struct StreamName {
    kind: SubjectKind,
    id: String,
}

impl StreamName {
    /// A booking's stream.
    #[must_use]
    pub fn booking(id: &BookingId) -> Self {
        Self { kind: SubjectKind::Booking, id: id.to_string() }
    }

    /// A run's stream.
    #[must_use]
    pub fn run(id: RunId) -> Self {
        Self { kind: SubjectKind::Run, id: id.to_string() }
    }

    /// A drive's stream.
    #[must_use]
    pub fn drive(id: DriveId) -> Self {
        Self { kind: SubjectKind::Drive, id: id.to_string() }
    }

    /// An alarm's stream.
    #[must_use]
    pub fn alarm(key: &AlarmKey) -> Self {
        Self { kind: SubjectKind::Alarm, id: key.to_string() }
    }

    /// The stream of the summary with that number, from 1.
    #[must_use]
    pub fn summary(number: u64) -> Self {
        Self { kind: SubjectKind::Summary, id: number.to_string() }
    }

    /// The stream of a booking's content on a drive: `copy/<drive>/<booking>/<12 digits of its SHA-256>`.
    #[must_use]
    pub fn copy(drive: DriveId, booking: &BookingId, sha256: &Digest) -> Self {
        let content: String = sha256.hex().chars().take(CONTENT_DIGITS).collect();
        Self { kind: SubjectKind::Copy, id: format!("{drive}/{booking}/{content}") }
    }

    /// An act's stream.
    #[must_use]
    pub fn custody(id: CustodyId) -> Self {
        Self { kind: SubjectKind::Custody, id: id.to_string() }
    }

    /// A purge's stream.
    #[must_use]
    pub fn purge(id: &PurgeId) -> Self {
        Self { kind: SubjectKind::Purge, id: id.to_string() }
    }

    /// A host's stream.
    #[must_use]
    pub fn host(name: &HostName) -> Self {
        Self { kind: SubjectKind::Host, id: name.to_string() }
    }

    /// A job's stream.
    #[must_use]
    pub fn job(name: &JobName) -> Self {
        Self { kind: SubjectKind::Job, id: name.to_string() }
    }

    /// The stream of one run of a job.
    #[must_use]
    pub fn jobrun(id: JobRunId) -> Self {
        Self { kind: SubjectKind::JobRun, id: id.to_string() }
    }

    /// The stream of the key that signs the log's checkpoints.
    #[must_use]
    pub fn log_key() -> Self {
        Self { kind: SubjectKind::Key, id: "log".to_owned() }
    }

    /// The kind of its subject.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The subject's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its booking, if it is one's.
    #[must_use]
    pub fn as_booking(&self) -> Option<BookingId> {
        (self.kind == SubjectKind::Booking).then(|| self.id.parse().ok()).flatten()
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.name(), self.id)
    }
}

/// A text that is not a stream's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a stream name: expected <kind>/<id>, the kind one of booking, run, drive, alarm, summary, copy, custody, purge, host, job, jobrun and key"
)]
pub struct ParseStreamError(String);

impl FromStr for StreamName {
    type Err = ParseStreamError;

    fn from_str(text: &str) -> Result<Self, ParseStreamError> {
        let error = || ParseStreamError(printable(text, 80));
        let (kind, id) = text.split_once('/').ok_or_else(error)?;
        let kind = SubjectKind::named(kind).ok_or_else(error)?;
        if id.is_empty() || id.len() > 256 || id.chars().any(char::is_control) {
            return Err(error());
        }
        Ok(Self { kind, id: id.to_owned() })
    }
}

serde_as_text!(StreamName);
