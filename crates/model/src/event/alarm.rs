//! Alarms: told once when they begin and once when they end.

mod kind;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::kind::{AlarmKind, Blocks, ClearedBy};
use crate::id::EventId;

/// Which condition of which thing: one stream, so that one can only be raised once
/// before it is cleared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// What kind of condition.
    pub kind: AlarmKind,
    /// Of what: a drive's id, a booking's, or a word such as `server`.
    pub subject: String,
}

impl AlarmKey {
    /// The condition `kind` of `subject`, which must be a plain word or an id.
    #[must_use]
    pub fn new(kind: AlarmKind, subject: impl fmt::Display) -> Self {
        Self { kind, subject: crate::text::printable(&subject.to_string(), 160) }
    }
}

impl AlarmKey {
    /// What a look found that ended it; `None` for what no look ends.
    #[must_use]
    pub fn found_well(&self) -> Option<String> {
        let looked = self.kind.cleared_by() == ClearedBy::Opening;
        looked.then(|| format!("the drive at {} can be used", self.subject))
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
    /// What kind of condition.
    pub kind: AlarmKind,
    /// What is the matter, in one sentence.
    pub message: String,
    /// What a person does about it, in one sentence or a command.
    pub next_step: String,
    /// Of what.
    pub subject: String,
}

/// The condition ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmCleared {
    /// What was found to be well again, in one sentence.
    pub message: String,
}

/// A mail about an alarm's beginning or end was handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlarmNotified {
    /// The raised and cleared events that it told of.
    pub about: Vec<EventId>,
    /// The mail's Message-ID, without angle brackets.
    pub message_id: String,
    /// Who took it: the mail server's reply, or the file's name.
    pub receipt: String,
}
