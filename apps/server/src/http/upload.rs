//! Uploading a timesheet.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{Stream, StreamExt};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use strongroom_model::wire::BookingInfo;
use strongroom_model::{Algorithm, BookingId, ByteCount, Digest};
use utoipa::IntoParams;

use super::Api;
use super::bookings::{info, status, unknown};
use super::extract::{Path, Query};
use super::problem::{Problem, ProblemBody, Problems};
use crate::desk::MAX_FILENAME_BYTES;
use crate::incoming::receive;

/// How the timesheet is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadQuery {
    /// The file's name: 1 to 1024 bytes. It is kept as it is, and never used as a path.
    filename: String,
}

/// Uploads a booking's timesheet; doing it again with the same bytes changes nothing.
///
/// Until the booking is signed off, another timesheet takes the place of the first. A
/// `Content-Digest` or `Repr-Digest` with `sha-256` (RFC 9530) is compared with what comes.
#[utoipa::path(
    put, path = "/v1/bookings/{id}/timesheet",
    params(("id" = String, Path, description = "The booking's id."), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    security(("bearer" = ["upload"])),
    responses(
        (status = 201, body = BookingInfo),
        (status = 200, body = BookingInfo, description = "It has this timesheet already."),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 507, body = ProblemBody, content_type = "application/problem+json"),
        Problems
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
    let announced = announced_digest(&headers)?;
    // Before the body: it would be a pity to send 10 GiB in vain.
    api.documents.store().booking(&id).await?.ok_or_else(|| unknown(&id))?;
    let received = receive(&api.documents, unless_stalled(body, limits.stall), limits.upload).await?;
    if let Some(announced) = announced.filter(|announced| *announced != received.digest) {
        let detail =
            format!("{} came, but {announced} was announced: nothing was taken; send it again", received.digest);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest", detail));
    }
    let (documents, booking) = (api.documents.clone(), id.clone());
    let change = api.to_the_end(async move { documents.upload(&booking, &filename, received).await }).await?;
    Ok((status(change), axum::Json(info(&api, &id).await?)).into_response())
}

fn check(filename: &str, headers: &HeaderMap, most: ByteCount) -> Result<(), Problem> {
    if !(1..=MAX_FILENAME_BYTES).contains(&filename.len()) {
        let detail = format!("`filename` has {} bytes: it must have 1 to {MAX_FILENAME_BYTES}", filename.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-filename", detail));
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        let detail = "the timesheet is encoded: send it without Content-Encoding, byte for byte";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded", detail));
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > most.0) {
        let detail = format!("the timesheet is larger than {most}, the most that this server takes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail));
    }
    Ok(())
}

/// The SHA-256 that the client says the file has, if it says one.
fn announced_digest(headers: &HeaderMap) -> Result<Option<Digest>, Problem> {
    let bad = |name: &str| {
        let detail = format!("{name} cannot be read: write it as sha-256=:<base64>: (RFC 9530)");
        Problem::new(StatusCode::BAD_REQUEST, "bad-digest", detail)
    };
    for name in ["content-digest", "repr-digest"] {
        for value in headers.get_all(name) {
            let members = value.to_str().map_err(|_| bad(name))?.split(',').map(str::trim);
            let Some(encoded) = members.filter_map(|member| member.strip_prefix("sha-256=")).next() else { continue };
            let encoded = encoded.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(|| bad(name))?;
            let bytes = BASE64.decode(encoded.as_bytes()).map_err(|_| bad(name))?;
            let hex = data_encoding::HEXLOWER.encode(&bytes);
            let digest = format!("{}:{hex}", Algorithm::Sha256.name()).parse().map_err(|_| bad(name))?;
            return Ok(Some(digest));
        }
    }
    Ok(None)
}

/// The body's bytes, until none come for so long.
fn unless_stalled(body: Body, stall: Duration) -> impl Stream<Item = Result<Bytes, String>> {
    let frames = body.into_data_stream();
    futures_util::stream::unfold(Some(frames), move |frames| async move {
        let mut frames = frames?;
        match tokio::time::timeout(stall, frames.next()).await {
            Ok(Some(Ok(bytes))) => Some((Ok(bytes), Some(frames))),
            Ok(Some(Err(error))) => Some((Err(error.to_string()), None)),
            Ok(None) => None,
            Err(_) => Some((Err(format!("no byte came for {} s", stall.as_secs())), None)),
        }
    })
}
