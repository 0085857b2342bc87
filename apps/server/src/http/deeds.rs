//! Mark, move, purge: many bookings at once, one answer for each.

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use strongroom_model::wire::{Answer, Answers, MAX_ITEMS, MarkRequest, MoveRequest, PurgeRequest};

use super::Api;
use super::extract::Json;
use super::problem::{Problem, ProblemBody, Problems};
use crate::token::Token;

/// Marks bookings as backed up, with the proofs. Idempotent.
#[utoipa::path(
    post, path = "/v1/marks", request_body = MarkRequest, security(("bearer" = ["backup"])),
    responses((status = 200, body = Answers), Problems)
)]
pub(crate) async fn mark(
    State(api): State<Api>,
    Json(request): Json<MarkRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.marks.len())?;
    answered(api.documents.mark(&request.marks).await?)
}

/// Moves marked bookings' files to `archived/<month>/`. Idempotent.
#[utoipa::path(
    post, path = "/v1/moves", request_body = MoveRequest, security(("bearer" = ["backup"])),
    responses((status = 200, body = Answers), Problems)
)]
pub(crate) async fn move_to_archived(
    State(api): State<Api>,
    Json(request): Json<MoveRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.ids.len())?;
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.move_to_archived(&request.ids).await }).await?)
}

/// Deletes archived files by an approved purge; the records stay. Idempotent.
#[utoipa::path(
    post, path = "/v1/purges", request_body = PurgeRequest, security(("bearer" = ["purge"])),
    responses(
        (status = 200, body = Answers),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn purge(
    State(api): State<Api>,
    Extension(token): Extension<Token>,
    Json(request): Json<PurgeRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.ids.len())?;
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.purge(&request, &token.id).await }).await?)
}

fn answered(answers: Vec<Answer>) -> Result<axum::Json<Answers>, Problem> {
    Ok(axum::Json(Answers { answers }))
}

fn check_count(count: usize) -> Result<(), Problem> {
    if count <= MAX_ITEMS {
        return Ok(());
    }
    let detail = format!("{count} bookings are named, and {MAX_ITEMS} is the most at once: send them in parts");
    Err(Problem::new(StatusCode::BAD_REQUEST, "too-many", detail))
}
