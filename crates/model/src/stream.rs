//! Streams: the events of one subject.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::AlarmKey;
use crate::id::{BookingId, DriveId, RunId};
use crate::text::printable;

/// A subject's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectKind {
    /// A booking and its timesheet.
    Booking,
    /// An enumeration and what follows.
    Run,
    /// A backup drive.
    Drive,
    /// An alarm.
    Alarm,
    /// A summary mail.
    Summary,
    /// A sample, in tests.
    #[cfg(feature = "sample-family")]
    Sample,
}

impl SubjectKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Booking,
        Self::Run,
        Self::Drive,
        Self::Alarm,
        Self::Summary,
        #[cfg(feature = "sample-family")]
        Self::Sample,
    ];

    /// The prefix before the slash.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Run => "run",
            Self::Drive => "drive",
            Self::Alarm => "alarm",
            Self::Summary => "summary",
            #[cfg(feature = "sample-family")]
            Self::Sample => "sample",
        }
    }

    /// Whether its subjects are listed by age: bookings are too many for that index.
    #[must_use]
    pub const fn is_listed(self) -> bool {
        !matches!(self, Self::Booking)
    }
}

/// `<kind>/<id>`, such as `booking/B-1001`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
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
#[error("{0:?} is not a stream name: expected <kind>/<id>, the kind one of booking, run, drive, alarm and summary")]
pub struct ParseStreamError(String);

impl FromStr for StreamName {
    type Err = ParseStreamError;

    fn from_str(text: &str) -> Result<Self, ParseStreamError> {
        let error = || ParseStreamError(printable(text, 80));
        let (kind, id) = text.split_once('/').ok_or_else(error)?;
        let kind = SubjectKind::ALL.iter().copied().find(|known| known.name() == kind).ok_or_else(error)?;
        if id.is_empty() || id.len() > 256 || id.chars().any(char::is_control) {
            return Err(error());
        }
        Ok(Self { kind, id: id.to_owned() })
    }
}

impl TryFrom<String> for StreamName {
    type Error = ParseStreamError;

    fn try_from(text: String) -> Result<Self, ParseStreamError> {
        text.parse()
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> String {
        name.to_string()
    }
}
