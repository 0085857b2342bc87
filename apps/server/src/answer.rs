//! Answers, one for each booking that a request names.

use strongroom_model::text::printable;
use strongroom_model::wire::{Answer, AnswerOutcome, RefusalCause};

/// The longest id that is given back, in characters.
const MAX_ID_CHARS: usize = 128;

/// It was done now.
pub(crate) fn done(id: &str) -> Answer {
    answer(id, AnswerOutcome::Done, None)
}

/// It had been done before.
pub(crate) fn already(id: &str) -> Answer {
    answer(id, AnswerOutcome::Already, None)
}

/// It was not done, for that reason.
pub(crate) fn refused(id: &str, reason: impl Into<String>) -> Answer {
    answer(id, AnswerOutcome::Refused, Some(reason.into()))
}

/// It was not done, for that reason, which a program can tell by `cause`.
pub(crate) fn refused_for(id: &str, cause: RefusalCause, reason: impl Into<String>) -> Answer {
    Answer { cause: Some(cause), ..refused(id, reason) }
}

fn answer(id: &str, outcome: AnswerOutcome, reason: Option<String>) -> Answer {
    // What is not an id comes back harmless.
    Answer { id: printable(id, MAX_ID_CHARS), outcome, reason, cause: None, month: None, path: None }
}
