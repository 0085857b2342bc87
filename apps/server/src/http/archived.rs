//! Putting an archived file back.

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use strongroom_model::wire::{Answer, RefusalCause};
use strongroom_model::{BookingId, DriveId};
use utoipa::IntoParams;

use super::Api;
use super::bookings::unknown;
use super::extract::{Path, Query};
use super::problem::{BodyProblems, Problem, ProblemBody, Problems};
use super::upload::unless_stalled;
use super::whole::check_type;
use crate::answer::refused_for;
use crate::incoming::{ReceiveError, receive};
use crate::put_back::Wanted;

/// Where the copy comes from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DriveQuery {
    /// The drive that the bytes were read from, for the record.
    #[param(value_type = Option<String>, format = Uuid)]
    drive: Option<DriveId>,
}

/// Puts the file of an archived or purged booking back, from a copy. Idempotent.
///
/// Only the recorded bytes are taken. A damaged file at its place is kept beside it. A file that is there and right
/// stays: `already`.
#[utoipa::path(
    put, path = "/v1/bookings/{id}/archived",
    params(("id" = String, Path, description = "The booking's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"), DriveQuery),
    request_body(content = Option<Vec<u8>>, content_type = "application/octet-stream", description = "The bytes; none for an empty file."),
    security(("bearer" = ["backup"])),
    responses(
        (status = 200, body = Answer),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json", description = "It is not archived."),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn put_back(
    State(api): State<Api>,
    Path(id): Path<BookingId>,
    Query(DriveQuery { drive }): Query<DriveQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<axum::Json<Answer>, Problem> {
    check_type(&headers)?;
    let timesheet = match api.documents.wants_back(&id).await?.ok_or_else(|| unknown(&id))? {
        Wanted::Yes(timesheet) => timesheet,
        Wanted::No(Answer { cause: Some(RefusalCause::NotArchived), reason, .. }) => {
            return Err(Problem::new(StatusCode::CONFLICT, "not-archived", reason.unwrap_or_default()));
        }
        Wanted::No(answer) => return Ok(axum::Json(answer)),
    };
    let stall = api.documents.settings().limits.stall;
    let received = match receive(&api.documents, unless_stalled(body, stall), timesheet.size).await {
        Err(ReceiveError::TooLarge(size)) => {
            let why = format!("more came than the recorded {} bytes: restore it from another drive", size.0);
            return Ok(axum::Json(refused_for(id.as_str(), RefusalCause::OtherDigest, why)));
        }
        other => other?,
    };
    let documents = api.documents.clone();
    Ok(axum::Json(api.to_the_end(async move { documents.put_back(&id, drive, received).await }).await?))
}
