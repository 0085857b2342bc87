//! Purges: propose, approve, refuse, run, look at.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;
use strongroom_model::wire::{
    Answers, MAX_ITEMS, MAX_PURGE_ITEMS, PurgeApproval, PurgeInfo, PurgePage, PurgeProposal, PurgeRefusal, PurgeRun,
    PurgeSummary,
};
use utoipa::IntoParams;

use super::Api;
use super::batches::{answered, check_count};
use super::bookings::{Cursor, limit, status};
use super::extract::{Json, Path, Query};
use super::problem::{BodyProblems, Problem, ProblemBody, Problems};
use crate::bookings::Change;
use crate::token::Token;

/// Which part of the purges.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurgesQuery {
    /// How many at most: 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where this page begins, as the previous page reported.
    #[param(pattern = "^-?[0-9]{1,16}~[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")]
    after: Option<String>,
}

/// Which part of a purge's bookings.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemsQuery {
    /// How many at most: 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where this page begins, as the previous page reported.
    #[param(pattern = "^[0-9]{1,9}$")]
    after: Option<String>,
}

/// Lists the purges, newest first.
#[utoipa::path(
    get, path = "/v1/purges", params(PurgesQuery),
    security(("bearer" = ["purge"]), ("bearer" = ["approve"]), ("bearer" = ["backup"])),
    responses((status = 200, body = PurgePage), Problems)
)]
pub(crate) async fn list(
    State(api): State<Api>,
    Query(query): Query<PurgesQuery>,
) -> Result<axum::Json<PurgePage>, Problem> {
    let limit = limit(query.limit)?;
    let after = query.after.as_deref().map(Cursor::parse).transpose()?;
    let after = after.as_ref().map(|cursor| (cursor.time, cursor.id.as_str()));
    Ok(axum::Json(api.documents.purges(limit, after).await?))
}

/// Proposes to delete archived files. Nothing is deleted. Idempotent.
#[utoipa::path(
    post, path = "/v1/purges", request_body = PurgeProposal, security(("bearer" = ["purge"])),
    responses(
        (status = 201, body = PurgeSummary),
        (status = 200, body = PurgeSummary, description = "It was proposed before."),
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
    check_count(request.ids.len(), MAX_PURGE_ITEMS)?;
    decided(api.documents.propose_purge(&request, &token).await?)
}

/// Gives a purge and a page of its bookings, each with its evidence and what a run would refuse now.
#[utoipa::path(
    get, path = "/v1/purges/{id}",
    params(("id" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$"), ItemsQuery),
    security(("bearer" = ["purge"]), ("bearer" = ["approve"]), ("bearer" = ["backup"])),
    responses(
        (status = 200, body = PurgeInfo),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        Problems
    )
)]
pub(crate) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    Query(query): Query<ItemsQuery>,
) -> Result<axum::Json<PurgeInfo>, Problem> {
    let limit = limit(query.limit)? as usize;
    let first = query.after.as_deref().map(number).transpose()?.unwrap_or_default();
    Ok(axum::Json(api.documents.purge_info(&id, first, limit).await?))
}

/// Approves a proposed purge. Nothing is deleted. Idempotent.
///
/// By somebody else than who proposed it, with another token, and within 30 days. The approval is valid for 30 days.
#[utoipa::path(
    post, path = "/v1/purges/{id}/approval",
    params(("id" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    request_body = PurgeApproval, security(("bearer" = ["approve"])),
    responses(
        (status = 201, body = PurgeSummary),
        (status = 200, body = PurgeSummary, description = "It was approved before."),
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
) -> Result<Response, Problem> {
    decided(api.documents.approve_purge(&id, &request, &token).await?)
}

/// Refuses a purge: it can never run from then on. Idempotent.
#[utoipa::path(
    post, path = "/v1/purges/{id}/refusal",
    params(("id" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    request_body = PurgeRefusal, security(("bearer" = ["approve"])),
    responses(
        (status = 201, body = PurgeSummary),
        (status = 200, body = PurgeSummary, description = "It was refused before."),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn refuse(
    State(api): State<Api>,
    Path(id): Path<String>,
    Extension(token): Extension<Token>,
    Json(request): Json<PurgeRefusal>,
) -> Result<Response, Problem> {
    decided(api.documents.refuse_purge(&id, &request, &token).await?)
}

/// Deletes files of an approved purge; the records stay. Idempotent.
///
/// Each file needs fresh proofs on distinct drives that do not rest on a cache, reported with neither the proposer's
/// nor the approver's token, at that moment.
#[utoipa::path(
    post, path = "/v1/purges/{id}/run",
    params(("id" = String, Path, description = "The purge's id.", pattern = "^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$")),
    request_body = PurgeRun, security(("bearer" = ["backup"])),
    responses(
        (status = 200, body = Answers),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        Problems,
        BodyProblems
    )
)]
pub(crate) async fn run(
    State(api): State<Api>,
    Path(id): Path<String>,
    Json(request): Json<PurgeRun>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.ids.len(), MAX_ITEMS)?;
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.run_purge(&id, &request.ids).await }).await?)
}

fn decided((change, summary): (Change, PurgeSummary)) -> Result<Response, Problem> {
    Ok((status(change), axum::Json(summary)).into_response())
}

fn number(after: &str) -> Result<usize, Problem> {
    let plain = (1..=9).contains(&after.len()) && after.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| after.parse().ok()).flatten().ok_or_else(|| {
        let detail = "`after` is not what the page before gave as `next`: begin without it";
        Problem::new(StatusCode::BAD_REQUEST, "bad-query", detail)
    })
}
