//! Uploading a timesheet.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use strongroom_model::wire::BookingInfo;
use strongroom_model::{BookingId, ByteCount, Digest};
use utoipa::IntoParams;

use super::Api;
use super::bookings::{info, status, unknown};
use super::extract::{Path, Query};
use super::problem::{BodyProblems, Problem, ProblemBody, Problems};
use super::whole::{announced, check_type, wrong_digest};
use crate::bytes::digest_of;
use crate::incoming::{ReceiveError, Received, receive};

/// In characters: the pipeline takes 4096 bytes.
const MAX_FILENAME_CHARS: usize = 1024;

/// How the timesheet is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// The file's name. It is kept as it is, and never used as a path.
    #[param(min_length = 1, max_length = 1024)]
    filename: String,
}

/// Uploads a booking's timesheet; doing it again with the same bytes changes nothing.
///
/// Until the booking is signed off, another timesheet takes the place of the first. A
/// `Content-Digest` or `Repr-Digest` (RFC 9530), `Digest` or `Content-MD5` is compared with what
/// comes. A body that is a part of the file, encoded or wrapped is refused.
#[utoipa::path(
    put, path = "/v1/bookings/{id}/timesheet",
    params(("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"), UploadQuery),
    request_body(content = Option<Vec<u8>>, content_type = "application/octet-stream", description = "The bytes; none for an empty file."),
    security(("bearer" = ["upload"])),
    responses(
        (status = 201, body = BookingInfo),
        (status = 200, body = BookingInfo, description = "It has this timesheet already."),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn upload(
    State(api): State<Api>,
    Path(id): Path<BookingId>,
    Query(UploadQuery { filename }): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let limits = &api.documents.settings().limits;
    check(&filename, &headers, limits.upload)?;
    let announced = announced(&headers)?;
    // Before the body, which may have 10 GiB.
    api.documents.store().booking(&id).await?.ok_or_else(|| unknown(&id))?;
    let received = receive(&api.documents, unless_stalled(body, limits.stall), limits.upload).await?;
    compare(&api, &received, announced).await?;
    let (documents, booking) = (api.documents.clone(), id.clone());
    let change = api.to_the_end(async move { documents.upload(&booking, &filename, received).await }).await?;
    Ok((status(change), axum::Json(info(&api, &id).await?)).into_response())
}

fn check(filename: &str, headers: &HeaderMap, most: ByteCount) -> Result<(), Problem> {
    let length = filename.chars().count();
    if !(1..=MAX_FILENAME_CHARS).contains(&length) {
        let detail = format!("`filename` has {length} characters: it must have 1 to {MAX_FILENAME_CHARS}");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-filename", detail));
    }
    check_type(headers)?;
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most.0) {
        let detail = format!("the timesheet is larger than {most}, the most that this server takes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
    }
    Ok(())
}

async fn compare(api: &Api, received: &Received, announced: Vec<Digest>) -> Result<(), Problem> {
    for expected in announced {
        let computed = if expected.algorithm() == received.digest.algorithm() {
            received.digest.clone()
        } else {
            let (path, algorithm) = (received.temporary.path.clone(), expected.algorithm());
            let read = api.documents.on_files(move |root| digest_of(root.open_file(&path)?, algorithm));
            read.await.map_err(ReceiveError::Write)?.1
        };
        if computed != expected {
            return Err(wrong_digest(&computed, &expected));
        }
    }
    Ok(())
}

/// In each stall time: a dripping body is aborted as a stalled one is.
const MIN_WINDOW_BYTES: usize = 1024;

/// The body's bytes, until it stalls.
pub(crate) fn unless_stalled(body: Body, stall: Duration) -> impl Stream<Item = Result<Bytes, String>> {
    let window = (tokio::time::Instant::now() + stall, 0);
    futures_util::stream::unfold(Some((body.into_data_stream(), window)), move |state| async move {
        let (mut frames, (deadline, received_bytes)) = state?;
        match tokio::time::timeout_at(deadline, frames.next()).await {
            Ok(Some(Ok(bytes))) => {
                let received_bytes = received_bytes + bytes.len();
                let is_enough = received_bytes >= MIN_WINDOW_BYTES;
                let window =
                    if is_enough { (tokio::time::Instant::now() + stall, 0) } else { (deadline, received_bytes) };
                Some((Ok(bytes), Some((frames, window))))
            }
            Ok(Some(Err(error))) => Some((Err(error.to_string()), None)),
            Ok(None) => None,
            Err(_) => Some((Err(format!("almost no bytes arrived for {} s", stall.as_secs())), None)),
        }
    })
}
