//! Telling the server: marks, then moves, many at a time. Both are idempotent there.

use bytes::Bytes;
use serde::Serialize;
use strongroom_model::BookingId;
use strongroom_model::text::printable;
use strongroom_model::wire::{Answer, Answers, MAX_ITEMS, Mark, MarkRequest, MoveRequest};

use crate::cause::{Cause, MAX_DETAIL_CHARS};
use crate::client::{Ask, Source};
use crate::error::SourceError;

/// The longest path on the server that is believed, in bytes.
const MAX_PATH_BYTES: usize = 4096;

impl Source {
    /// Marks bookings as backed up, each with its proof. Gives one answer for each mark, in
    /// the marks' order.
    ///
    /// # Errors
    /// The server did not answer, or not for these bookings. What it did by then stays
    /// done: telling it again is harmless.
    pub async fn mark(&self, marks: &[Mark]) -> Result<Vec<Answer>, SourceError> {
        let mut answers = Vec::with_capacity(marks.len());
        for part in marks.chunks(MAX_ITEMS) {
            let ids: Vec<&str> = part.iter().map(|mark| mark.id.as_str()).collect();
            answers.extend(self.tell("marks", &MarkRequest { marks: part.to_vec() }, &ids).await?);
        }
        Ok(answers)
    }

    /// Has marked bookings' files moved to the archive. Gives one answer for each booking,
    /// in the bookings' order.
    ///
    /// # Errors
    /// The server did not answer, or not for these bookings. What it did by then stays
    /// done: telling it again is harmless.
    pub async fn move_to_archive(&self, bookings: &[BookingId]) -> Result<Vec<Answer>, SourceError> {
        let mut answers = Vec::with_capacity(bookings.len());
        for part in bookings.chunks(MAX_ITEMS) {
            let ids: Vec<&str> = part.iter().map(BookingId::as_str).collect();
            let request = MoveRequest { ids: ids.iter().map(|id| (*id).to_owned()).collect() };
            answers.extend(self.tell("moves", &request, &ids).await?);
        }
        Ok(answers)
    }

    async fn tell(&self, what: &str, body: &impl Serialize, ids: &[&str]) -> Result<Vec<Answer>, SourceError> {
        let json = serde_json::to_vec(body).expect("a request has string keys and finite numbers only");
        let path = ["v1", what];
        let ask = Ask::post(&path, Bytes::from(json));
        let answers: Answers = self.question(&ask).await?;
        checked(answers.answers, ids).map_err(|cause| self.request(&ask).failed(cause))
    }
}

/// Believes answers only if there is one for each booking, in their order: a shifted list
/// would archive one booking on another's word.
fn checked(mut answers: Vec<Answer>, ids: &[&str]) -> Result<Vec<Answer>, Cause> {
    if answers.len() != ids.len() {
        return Err(Cause::confused(format!("it has {} answers for {} bookings", answers.len(), ids.len())));
    }
    for (answer, id) in answers.iter_mut().zip(ids) {
        if answer.id != *id {
            return Err(Cause::confused(format!(
                "it answers for {:?} where {id} was named",
                printable(&answer.id, 60)
            )));
        }
        if answer.path.as_ref().is_some_and(|path| path.len() > MAX_PATH_BYTES) {
            return Err(Cause::confused(format!("the path of {id} has more than {MAX_PATH_BYTES} bytes")));
        }
        answer.reason = answer.reason.take().map(|reason| printable(&reason, MAX_DETAIL_CHARS));
    }
    Ok(answers)
}
