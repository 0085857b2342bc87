//! Whether the server works, and what it offers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Problem, ProblemBody};
use strongroom_files::mounts_below;

/// That the server works.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// The server's version.
    version: &'static str,
    /// How many folders below the document root are disks of their own: a file that is archived from one to another is
    /// copied, not renamed.
    mounts_below: u64,
}

/// Says whether the server can do its work: read and write its records and its files.
#[utoipa::path(
    get, path = "/healthz",
    responses(
        (status = 200, body = Health),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")
    )
)]
pub(crate) async fn health(State(api): State<Api>) -> Result<axum::Json<Health>, Problem> {
    match api.documents.probe().await {
        Ok(()) => {
            let mounts_below = api.documents.on_files(|root| mounts_below(root.path()).len()).await as u64;
            Ok(axum::Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION"), mounts_below }))
        }
        Err(why) => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unhealthy", why)),
    }
}

/// Gives this description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi_json()).into_response()
}
