//! Errors as problem details (RFC 9457).

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::bookings::BookingError;
use crate::incoming::ReceiveError;
use crate::purge::PurgeError;
use crate::store::StoreError;
use crate::trouble::DiskTrouble;

const CONTENT_TYPE: &str = "application/problem+json";
/// In characters: a rejection may quote the request.
const MAX_DETAIL_CHARS: usize = 500;

#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// A problem as it goes over the wire (RFC 9457, section 3.1).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// What kind of problem it is: `urn:strongroom:problem:<code>`.
    r#type: String,
    /// The status in words.
    title: &'static str,
    /// The answer's status.
    status: u16,
    /// What happened, and what to do.
    detail: String,
}

/// The problems that any route may answer with.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes the answers; Problem makes them")]
pub(crate) enum Problems {
    /// The request cannot be understood.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(ProblemBody),
    /// There is no token, or it is unknown or revoked.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemBody),
    /// The token does not allow this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemBody),
    /// The server's disk takes no writes.
    #[response(status = 507, content_type = "application/problem+json")]
    NoStorage(ProblemBody),
    /// The server could not do it.
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemBody),
    /// The server is too busy.
    #[response(status = 503, content_type = "application/problem+json")]
    Busy(ProblemBody),
}

/// The problems that any route with a body may answer with, besides.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes the answers; Problem makes them")]
pub(crate) enum BodyProblems {
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemBody),
    /// The body is encoded, or its type is not the one that is described.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(ProblemBody),
    /// The body can be read, but is not as described, or not what was announced or approved.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemBody),
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), headers: Vec::new() }
    }

    /// Nothing that the client can change; the server's log says more.
    pub(crate) fn internal() -> Self {
        let detail = "the server could not do it; its log says why. Trying again does no harm";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Nothing was done: the disk or this process could not.
    pub(crate) fn no_storage(trouble: DiskTrouble) -> Self {
        let status = match trouble {
            // It may recover at any moment; what is gone can neither be written nor read.
            DiskTrouble::Files | DiskTrouble::Memory | DiskTrouble::Gone => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INSUFFICIENT_STORAGE,
        };
        Self::new(status, trouble.code(), format!("nothing was done: {}; then retry", trouble.message()))
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = ProblemBody {
            r#type: format!("urn:strongroom:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: strongroom_model::text::printable(&self.detail, MAX_DETAIL_CHARS),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response.headers_mut().extend(self.headers.into_iter().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// Turns an error of a lower layer into a problem.
pub(crate) async fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == CONTENT_TYPE);
    if !is_error || is_problem {
        return response;
    }
    let mut problem = Problem::new(status, "refused", "the request was refused").into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allow.clone());
    }
    problem
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if let Some(trouble) = error.trouble() {
            tracing::error!(error = &error as &dyn std::error::Error, "the records cannot be written");
            return Self::no_storage(trouble);
        }
        if error.is_away() {
            tracing::warn!(error = &error as &dyn std::error::Error, "the records' database is away");
            let detail = "the server cannot reach its records just now: retry in a moment";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "records-away", detail);
        }
        tracing::error!(error = &error as &dyn std::error::Error, "the records could not be read or written");
        Self::internal()
    }
}

impl From<BookingError> for Problem {
    fn from(error: BookingError) -> Self {
        match error {
            BookingError::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "unknown-booking", error.to_string()),
            BookingError::Conflict(detail) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            BookingError::NoStorage(trouble) => Self::no_storage(trouble),
            BookingError::NotTaken(why) => not_taken(&why),
            BookingError::Unsure(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "not-certain", error.to_string()),
            BookingError::Store(error) => error.into(),
        }
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::TooLarge(_) => {
                let detail = format!("the timesheet was not taken: {error}");
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
            }
            ReceiveError::Cut(_) => {
                let detail = format!("the timesheet was not taken: {error}; send it again");
                Self::new(StatusCode::BAD_REQUEST, "cut-short", detail)
            }
            ReceiveError::Write(error) => {
                tracing::error!(%error, "a timesheet could not be written");
                error.trouble().map_or_else(|| not_taken(&error.to_string()), Problem::no_storage)
            }
        }
    }
}

/// A timesheet that cannot be kept as it is: the disk cannot hold it, or something is in its way.
fn not_taken(why: &str) -> Problem {
    let detail = format!("the timesheet was not taken: {why}; the server's log names the file");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not-taken", detail)
}

impl From<PurgeError> for Problem {
    fn from(error: PurgeError) -> Self {
        match error {
            PurgeError::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "unknown-purge", error.to_string()),
            PurgeError::BadProposal(detail) => {
                let detail = format!("nothing was proposed: {detail}");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-proposal", detail)
            }
            PurgeError::Conflict(detail) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            PurgeError::NotAllowed(detail) => {
                Self::new(StatusCode::FORBIDDEN, "not-approved", format!("nothing was approved: {detail}"))
            }
            PurgeError::BadRefusal(detail) => {
                let detail = format!("nothing was refused: {detail}");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-refusal", detail)
            }
            PurgeError::BadApproval(detail) => {
                let detail = format!("nothing was approved: {detail}");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not-approved", detail)
            }
            PurgeError::Store(error) => error.into(),
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "bad-body", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "bad-path", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "bad-query", rejection.body_text())
    }
}
