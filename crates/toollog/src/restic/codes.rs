//! Exit codes: restic's manual, *Scripting*, *Exit codes*.

use crate::outcome::{Cause, Outcome, Retry};
use crate::rsync::codes::Meaning;

const fn meaning(outcome: Outcome, cause: Cause, retry: Retry, text: &'static str) -> Meaning {
    Meaning { outcome, cause: Some(cause), retry, text }
}

/// The table. A code that is not in it is a failure. Releases before 0.17 return 1 for what later has a code of its own.
#[must_use]
pub const fn meaning_of(code: i64) -> Meaning {
    use Outcome::{Cancelled, Failed, Obstructed, Partial};
    use Retry::{Later, Never};
    match code {
        0 => Meaning { outcome: Outcome::Done, cause: None, retry: Later, text: "it ended well" },
        1 => meaning(Failed, Cause::ToolFailed, Later, "restic met an error"),
        2 => meaning(Failed, Cause::ToolFailed, Never, "the program itself broke down"),
        3 => meaning(Partial, Cause::FilesFailed, Later, "some of the source could not be read"),
        10 => meaning(Failed, Cause::RepositoryMissing, Never, "there is no repository"),
        11 => meaning(Obstructed, Cause::Locked, Later, "the repository is locked by another process"),
        12 => meaning(Failed, Cause::WrongPassword, Never, "the password is wrong"),
        _ if code < 0 || code == 130 || code == 143 => meaning(Cancelled, Cause::Stopped, Later, "it was stopped"),
        _ => meaning(Failed, Cause::ToolFailed, Later, "it ended with a code that is not known"),
    }
}
