//! A timesheet's bytes.

use std::fs::File;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::Stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use strongroom_model::text::printable;
use strongroom_model::wire::{PurgedInfo, ServerState};
use strongroom_model::{Algorithm, BookingId, Digest};

use super::Api;
use super::bookings::{purged_info, unknown};
use super::disposition::attachment;
use super::extract::Path;
use super::problem::{Problem, ProblemBody, Problems};
use super::range::{Condition, Selected, condition, select};
use crate::bytes::{read_exact_at, stat_of};
use crate::disk_error::{self, DiskError};
use crate::documents::Documents;
use crate::store::booking::{Booking, Timesheet};

const CHUNK_BYTES: u64 = 256 << 10;

/// Gives a timesheet's bytes, or a part of them, as they are on the disk.
///
/// The `ETag` is `"<algorithm>-<hex>"` of the recorded digest, which is computed at upload or
/// import and never here. `If-Match` and `If-None-Match` are heeded. `Repr-Digest` (RFC 9530) is sent for
/// SHA-256 and SHA-512.
#[utoipa::path(
    get, path = "/v1/bookings/{id}/timesheet",
    params(
        ("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"),
        ("Range" = Option<String>, Header, description = "One range of bytes; several give the whole."),
        ("If-Range" = Option<String>, Header, description = "The ETag that the range is of.")
    ),
    security(("bearer" = ["read"]), ("bearer" = ["backup"])),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream", headers(
            ("ETag" = String, description = "The recorded digest."),
            ("Repr-Digest" = String, description = "The recorded digest.")
        )),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 304, description = "The client has it already."),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "It has none yet."),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
        (status = 416, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn timesheet(
    State(api): State<Api>,
    Path(id): Path<BookingId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    send(&api.documents, &id, &Method::GET, &headers).await
}

/// Tells a timesheet's size and digest without its bytes.
#[utoipa::path(
    head, path = "/v1/bookings/{id}/timesheet", params(("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    security(("bearer" = ["read"]), ("bearer" = ["backup"])),
    responses((status = 200), (status = 304), (status = 404), (status = 409), (status = 410), (status = 412), Problems)
)]
pub(crate) async fn timesheet_head(
    State(api): State<Api>,
    Path(id): Path<BookingId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    send(&api.documents, &id, &Method::HEAD, &headers).await
}

async fn send(
    documents: &Documents,
    id: &BookingId,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let timesheet = find(documents, id).await?;
    let etag = etag(&timesheet.digest);
    match condition(headers, &etag) {
        Condition::Holds => {}
        Condition::NotModified => return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response()),
        Condition::Failed => {
            let detail = format!("the timesheet of {id} is not the one that If-Match names");
            return Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail));
        }
    }
    let (file, size) = open(documents, id, &timesheet).await?;
    // A range is only defined for GET (RFC 9110, section 14.2).
    let selected = if method == Method::GET { select(headers, &etag, size) } else { Selected::Whole };
    let (status, first, length) = match selected {
        Selected::Whole => (StatusCode::OK, 0, size),
        Selected::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Selected::Nothing => return Err(out_of_range(size)),
    };
    let body = match method {
        &Method::HEAD => Body::empty(),
        _ => body(documents, file, first, length).await.map_err(|error| unreadable(id, &timesheet, &error))?,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    describe(response.headers_mut(), &timesheet, etag, length);
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        response.headers_mut().insert(header::CONTENT_RANGE, plain(&range));
    }
    Ok(response)
}

async fn find(documents: &Documents, id: &BookingId) -> Result<Timesheet, Problem> {
    let known = documents.store().booking(id).await?.ok_or_else(|| unknown(id))?;
    if known.state == ServerState::Purged {
        let info = purged_info(documents, &known).await?;
        return Err(Problem::new(StatusCode::GONE, "purged", purged_in_words(id, &known, info)));
    }
    let none = || Problem::new(StatusCode::CONFLICT, "no-timesheet", format!("booking {id} has no timesheet yet"));
    known.timesheet.ok_or_else(none)
}

/// When, by whose approval, and which drives hold it.
fn purged_in_words(id: &BookingId, known: &Booking, info: Option<PurgedInfo>) -> String {
    let Some(info) = info else {
        let purge = known.purge.as_deref().unwrap_or_default();
        return format!("the timesheet of {id} was deleted by the purge {purge}: its copies are on the backup drives");
    };
    let at = info.purged_at.map_or_else(String::new, |at| format!(" at {at}"));
    let drives: Vec<String> = info.drives.iter().map(ToString::to_string).collect();
    let held = if drives.is_empty() { "the backup drives".to_owned() } else { drives.join(", ") };
    let (purge, by) = (info.purge, printable(&info.approved_by, 100));
    format!(
        "the timesheet of {id} was deleted{at} by the purge {purge}, which {by:?} approved; its copies are on: {held}"
    )
}

/// The open file and its present size. A file of another size than recorded is sent as it is: comparing digests shows
/// that.
async fn open(documents: &Documents, id: &BookingId, timesheet: &Timesheet) -> Result<(File, u64), Problem> {
    let path = timesheet.path.clone();
    let opened = documents.on_files(move |root| {
        let file = root.open_file(&path)?;
        let size = stat_of(&file)?.size;
        disk_error::Result::Ok((file, size))
    });
    match opened.await {
        // It was moved after its record was read: read the record again.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let again = find(documents, id).await?;
            if again.path == timesheet.path {
                return Err(unreadable(id, timesheet, &error));
            }
            Box::pin(open(documents, id, &again)).await
        }
        other => other.map_err(|error| unreadable(id, timesheet, &error)),
    }
}

fn unreadable(id: &BookingId, timesheet: &Timesheet, error: &DiskError) -> Problem {
    tracing::error!(booking = %id, path = %timesheet.path, %error, "a recorded file cannot be read");
    match error.kind() {
        io::ErrorKind::NotFound => {
            let detail = format!(
                "the file of booking {id} is gone from the server ({}): upload it again, or restore it from a backup",
                timesheet.path
            );
            Problem::new(StatusCode::NOT_FOUND, "file-missing", detail)
        }
        _ => {
            let detail = || {
                format!(
                    "the file of booking {id} cannot be read from the server's disk ({}): {error}; look at the disk, or \
                     restore the file from a backup",
                    timesheet.path
                )
            };
            let unreadable = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "file-unreadable", detail());
            error.trouble().map_or_else(unreadable, Problem::no_storage)
        }
    }
}

async fn body(documents: &Documents, file: File, first: u64, length: u64) -> disk_error::Result<Body> {
    if length > CHUNK_BYTES {
        return Ok(Body::from_stream(chunks(documents.clone(), file, first, length)));
    }
    Ok(documents.on_files(move |_| read(&file, first, length)).await?.into())
}

/// The file's bytes in pieces. If the file became shorter, an error cuts the connection: the client must not take it
/// for whole.
fn chunks(documents: Documents, file: File, first: u64, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    let file = Arc::new(file);
    futures_util::stream::try_unfold((first, length), move |(at, left)| {
        let (documents, file) = (documents.clone(), Arc::clone(&file));
        async move {
            if left == 0 {
                return Ok(None);
            }
            let count = left.min(CHUNK_BYTES);
            let bytes = documents.on_files(move |_| read(&file, at, count)).await?;
            Ok(Some((bytes, (at + count, left - count))))
        }
    })
}

fn read(file: &File, at: u64, length: u64) -> disk_error::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).expect("a piece fits in memory")];
    read_exact_at(file, &mut bytes, at)?;
    Ok(bytes.into())
}

fn describe(headers: &mut HeaderMap, timesheet: &Timesheet, etag: HeaderValue, length: u64) {
    // Never the type that the name suggests: a stored page must not run in the server's name.
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_DISPOSITION, attachment(&timesheet.filename));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::ETAG, etag);
    if let Some(digest) = repr_digest(&timesheet.digest) {
        headers.insert("repr-digest", digest);
    }
}

fn etag(digest: &Digest) -> HeaderValue {
    plain(&format!("\"{}-{}\"", digest.algorithm().name(), digest.hex()))
}

/// RFC 9530 registers no key for BLAKE3, and calls those for MD5 and SHA-1 insecure.
fn repr_digest(digest: &Digest) -> Option<HeaderValue> {
    let key = match digest.algorithm() {
        Algorithm::Sha256 => "sha-256",
        Algorithm::Sha512 => "sha-512",
        _ => return None,
    };
    Some(plain(&format!("{key}=:{}:", BASE64.encode(digest.value()))))
}

fn out_of_range(size: u64) -> Problem {
    let detail = format!("the timesheet has {size} bytes, and the range is beyond them");
    Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "out-of-range", detail)
        .with_header(header::CONTENT_RANGE, plain(&format!("bytes */{size}")))
}

fn plain(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("it is made of plain ASCII")
}
