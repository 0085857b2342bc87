//! Mark, move, purge: many bookings at once.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use strongroom_model::wire::{
    Answer, Answers, MAX_ITEMS, MarkRequest, MoveRequest, PurgeApproval, PurgeInfo, PurgeProposal,
};

use super::Api;
use super::bookings::status;
use super::extract::{Json, Path};
use super::problem::{BodyProblems, Problem, ProblemBody, Problems};
use crate::token::Token;

/// Marks bookings as backed up, with the proofs. Idempotent.
#[utoipa::path(
    post, path = "/v1/marks", request_body = MarkRequest, security(("bearer" = ["backup"])),
    responses((status = 200, body = Answers), Problems, BodyProblems)
)]
pub(crate) async fn mark(
    State(api): State<Api>,
    Extension(token): Extension<Token>,
    Json(request): Json<MarkRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.marks.len())?;
    answered(api.documents.mark(&request.marks, &token.id).await?)
}

/// Moves marked bookings' files to `archived/<month>/`. Idempotent.
#[utoipa::path(
    post, path = "/v1/moves", request_body = MoveRequest, security(("bearer" = ["backup"])),
    responses((status = 200, body = Answers), Problems, BodyProblems)
)]
pub(crate) async fn move_to_archived(
    State(api): State<Api>,
    Json(request): Json<MoveRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.ids.len())?;
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.move_to_archived(&request.ids).await }).await?)
}

/// Proposes to delete archived files. Nothing is deleted until somebody else approves it. Idempotent.
#[utoipa::path(
    post, path = "/v1/purges", request_body = PurgeProposal, security(("bearer" = ["purge"])),
    responses(
        (status = 201, body = PurgeInfo),
        (status = 200, body = PurgeInfo, description = "It was proposed before."),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn propose(
    State(api): State<Api>,
    Extension(token): Extension<Token>,
    Json(request): Json<PurgeProposal>,
) -> Result<Response, Problem> {
    check_count(request.ids.len())?;
    let (change, info) = api.documents.propose_purge(&request, &token).await?;
    Ok((status(change), axum::Json(info)).into_response())
}

/// Gives a proposed purge, and what its approval would refuse now.
#[utoipa::path(
    get, path = "/v1/purges/{purge}", params(("purge" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    security(("bearer" = ["purge"]), ("bearer" = ["approve"])),
    responses(
        (status = 200, body = PurgeInfo),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn purge(State(api): State<Api>, Path(id): Path<String>) -> Result<axum::Json<PurgeInfo>, Problem> {
    Ok(axum::Json(api.documents.purge_info(&id).await?))
}

/// Approves a proposed purge and deletes the files; the records stay. Idempotent.
///
/// By somebody else than who proposed it, with another token, and within 30 days. Each file
/// needs fresh proofs on distinct drives that do not rest on a cache, reported with neither token.
#[utoipa::path(
    post, path = "/v1/purges/{purge}/approval", params(("purge" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    request_body = PurgeApproval, security(("bearer" = ["approve"])),
    responses(
        (status = 200, body = Answers),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn approve(
    State(api): State<Api>,
    Path(id): Path<String>,
    Extension(token): Extension<Token>,
    Json(request): Json<PurgeApproval>,
) -> Result<axum::Json<Answers>, Problem> {
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.approve_purge(&id, &request, &token).await }).await?)
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
