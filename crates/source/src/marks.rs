//! Marks and moves, many at a time. Both are idempotent on the server.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use strongroom_model::text::printable;
use strongroom_model::wire::{
    Answer as BookingAnswer, AnswerOutcome, EvidenceEvent, MAX_ITEMS, Mark, MarkEvidence, MarkRequest, MoveRequest,
};
use strongroom_model::{BookingId, EventId};

use crate::answer::JsonBody;
use crate::cause::{Cause, MAX_DETAIL_CHARS};
use crate::client::{OutgoingRequest, Source};
use crate::error::SourceError;
use crate::frame::{elements, members};

/// The longest path accepted from the server.
const MAX_PATH_BYTES: usize = 4096;
/// The most marks in a request with evidence: an event with a long path and its proof may take 20 KiB.
const MAX_PROVEN_MARKS: usize = 250;

impl Source {
    /// Marks bookings as backed up, with proofs; one answer for each, in order.
    ///
    /// # Errors
    /// The server did not answer, or not for these bookings. Some marks may be done: repeating them is harmless.
    pub async fn mark(&self, marks: &[Mark]) -> Result<Vec<BookingAnswer>, SourceError> {
        self.mark_with_evidence(marks, None).await
    }

    /// The same, with proof that the marks' events are in the site's log: a server that has the site's key believes no
    /// other mark.
    ///
    /// # Errors
    /// As [`Source::mark`].
    pub async fn mark_with_evidence(
        &self,
        marks: &[Mark],
        evidence: Option<&MarkEvidence>,
    ) -> Result<Vec<BookingAnswer>, SourceError> {
        let most = if evidence.is_some() { MAX_PROVEN_MARKS } else { MAX_ITEMS };
        let mut answers = Vec::with_capacity(marks.len());
        for part in marks.chunks(most) {
            let ids: Vec<&str> = part.iter().map(|mark| mark.id.as_str()).collect();
            let evidence = evidence.map(|evidence| evidence_of(part, evidence));
            answers.extend(self.post(&["v1", "marks"], &MarkRequest { marks: part.to_vec(), evidence }, &ids).await?);
        }
        Ok(answers)
    }

    /// Has marked bookings' files moved to the archive; one answer for each, in order.
    pub async fn move_to_archive(&self, bookings: &[BookingId]) -> Result<Vec<BookingAnswer>, SourceError> {
        let mut answers = Vec::with_capacity(bookings.len());
        for part in bookings.chunks(MAX_ITEMS) {
            let ids: Vec<&str> = part.iter().map(BookingId::as_str).collect();
            let request = MoveRequest { ids: ids.iter().map(|id| (*id).to_owned()).collect() };
            answers.extend(self.post(&["v1", "moves"], &request, &ids).await?);
        }
        Ok(answers)
    }

    /// Sends a request about many bookings; one answer for each, in order.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        body: &impl Serialize,
        ids: &[&str],
    ) -> Result<Vec<BookingAnswer>, SourceError> {
        let json = serde_json::to_vec(body).expect("a request has string keys and finite numbers only");
        let ask = OutgoingRequest::post(path, Bytes::from(json));
        let answer = self.json_body(&ask).await?;
        answers(&answer, ids).map_err(|cause| self.request(&ask).failed(cause))
    }
}

/// The part of the evidence that these marks refer to.
fn evidence_of(marks: &[Mark], evidence: &MarkEvidence) -> MarkEvidence {
    #[derive(Deserialize)]
    struct WithId {
        id: EventId,
    }
    let is_meant = |event: &&EvidenceEvent| {
        let parsed: Result<WithId, _> = serde_json::from_str(&event.bytes);
        parsed.is_ok_and(|event| marks.iter().any(|mark| mark.event == event.id))
    };
    MarkEvidence {
        checkpoint: evidence.checkpoint.clone(),
        events: evidence.events.iter().filter(is_meant).cloned().collect(),
    }
}

/// Requires one answer for each booking, in order: a shifted list would archive a booking on another's answer. If only
/// some are unreadable, those bookings are refused.
fn answers(whole: &JsonBody, ids: &[&str]) -> Result<Vec<BookingAnswer>, Cause> {
    let mut list = None;
    for member in members(&whole.body) {
        let member = member.map_err(|error| whole.confused(error))?;
        if member.is_named("answers") && list.replace(member.value).is_some() {
            return Err(whole.confused("it has two members \"answers\""));
        }
    }
    let list = list.ok_or_else(|| whole.confused("it has no member \"answers\""))?;
    let mut answers = Vec::with_capacity(ids.len());
    for part in elements(list) {
        let part = part.map_err(|error| whole.confused(format_args!("its answers: {error}")))?;
        let Some(id) = ids.get(answers.len()) else {
            return Err(whole.confused(format_args!("it has more answers than the {} bookings named", ids.len())));
        };
        answers.push(one(part.value, id)?);
    }
    if answers.len() < ids.len() {
        let found = answers.len();
        return Err(whole.confused(format_args!("it has {found} answers for {} bookings", ids.len())));
    }
    let is_anothers_language = answers.iter().all(Result::is_err);
    let believed = answers.into_iter().zip(ids).map(|(answer, id)| match answer {
        Err(error) if is_anothers_language => Err(whole.confused(error)),
        Err(error) => Ok(unreadable(id, &error)),
        Ok(answer) => Ok(answer),
    });
    believed.collect()
}

/// The inner error: it cannot be parsed.
fn one(json: &[u8], id: &str) -> Result<Result<BookingAnswer, serde_json::Error>, Cause> {
    let mut answer: BookingAnswer = match serde_json::from_slice(json) {
        Ok(answer) => answer,
        Err(error) => return Ok(Err(error)),
    };
    if answer.id != id {
        let other = printable(&answer.id, 60);
        return Err(Cause::confused(format!("it answers for {other:?} where {id} was named")));
    }
    if answer.path.as_ref().is_some_and(|path| path.len() > MAX_PATH_BYTES) {
        return Err(Cause::confused(format!("the path of {id} has more than {MAX_PATH_BYTES} bytes")));
    }
    answer.reason = answer.reason.take().map(|reason| printable(&reason, MAX_DETAIL_CHARS));
    Ok(Ok(answer))
}

fn unreadable(id: &str, error: &serde_json::Error) -> BookingAnswer {
    let reason = Some(printable(&format!("its answer cannot be read: {error}"), MAX_DETAIL_CHARS));
    BookingAnswer { id: id.to_owned(), outcome: AnswerOutcome::Refused, reason, month: None, path: None, cause: None }
}
