//! Exit codes: rsync(1), EXIT VALUES.

use crate::outcome::{Cause, Outcome, Retry};

/// What an exit code means where the output says nothing better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// How the run ended.
    pub outcome: Outcome,
    /// Why.
    pub cause: Option<Cause>,
    /// Whether later may help.
    pub retry: Retry,
    /// In plain English.
    pub text: &'static str,
}

const fn meaning(outcome: Outcome, cause: Cause, retry: Retry, text: &'static str) -> Meaning {
    Meaning { outcome, cause: Some(cause), retry, text }
}

/// The table. A code that is not in it is a failure.
#[must_use]
pub const fn meaning_of(code: i64) -> Meaning {
    use Outcome::{Cancelled, Failed, Obstructed, Partial};
    use Retry::{Later, Never};
    match code {
        0 => Meaning { outcome: Outcome::Done, cause: None, retry: Later, text: "it ended well" },
        1 => meaning(Failed, Cause::UsageError, Never, "it was called in a way that it does not understand"),
        2 => meaning(Failed, Cause::ToolFailed, Never, "the two rsyncs speak versions that do not fit together"),
        3 => meaning(Failed, Cause::ToolFailed, Never, "the files to be copied could not be selected"),
        4 => meaning(Failed, Cause::UsageError, Never, "the other side does not support what was asked for"),
        5 => meaning(Obstructed, Cause::Unreachable, Later, "the server refused to begin"),
        10 => meaning(Obstructed, Cause::Unreachable, Later, "the server could not be reached"),
        11 => meaning(Failed, Cause::ToolFailed, Later, "a file could not be read or written"),
        12 => meaning(Obstructed, Cause::Unreachable, Later, "the connection broke off"),
        13 | 14 | 21 | 22 => meaning(Failed, Cause::ToolFailed, Later, "rsync itself failed"),
        19 | 20 => meaning(Cancelled, Cause::Stopped, Later, "it was stopped by a signal"),
        23 => meaning(Partial, Cause::FilesFailed, Later, "some files could not be copied"),
        24 => Meaning {
            outcome: Outcome::Done,
            cause: None,
            retry: Later,
            text: "some files vanished while they were read",
        },
        25 => meaning(Failed, Cause::WouldDeleteTooMuch, Never, "the limit of deletions was reached"),
        30 => meaning(Obstructed, Cause::Unreachable, Later, "the other side did not answer in time"),
        35 => meaning(Obstructed, Cause::Unreachable, Later, "the server did not answer in time"),
        _ if code < 0 => meaning(Cancelled, Cause::Stopped, Later, "it was stopped by a signal"),
        _ => meaning(Failed, Cause::ToolFailed, Later, "it ended with a code that is not known"),
    }
}
