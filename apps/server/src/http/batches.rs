//! Marks and moves: many bookings at once.

use axum::Extension;
use axum::extract::State;
use http::StatusCode;
use strongroom_model::wire::{Answer, Answers, MAX_ITEMS, MarkEvidence, MarkRequest, MoveRequest};
use strongroom_proof::{MAX_NOTE_BYTES, MAX_PROOF_HASHES};

use super::Api;
use super::extract::Json;
use super::problem::{BodyProblems, Problem, Problems};
use crate::token::Token;

/// Marks bookings as backed up, with the proofs. Idempotent.
///
/// A server that has the site's public key believes a mark only with evidence that its event is in the log.
#[utoipa::path(
    post, path = "/v1/marks", request_body = MarkRequest, security(("bearer" = ["backup"])),
    responses((status = 200, body = Answers), Problems, BodyProblems)
)]
pub(crate) async fn mark(
    State(api): State<Api>,
    Extension(token): Extension<Token>,
    Json(request): Json<MarkRequest>,
) -> Result<axum::Json<Answers>, Problem> {
    check_count(request.marks.len(), MAX_ITEMS)?;
    let evidence = request.evidence.as_ref();
    evidence.map_or(Ok(()), check_evidence)?;
    answered(api.documents.mark(&request.marks, evidence, &token.id).await?)
}

/// Refuses evidence beyond its bounds, whatever it is about.
fn check_evidence(evidence: &MarkEvidence) -> Result<(), Problem> {
    let bounds = [
        ("events", evidence.events.len(), MAX_ITEMS),
        ("bytes of a checkpoint", evidence.checkpoint.len(), MAX_NOTE_BYTES),
        (
            "hashes of one proof",
            evidence.events.iter().map(|event| event.proof.len()).max().unwrap_or(0),
            MAX_PROOF_HASHES,
        ),
    ];
    match bounds.into_iter().find(|(_, count, most)| count > most) {
        None => Ok(()),
        Some((what, count, most)) => {
            let detail = format!("the evidence has {count} {what}, and {most} is the most");
            Err(Problem::new(StatusCode::BAD_REQUEST, "too-many", detail))
        }
    }
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
    check_count(request.ids.len(), MAX_ITEMS)?;
    let documents = api.documents.clone();
    answered(api.to_the_end(async move { documents.move_to_archived(&request.ids).await }).await?)
}

pub(crate) fn answered(answers: Vec<Answer>) -> Result<axum::Json<Answers>, Problem> {
    Ok(axum::Json(Answers { answers }))
}

pub(crate) fn check_count(count: usize, most: usize) -> Result<(), Problem> {
    if count <= most {
        return Ok(());
    }
    let detail = format!("{count} bookings are named, and {most} is the most at once: send them in parts");
    Err(Problem::new(StatusCode::BAD_REQUEST, "too-many", detail))
}
