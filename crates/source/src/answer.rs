//! JSON answers, bounded and checked.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use strongroom_model::text::printable;
use tokio::time::Instant;

use crate::body::Body;
use crate::cause::{Cause, MAX_DETAIL_CHARS};
use crate::client::{OutgoingRequest, Source};
use crate::error::SourceError;

/// 1000 bookings with names of 4 KiB, and as much again for escapes.
const MAX_ANSWER_BYTES: u64 = 8 * 1024 * 1024;
/// It only makes a message clearer.
const MAX_PROBLEM_BYTES: u64 = 16 * 1024;

/// A response's body, not parsed yet.
pub(crate) struct JsonBody {
    content_type: String,
    pub(crate) body: Vec<u8>,
}

impl JsonBody {
    pub(crate) fn confused(&self, why: impl fmt::Display) -> Cause {
        Cause::confused(format!("{}, but not what was asked for: {why}", self.content_type))
    }
}

impl Source {
    /// Sends a request whose answer must be JSON of that shape.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, ask: &OutgoingRequest<'_>) -> Result<T, SourceError> {
        let answer = self.json_body(ask).await?;
        serde_json::from_slice(&answer.body).map_err(|error| self.request(ask).failed(answer.confused(error)))
    }

    /// Sends a request, unless the server's `Retry-After` has not passed.
    pub(crate) async fn json_body(&self, ask: &OutgoingRequest<'_>) -> Result<JsonBody, SourceError> {
        if let Some(left) = self.gate().closed_for(Instant::now()) {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let detail = Some("as it said before; it was not asked again".to_owned());
            return Err(self.request(ask).failed(Cause::Unavailable { status, retry_after: Some(left), detail }));
        }
        let (request, response) = self.send(ask).await?;
        let answer = self.read(response).await.map_err(|cause| request.failed(cause));
        if let Some(wait) = answer.as_ref().err().and_then(SourceError::retry_after) {
            self.gate().close(Instant::now(), wait);
        }
        answer
    }

    pub(crate) async fn read(&self, response: Response) -> Result<JsonBody, Cause> {
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let content_type = content_type(&response);
        Ok(JsonBody { content_type, body: bounded(response, MAX_ANSWER_BYTES, self.read_timeout()).await? })
    }
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(CONTENT_TYPE);
    value
        .map_or_else(|| "no content type".to_owned(), |value| printable(&String::from_utf8_lossy(value.as_bytes()), 60))
}

/// Fails for a body longer than `most_bytes`.
async fn bounded(response: Response, most_bytes: u64, window: Duration) -> Result<Vec<u8>, Cause> {
    let mut body = Body::new(response, window)?;
    let too_long = || Cause::confused(format!("it is longer than {most_bytes} bytes"));
    if body.announced_bytes().is_some_and(|announced| announced > most_bytes) {
        return Err(too_long());
    }
    let mut whole = Vec::new();
    while let Some(chunk) = body.chunk().await? {
        if body.received_bytes > most_bytes {
            return Err(too_long());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Problem details (RFC 9457).
#[derive(Deserialize)]
struct ProblemDetails {
    title: Option<String>,
    detail: Option<String>,
}

/// The server's explanation of an error, if it can be read in time.
pub(crate) async fn problem(response: Response, window: Duration) -> Option<String> {
    if !content_type(&response).contains("json") {
        return None;
    }
    let body = tokio::time::timeout(window, bounded(response, MAX_PROBLEM_BYTES, window)).await.ok()?.ok()?;
    let problem: ProblemDetails = serde_json::from_slice(&body).ok()?;
    let words = match (problem.title, problem.detail) {
        (Some(title), Some(detail)) => format!("{title}: {detail}"),
        (Some(words), None) | (None, Some(words)) => words,
        (None, None) => return None,
    };
    Some(printable(&words, MAX_DETAIL_CHARS))
}
