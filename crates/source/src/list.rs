//! The server's lists. A record that cannot be used does not affect the others.

use jiff::Timestamp;
use serde::Deserialize;
use strongroom_model::digest::ParseDigestError;
use strongroom_model::event::Enumerated;
use strongroom_model::text::printable;
use strongroom_model::wire::{BookingInfo, MAX_LIST};
use strongroom_model::{BookingId, ByteCount, Digest, FailureKind};

use crate::answer::JsonBody;
use crate::cause::Cause;
use crate::client::{OutgoingRequest, Source};
use crate::error::{About, SourceError};
use crate::frame::{elements, members};
use crate::gate::date;

/// File systems allow 255 bytes; a name longer than this only fills the log.
pub(crate) const MAX_FILENAME_BYTES: usize = 4096;
/// 1 TiB. A larger record would make every other file wait for room that no drive has.
pub(crate) const MAX_FILE_BYTES: u64 = 1 << 40;
const WAITING: [&str; 3] = ["v1", "bookings", "waiting"];
/// The longest cursor that is returned to the server.
const MAX_CURSOR_BYTES: usize = 1024;

/// One page of a list, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The records, in the server's order, at most as many as requested.
    pub records: Vec<Result<Offer, Unusable>>,
    /// The server's count of waiting bookings.
    pub waiting: u64,
    /// The next page's cursor, if any.
    pub next: Option<String>,
}

/// A booking with a usable record.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// The booking.
    pub id: BookingId,
    /// The server's record.
    pub record: Enumerated,
}

/// A record that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// The booking, if its id is usable.
    pub id: Option<BookingId>,
    /// The server's id, printable and shortened.
    pub shown: String,
    /// The cause's code.
    pub kind: FailureKind,
    /// The reason, on one line.
    pub reason: String,
}

/// The server's health.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ServerHealth {
    /// Folders below its document root that are mounts; 0 if not given.
    #[serde(default)]
    pub mounts_below: u64,
}

impl Source {
    /// The oldest signed-off bookings that are not backed up, at most `limit` (and [`MAX_LIST`]), from the last page's
    /// cursor on.
    ///
    /// # Errors
    /// The server did not answer, or not with a list. Unusable records are part of the page.
    pub async fn waiting(&self, limit: u32, after: Option<&str>) -> Result<Page, SourceError> {
        let ask = OutgoingRequest::get(About::Server, &WAITING);
        self.list(ask, List::Waiting, limit.clamp(1, MAX_LIST), after).await
    }

    /// Archived bookings by id, after `after`. The page's count is 0.
    pub async fn archived(&self, after: Option<&str>) -> Result<Page, SourceError> {
        let ask = OutgoingRequest::get(About::Server, &["v1", "bookings"]);
        self.list(ask, List::Archived, MAX_LIST, after).await
    }

    async fn list(
        &self,
        ask: OutgoingRequest<'_>,
        list: List,
        limit: u32,
        after: Option<&str>,
    ) -> Result<Page, SourceError> {
        let limit_text = limit.to_string();
        let mut query = vec![("limit", limit_text.as_str())];
        query.extend((list == List::Archived).then_some(("state", "archived")));
        query.extend(after.map(|after| ("after", after)));
        let ask = OutgoingRequest { query: &query, ..ask };
        let answer = self.json_body(&ask).await?;
        page(&answer, limit, after, list).map_err(|cause| self.request(&ask).failed(cause))
    }

    /// Checks that the server answers, accepts our token and is a document server, by the shortest list on a new
    /// connection.
    pub async fn check(&self) -> Result<(), SourceError> {
        self.list(OutgoingRequest::probe(&WAITING), List::Waiting, 1, None).await.map(drop)
    }

    /// Checks that the server is up, on a new connection and without a token.
    pub async fn health(&self) -> Result<ServerHealth, SourceError> {
        self.get_json(&OutgoingRequest::probe(&["healthz"])).await
    }

    /// The server's time, by its `Date` header (RFC 9110, section 6.6.1), if it sends one. Needs no token.
    pub async fn time(&self) -> Result<Option<Timestamp>, SourceError> {
        let (_, response) = self.send(&OutgoingRequest::get(About::Server, &["healthz"])).await?;
        Ok(date(response.headers()))
    }

    /// One booking's state on the server.
    pub async fn booking(&self, id: &BookingId) -> Result<BookingInfo, SourceError> {
        self.get_json(&OutgoingRequest::get(About::Booking, &["v1", "bookings", id.as_str()])).await
    }
}

/// Only the list of waiting bookings has their count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Waiting,
    Archived,
}

/// Records are split first and parsed one by one (R9).
fn page(answer: &JsonBody, limit: u32, after: Option<&str>, list: List) -> Result<Page, Cause> {
    let [mut bookings, mut waiting, mut next] = [None; 3];
    for member in members(&answer.body) {
        let member = member.map_err(|error| answer.confused(error))?;
        let known = [("bookings", &mut bookings), ("waiting", &mut waiting), ("next", &mut next)];
        if let Some((name, place)) = known.into_iter().find(|(name, _)| member.is_named(name))
            && place.replace(member.value).is_some()
        {
            return Err(answer.confused(format_args!("it has two members {name:?}")));
        }
    }
    let missing = |name| move || answer.confused(format_args!("it has no member {name:?}"));
    let bookings = bookings.ok_or_else(missing("bookings"))?;
    let waiting = waiting.or((list == List::Archived).then_some(b"0".as_slice()));
    let waiting: u64 = read(waiting.ok_or_else(missing("waiting"))?, "waiting").map_err(|why| answer.confused(why))?;
    let next = cursor(next.unwrap_or(b"null")).map_err(|why| answer.confused(why))?;
    let mut records = Vec::new();
    for part in elements(bookings) {
        if records.len() == limit as usize {
            return Err(answer.confused(format_args!("it lists more than the {limit} bookings that were asked for")));
        }
        let part = part.map_err(|error| answer.confused(format_args!("its bookings: {error}")))?;
        records.push(match list {
            List::Waiting => record(part.value),
            List::Archived => archived(part.value),
        });
    }
    // An empty page may have a successor: servers may filter a page after splitting.
    if next.is_some() && next.as_deref() == after {
        return Err(Cause::confused("its next page would be the same page again"));
    }
    Ok(Page { records, waiting, next })
}

/// Some servers use an empty text for the last page.
pub(crate) fn cursor(json: &[u8]) -> Result<Option<String>, String> {
    let next: Option<PageCursor> = serde_json::from_slice(json)
        .map_err(|_| "its \"next\" is not a cursor: it must be text, a whole number or null".to_owned())?;
    let next = next.map(|cursor| match cursor {
        PageCursor::Text(text) => text,
        PageCursor::Number(number) => number.to_string(),
    });
    let next = next.filter(|next| !next.is_empty());
    if next.as_ref().is_some_and(|next| next.len() > MAX_CURSOR_BYTES) {
        return Err(format!("its cursor is longer than {MAX_CURSOR_BYTES} bytes"));
    }
    Ok(next)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PageCursor {
    Text(String),
    Number(u64),
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8], name: &str) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| format!("its {name:?} cannot be read: {error}"))
}

fn archived(json: &[u8]) -> Result<Offer, Unusable> {
    let info: BookingInfo = serde_json::from_slice(json).map_err(|error| Unusable {
        id: None,
        shown: "(none)".to_owned(),
        kind: FailureKind::BadRecord,
        reason: printable(&format!("the record cannot be read: {error}"), 200),
    })?;
    // Checked like the other list's records.
    let (file, at) = (info.timesheet.as_ref(), info.signed_off_at);
    let listed = serde_json::json!({
        "id": info.id,
        "filename": file.map(|file| &file.filename),
        "size_bytes": file.map(|file| file.size_bytes),
        "digest": file.map(|file| &file.digest),
        "signed_off_at": at,
    });
    record(listed.to_string().as_bytes())
}

const FIELDS: [&str; 5] = ["id", "filename", "size_bytes", "digest", "signed_off_at"];

/// Parses the id first, so that errors in the rest can name it.
fn record(json: &[u8]) -> Result<Offer, Unusable> {
    let mut values: [Option<&[u8]>; FIELDS.len()] = [None; FIELDS.len()];
    let mut broken = None;
    for member in members(json) {
        match member {
            Err(error) => broken = broken.or(Some(format!("the record cannot be read: {error}"))),
            Ok(member) => {
                let known = FIELDS.iter().position(|name| member.is_named(name));
                if let Some(number) = known
                    && values[number].replace(member.value).is_some()
                {
                    broken = broken.or(Some(format!("the record has two members {:?}", FIELDS[number])));
                }
            }
        }
    }
    let [id, filename, size_bytes, digest, signed_off_at] = values;
    let text = id.and_then(|id| serde_json::from_slice::<String>(id).ok());
    let as_given = || id.map_or_else(|| "(none)".to_owned(), |id| String::from_utf8_lossy(id).into_owned());
    let shown = printable(&text.clone().unwrap_or_else(as_given), 60);
    let id = text.as_deref().map(str::parse::<BookingId>);
    let usable_id = id.as_ref().and_then(|id| id.as_ref().ok()).cloned();
    let unusable = |kind, reason: &str| Unusable {
        id: usable_id.clone(),
        shown: shown.clone(),
        kind,
        reason: printable(reason, 200),
    };
    let bad = |reason: String| unusable(FailureKind::BadRecord, &reason);
    if let Some(reason) = broken {
        return Err(bad(reason));
    }
    let id = id.ok_or_else(|| bad("the record has no id that is text".to_owned()))?;
    let id = id.map_err(|error| bad(error.to_string()))?;
    let filename: String = member(filename, "filename").map_err(bad)?;
    let size: u64 = member(size_bytes, "size_bytes").map_err(bad)?;
    let digest: String = member(digest, "digest").map_err(bad)?;
    let signed_off_at: Timestamp = member(signed_off_at, "signed_off_at").map_err(bad)?;
    if filename.len() > MAX_FILENAME_BYTES {
        return Err(bad(format!("the file's name has more than {MAX_FILENAME_BYTES} bytes")));
    }
    if size > MAX_FILE_BYTES {
        return Err(bad(format!("a size of {size} bytes is more than any timesheet has")));
    }
    let digest: Digest = digest.parse().map_err(|error: ParseDigestError| match error {
        ParseDigestError::UnknownAlgorithm(_) => unusable(FailureKind::UnknownDigest, &error.to_string()),
        other => bad(other.to_string()),
    })?;
    Ok(Offer { id, record: Enumerated { filename, size_bytes: ByteCount(size), digest, signed_off_at } })
}

fn member<'a, T: Deserialize<'a>>(json: Option<&'a [u8]>, name: &str) -> Result<T, String> {
    let json = json.ok_or_else(|| format!("the record has no {name:?}"))?;
    serde_json::from_slice(json).map_err(|error| format!("the record's {name:?} cannot be read: {error}"))
}
