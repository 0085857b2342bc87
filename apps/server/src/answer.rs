//! Answers, one for each booking that a request names.

use strongroom_model::text::printable;
use strongroom_model::wire::{Answer, AnswerOutcome, RefusalCause};

const MAX_ID_CHARS: usize = 128;

pub(crate) fn done(id: &str) -> Answer {
    answer(id, AnswerOutcome::Done, None)
}

pub(crate) fn already(id: &str) -> Answer {
    answer(id, AnswerOutcome::Already, None)
}

pub(crate) fn refused(id: &str, reason: impl Into<String>) -> Answer {
    answer(id, AnswerOutcome::Refused, Some(reason.into()))
}

pub(crate) fn refused_for(id: &str, cause: RefusalCause, reason: impl Into<String>) -> Answer {
    Answer { cause: Some(cause), ..refused(id, reason) }
}

pub(crate) fn busy(id: &str) -> Answer {
    refused_for(id, RefusalCause::Busy, "another process is working on its file; retry in a moment")
}

fn answer(id: &str, outcome: AnswerOutcome, reason: Option<String>) -> Answer {
    // An id that was not parsed is printed harmlessly.
    Answer { id: printable(id, MAX_ID_CHARS), outcome, reason, cause: None, month: None, path: None }
}
