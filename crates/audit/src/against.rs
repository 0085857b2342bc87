//! What the log says, compared with what is there.

mod server;
mod told;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::text::printable;
use strongroom_model::{EventId, Position, Recorded};

pub use self::server::{AgainstServer, AgainstServerError};

/// Longer texts are from outside.
const MAX_TEXT_CHARS: usize = 300;

/// One difference between the log and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind of difference.
    pub kind: DifferenceKind,
    /// The booking or the path.
    pub subject: String,
    /// What differs: `booking`, `state`, `digest`, `size`, `filename`, `path`, `proof`, `record`, `file`.
    pub what: &'static str,
    /// What the log says.
    pub log: Option<String>,
    /// What was found.
    pub found: Option<String>,
    /// The event that says so; `None`: the log says nothing about it.
    #[serde(flatten)]
    pub event: Option<EventRef>,
}

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// The log says that it is there, and it is not.
    Missing,
    /// It is there, and the log does not know it.
    Extra,
    /// It is there, and differs from what the log says.
    Changed,
}

impl DifferenceKind {
    /// The JSON value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
        }
    }
}

/// An event that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct EventRef {
    /// Its position.
    pub position: Position,
    /// Its id.
    pub event: EventId,
    /// Its time.
    pub time: Timestamp,
}

impl From<&Recorded> for EventRef {
    fn from(recorded: &Recorded) -> Self {
        Self { position: recorded.position, event: recorded.id, time: recorded.time }
    }
}

/// How many differences there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DifferenceCounts {
    /// How many subjects were compared.
    pub compared: u64,
    /// Missing ones.
    pub missing: u64,
    /// Those that the log does not know.
    pub extra: u64,
    /// Those that differ; one subject may differ in several ways.
    pub changed: u64,
}

impl DifferenceCounts {
    /// Counts one.
    pub const fn add(&mut self, kind: DifferenceKind) {
        match kind {
            DifferenceKind::Missing => self.missing += 1,
            DifferenceKind::Extra => self.extra += 1,
            DifferenceKind::Changed => self.changed += 1,
        }
    }

    /// Whether log and world are the same.
    #[must_use]
    pub const fn is_same(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.changed == 0
    }
}

impl Difference {
    /// Something that the log says is not there.
    #[must_use]
    pub fn missing(subject: &str, what: &'static str, log: &(impl ToString + ?Sized), event: Option<EventRef>) -> Self {
        Self::new(DifferenceKind::Missing, subject, what, Some(log.to_string()), None, event)
    }

    /// Something is there that the log does not know.
    #[must_use]
    pub fn extra(subject: &str, what: &'static str, found: &(impl ToString + ?Sized)) -> Self {
        Self::new(DifferenceKind::Extra, subject, what, None, Some(found.to_string()), None)
    }

    /// Something is another.
    #[must_use]
    pub fn changed(
        subject: &str,
        what: &'static str,
        log: &(impl ToString + ?Sized),
        found: &(impl ToString + ?Sized),
        event: Option<EventRef>,
    ) -> Self {
        Self::new(DifferenceKind::Changed, subject, what, Some(log.to_string()), Some(found.to_string()), event)
    }

    fn new(
        kind: DifferenceKind,
        subject: &str,
        what: &'static str,
        log: Option<String>,
        found: Option<String>,
        event: Option<EventRef>,
    ) -> Self {
        let bounded = |text: String| printable(&text, MAX_TEXT_CHARS);
        let subject = printable(subject, MAX_TEXT_CHARS);
        Self { kind, subject, what, log: log.map(bounded), found: found.map(bounded), event }
    }
}
