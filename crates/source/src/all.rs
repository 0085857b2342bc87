//! All bookings of the server, whatever their state.

use strongroom_model::text::printable;
use strongroom_model::wire::{BookingInfo, MAX_LIST};

use crate::answer::JsonBody;
use crate::cause::Cause;
use crate::client::{OutgoingRequest, Source};
use crate::error::{About, SourceError};
use crate::frame::{elements, members};
use crate::list::cursor;

const MAX_REASON_CHARS: usize = 200;

/// One page of the bookings, by id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingPage {
    /// The bookings, [`MAX_LIST`] at most, or why a record cannot be read.
    pub records: Vec<Result<BookingInfo, String>>,
    /// The next page's cursor, if any.
    pub next: Option<String>,
}

impl Source {
    /// All bookings by id, after `after`.
    ///
    /// # Errors
    /// The server did not answer, or not with a list. Unreadable records are part of the page.
    pub async fn bookings(&self, after: Option<&str>) -> Result<BookingPage, SourceError> {
        let limit = MAX_LIST.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(after.map(|after| ("after", after)));
        let ask = OutgoingRequest { query: &query, ..OutgoingRequest::get(About::Server, &["v1", "bookings"]) };
        let answer = self.json_body(&ask).await?;
        page(&answer, after).map_err(|cause| self.request(&ask).failed(cause))
    }
}

/// Records are split first and parsed one by one (R9).
fn page(answer: &JsonBody, after: Option<&str>) -> Result<BookingPage, Cause> {
    let [mut bookings, mut next] = [None; 2];
    for member in members(&answer.body) {
        let member = member.map_err(|error| answer.confused(error))?;
        for (name, place) in [("bookings", &mut bookings), ("next", &mut next)] {
            if member.is_named(name) && place.replace(member.value).is_some() {
                return Err(answer.confused(format_args!("it has two members {name:?}")));
            }
        }
    }
    let bookings = bookings.ok_or_else(|| answer.confused("it has no member \"bookings\""))?;
    let next = cursor(next.unwrap_or(b"null")).map_err(|why| answer.confused(why))?;
    if next.is_some() && next.as_deref() == after {
        return Err(Cause::confused("its next page would be the same page again"));
    }
    let mut records = Vec::new();
    for part in elements(bookings) {
        if records.len() == MAX_LIST as usize {
            return Err(answer.confused(format_args!("it lists more than the {MAX_LIST} bookings that were asked for")));
        }
        let part = part.map_err(|error| answer.confused(format_args!("its bookings: {error}")))?;
        records
            .push(serde_json::from_slice(part.value).map_err(|error| printable(&error.to_string(), MAX_REASON_CHARS)));
    }
    Ok(BookingPage { records, next })
}
