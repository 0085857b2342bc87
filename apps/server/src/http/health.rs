//! Whether the server works, and what it offers.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::problem::{Problem, ProblemBody};
use http::StatusCode;

/// That the server works.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
    /// The server's version.
    version: &'static str,
}

/// Says whether the records and the document root can be read.
#[utoipa::path(
    get, path = "/healthz",
    responses(
        (status = 200, body = Health),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")
    )
)]
pub(crate) async fn health(State(api): State<Api>) -> Result<axum::Json<Health>, Problem> {
    let records = api.documents.store().ping().await.map_err(|error| error.to_string());
    let root = api.documents.on_files(|root| root.folder(None).map_err(|error| error.to_string())).await;
    match records.and(root.map(drop)) {
        Ok(()) => Ok(axum::Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })),
        Err(error) => {
            tracing::error!(error, "the server cannot read its records or its document root");
            let detail = "the server cannot read its records or its document root: see its log";
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unhealthy", detail))
        }
    }
}

/// Gives this description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, content_type = "application/json")))]
pub(crate) async fn description() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi_json()).into_response()
}
