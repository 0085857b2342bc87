//! Events of an alarm.

mod kind;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::kind::{AlarmKind, Blocks, ClearedBy};
use crate::id::EventId;

/// An alarm's stream: raised once before it is cleared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// The kind of condition.
    pub kind: AlarmKind,
    /// An id, or a name such as `server`.
    pub subject: String,
}

impl AlarmKey {
    /// The alarm of a name or an id.
    #[must_use]
    pub fn new(kind: AlarmKind, subject: impl fmt::Display) -> Self {
        Self { kind, subject: crate::text::printable(&subject.to_string(), 160) }
    }

    /// The alarm about a log that lost its newest events: it ends when a person decides to go on from it.
    #[must_use]
    pub fn log_rewound() -> Self {
        Self::new(AlarmKind::LogRewound, "log")
    }

    /// The message when a readiness check clears it, if one can.
    #[must_use]
    pub fn cleared_message(&self) -> Option<String> {
        let by_readiness = self.kind.cleared_by() == ClearedBy::Opening;
        by_readiness.then(|| format!("the drive at {} can be used", self.subject))
    }
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.code(), self.subject)
    }
}

/// A condition began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmRaised {
    /// The kind of condition.
    pub kind: AlarmKind,
    /// The problem.
    pub message: String,
    /// A person's next step.
    pub next_step: String,
    /// The affected subject.
    pub subject: String,
}

/// The condition ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmCleared {
    /// What was found resolved.
    pub message: String,
}

/// An alarm's mail was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmNotified {
    /// The raised and cleared events.
    pub about: Vec<EventId>,
    /// Its Message-ID, without angle brackets.
    pub message_id: String,
    /// The mail server's reply, or a file name.
    pub receipt: String,
}
