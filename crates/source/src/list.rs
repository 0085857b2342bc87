//! Which bookings wait on the server. One record that cannot be used spoils no other.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use strongroom_model::digest::ParseDigestError;
use strongroom_model::event::Enumerated;
use strongroom_model::text::printable;
use strongroom_model::wire::{BookingInfo, Listed, MAX_LIST};
use strongroom_model::{BookingId, ByteCount, Digest, FailureKind};

use crate::cause::Cause;
use crate::client::{Ask, Source};
use crate::error::{About, SourceError};
use crate::gate::date;

/// The longest file name that is taken in hand, in bytes. File systems hold 255; more than
/// this is no name but an attempt to fill the log.
pub const MAX_FILENAME_BYTES: usize = 4096;
/// The largest file that is taken in hand: 1 TiB. A record that says more would keep every
/// other file waiting for room that no drive has.
pub const MAX_FILE_BYTES: u64 = 1 << 40;
/// The longest cursor that is sent back to the server.
const MAX_CURSOR_BYTES: usize = 1024;

/// One page of the list, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The records, in the server's order, as many as were asked for at most.
    pub records: Vec<Result<Offer, Unusable>>,
    /// How many bookings the server says are waiting in all.
    pub waiting: u64,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// A booking whose timesheet can be taken in hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The booking.
    pub id: BookingId,
    /// What the server holds of it.
    pub record: Enumerated,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The booking, where at least its id can be used.
    pub id: Option<BookingId>,
    /// The id as the server gave it, printable and shortened.
    pub shown: String,
    /// The code of the cause.
    pub kind: FailureKind,
    /// Why it cannot be used, on one line.
    pub reason: String,
}

/// A page as it comes: each record is read by itself later.
#[derive(Deserialize)]
struct RawPage {
    bookings: Vec<Value>,
    waiting: u64,
    next: Option<String>,
}

/// What `/healthz` says; all that matters is that it is JSON.
#[derive(Deserialize)]
struct Health {}

impl Source {
    /// The oldest signed-off bookings that are not backed up: `limit` at most (and at most
    /// [`MAX_LIST`]), from the cursor on that the page before gave.
    ///
    /// # Errors
    /// The server did not answer, or not with a list. A record that cannot be used is no
    /// error: it stands in the page.
    pub async fn waiting(&self, limit: u32, after: Option<&str>) -> Result<Page, SourceError> {
        let limit = limit.clamp(1, MAX_LIST);
        let limit_text = limit.to_string();
        let query = [("limit", limit_text.as_str()), ("after", after.unwrap_or_default())];
        let path = ["v1", "bookings", "waiting"];
        let ask = Ask { query: &query[..if after.is_some() { 2 } else { 1 }], ..Ask::get(About::Server, &path) };
        let raw: RawPage = self.question(&ask).await?;
        page(raw, limit, after).map_err(|cause| self.request(&ask).failed(cause))
    }

    /// Whether the server answers, takes our token and is a document server: the shortest
    /// list is asked for.
    ///
    /// # Errors
    /// It is not so.
    pub async fn check(&self) -> Result<(), SourceError> {
        self.waiting(1, None).await.map(|_| ())
    }

    /// Whether the server is up; no token is needed for that.
    ///
    /// # Errors
    /// It is not, or something else answers.
    pub async fn health(&self) -> Result<(), SourceError> {
        self.question::<Health>(&Ask::get(About::Server, &["healthz"])).await.map(|_| ())
    }

    /// What time it is at the server, by its `Date` header (RFC 9110, section 6.6.1), to the
    /// second; `None` where it sends none. No token is needed for that.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn time(&self) -> Result<Option<Timestamp>, SourceError> {
        let (_, response) = self.send(&Ask::get(About::Server, &["healthz"])).await?;
        Ok(date(response.headers()))
    }

    /// One booking, and what the server knows of it.
    ///
    /// # Errors
    /// The server did not answer, does not know it, or cannot be understood.
    pub async fn booking(&self, id: &BookingId) -> Result<BookingInfo, SourceError> {
        self.question(&Ask::get(About::Booking, &["v1", "bookings", id.as_str()])).await
    }
}

/// Believes a page as far as it can be believed.
fn page(raw: RawPage, limit: u32, after: Option<&str>) -> Result<Page, Cause> {
    if raw.bookings.len() > limit as usize {
        return Err(Cause::confused(format!(
            "it lists {} bookings where {limit} at most were asked for",
            raw.bookings.len()
        )));
    }
    if raw.next.as_ref().is_some_and(|next| next.len() > MAX_CURSOR_BYTES) {
        return Err(Cause::confused(format!("its cursor is longer than {MAX_CURSOR_BYTES} bytes")));
    }
    if raw.next.is_some() && (raw.next.as_deref() == after || raw.bookings.is_empty()) {
        return Err(Cause::confused("its next page would be the same page again"));
    }
    Ok(Page { records: raw.bookings.into_iter().map(record).collect(), waiting: raw.waiting, next: raw.next })
}

/// Reads one record.
fn record(raw: Value) -> Result<Offer, Unusable> {
    let given = raw.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let shown = printable(given.as_deref().unwrap_or("(none)"), 60);
    let id = raw.get("id").and_then(Value::as_str).map(str::parse::<BookingId>);
    let usable_id = id.as_ref().and_then(|id| id.as_ref().ok()).cloned();
    let unusable = |kind, reason: String| Unusable {
        id: usable_id.clone(),
        shown: shown.clone(),
        kind,
        reason: printable(&reason, 200),
    };
    let bad = |reason: String| unusable(FailureKind::BadRecord, reason);
    let id = id.ok_or_else(|| bad("the record has no id that is text".to_owned()))?;
    let id = id.map_err(|error| bad(error.to_string()))?;
    let listed: Listed =
        serde_json::from_value(raw).map_err(|error| bad(format!("the record cannot be read: {error}")))?;
    if listed.filename.len() > MAX_FILENAME_BYTES {
        return Err(bad(format!("the file's name has more than {MAX_FILENAME_BYTES} bytes")));
    }
    if listed.size_bytes > MAX_FILE_BYTES {
        return Err(bad(format!("a size of {} bytes is more than any timesheet has", listed.size_bytes)));
    }
    let digest: Digest = listed.digest.parse().map_err(|error: ParseDigestError| match error {
        ParseDigestError::UnknownAlgorithm(_) => unusable(FailureKind::UnknownDigest, error.to_string()),
        other => bad(other.to_string()),
    })?;
    let size_bytes = ByteCount(listed.size_bytes);
    let record = Enumerated { filename: listed.filename, size_bytes, digest, signed_off_at: listed.signed_off_at };
    Ok(Offer { id, record })
}
