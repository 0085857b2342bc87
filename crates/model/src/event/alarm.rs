//! Alarms: told once when they begin and once when they end.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::EventId;

/// What kind of condition it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    /// No drive where one should be: nothing mounted, or no folder.
    DriveMissing,
    /// A folder or a drive that was never set up, or carries another identity.
    DriveUnknown,
    /// The drive cannot be written to.
    DriveReadOnly,
    /// The drive has no room beyond its reserve.
    DriveFull,
    /// The drive reports errors on writing, syncing or reading.
    DriveFailing,
    /// The document server does not answer.
    ServerUnreachable,
    /// The document server refuses our token.
    ServerRefuses,
    /// The document server's answers cannot be understood.
    ServerConfused,
    /// A file on the server differs from the server's own record.
    RecordWrong,
    /// The server offers bookings that it was told are backed up.
    ServerForgot,
    /// A run that should have happened did not, or does not end.
    RunOverdue,
    /// A proven copy could not be read back when it was looked at again.
    CopyLost,
    /// The broker does not answer, or refuses us.
    BrokerUnreachable,
    /// A queue or the exchange is missing or another than ours, and may not be declared by us.
    BrokerTopology,
    /// Messages that cannot be understood were put aside.
    MessageParked,
    /// Work waits, and no worker takes it.
    NoWorker,
}

impl AlarmKind {
    /// The code, as it stands in the log and in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DriveMissing => "drive-missing",
            Self::DriveUnknown => "drive-unknown",
            Self::DriveReadOnly => "drive-read-only",
            Self::DriveFull => "drive-full",
            Self::DriveFailing => "drive-failing",
            Self::ServerUnreachable => "server-unreachable",
            Self::ServerRefuses => "server-refuses",
            Self::ServerConfused => "server-confused",
            Self::RecordWrong => "record-wrong",
            Self::ServerForgot => "server-forgot",
            Self::RunOverdue => "run-overdue",
            Self::CopyLost => "copy-lost",
            Self::BrokerUnreachable => "broker-unreachable",
            Self::BrokerTopology => "broker-topology",
            Self::MessageParked => "message-parked",
            Self::NoWorker => "no-worker",
        }
    }
}

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
    /// Of what.
    pub subject: String,
    /// What is the matter, in one sentence.
    pub message: String,
    /// What a person does about it, in one sentence or a command.
    pub next_step: String,
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
