//! Exit codes: rclone.org/docs, *List of exit codes*.

use crate::outcome::{Cause, Outcome, Retry};
use crate::rsync::codes::Meaning;

const fn meaning(outcome: Outcome, cause: Cause, retry: Retry, text: &'static str) -> Meaning {
    Meaning { outcome, cause: Some(cause), retry, text }
}

/// The table. A code that is not in it is a failure. Releases before 1.69.0 return 1 for a wrong call, and old ones 7 for
/// a limit of time.
#[must_use]
pub const fn meaning_of(code: i64) -> Meaning {
    use Outcome::{Cancelled, Failed, Nothing, Obstructed, Partial};
    use Retry::{Later, Never};
    match code {
        0 => Meaning { outcome: Outcome::Done, cause: None, retry: Later, text: "it ended well" },
        1 => meaning(Failed, Cause::ToolFailed, Later, "rclone met an error"),
        2 => meaning(Failed, Cause::UsageError, Never, "it was called in a way that it does not understand"),
        3 => meaning(Failed, Cause::SourceMissing, Never, "a folder was not found"),
        4 => meaning(Failed, Cause::SourceMissing, Never, "a file was not found"),
        5 => meaning(Obstructed, Cause::Unreachable, Later, "the other side had a temporary error"),
        6 => meaning(Partial, Cause::FilesFailed, Later, "some files could not be copied"),
        7 => meaning(Failed, Cause::ToolFailed, Never, "it met an error that trying again does not help against"),
        8 => meaning(Partial, Cause::LimitReached, Later, "the limit of bytes was reached"),
        9 => Meaning { outcome: Nothing, cause: None, retry: Later, text: "nothing was to be copied" },
        10 => meaning(Partial, Cause::LimitReached, Later, "the limit of time was reached"),
        _ if code < 0 || code == 130 || code == 143 => {
            meaning(Cancelled, Cause::Stopped, Later, "it was stopped by a signal")
        }
        _ => meaning(Failed, Cause::ToolFailed, Later, "it ended with a code that is not known"),
    }
}
