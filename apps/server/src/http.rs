//! The HTTP API (`/v1`): routes, their scopes, and what every answer has in common.

mod archived;
mod auth;
mod batches;
mod bookings;
mod content;
mod cut;
mod disposition;
mod extract;
mod health;
mod problem;
mod purges;
mod range;
mod upload;
mod whole;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderValue};
use http::{Method, StatusCode, Uri};
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::documents::Documents;
use crate::token::Scope;
use auth::Bearer;
pub use cut::TransferCut;
pub(crate) use problem::Problem;

#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) documents: Documents,
    /// Tasks that continue though their client may have gone.
    pub(crate) tasks: TaskTracker,
}

impl Api {
    /// Finishes a change whether or not the client still waits.
    async fn to_the_end<T: Send + 'static>(&self, change: impl Future<Output = T> + Send + 'static) -> T {
        let done = self.tasks.spawn(change).await;
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Strongroom document server",
        description = "Lists signed-off bookings whose timesheets are not backed up, serves the timesheets, and \
                       archives and purges them once copies are proven. Errors are problem details (RFC 9457).",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    modifiers(&Bearer)
)]
struct Description;

/// The API's description: OpenAPI 3.1, as `GET /openapi.json` and `schemas/openapi.json` hold it, with a final
/// newline.
pub fn openapi_json() -> String {
    let described = routes_of(None).into_openapi();
    let mut json = described.to_pretty_json().expect("a description of plain types can be written as JSON");
    json.push('\n');
    json
}

pub(crate) fn router(api: Api) -> Router {
    let limits = api.documents.settings().limits.clone();
    let body_bytes = usize::try_from(limits.body.0).unwrap_or(usize::MAX);
    let (routes, _) = routes_of(Some(&api)).split_for_parts();
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(DefaultBodyLimit::max(body_bytes))
        .layer(middleware::from_fn_with_state(api.documents.settings().cut.clone(), cut::cut))
        .layer(middleware::from_fn(whole::only_whole))
        .layer(middleware::from_fn_with_state(limits.request, within))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::map_response(problem::as_problem))
        .layer(middleware::map_response(guarded))
        .layer(TraceLayer::new_for_http())
        .with_state(api)
}

/// The routes, each with its scopes; without an [`Api`] only for the description.
fn routes_of(api: Option<&Api>) -> OpenApiRouter<Api> {
    let group = |router: OpenApiRouter<Api>, scopes: &'static [Scope]| match api {
        None => router,
        Some(api) => router.route_layer(middleware::from_fn_with_state((api.clone(), scopes), auth::require)),
    };
    let backup = OpenApiRouter::new()
        .routes(routes!(bookings::waiting))
        .routes(routes!(batches::mark))
        .routes(routes!(batches::move_to_archived))
        .routes(routes!(purges::run))
        .routes(routes!(archived::put_back));
    let read = OpenApiRouter::new().routes(routes!(bookings::list));
    let look = OpenApiRouter::new().routes(routes!(bookings::one));
    let content = OpenApiRouter::new().routes(routes!(content::timesheet)).routes(routes!(content::timesheet_head));
    let uploads = OpenApiRouter::new()
        .routes(routes!(bookings::create))
        .routes(routes!(upload::upload))
        .routes(routes!(bookings::sign_off));
    let propose = OpenApiRouter::new().routes(routes!(purges::propose));
    let purges = OpenApiRouter::new().routes(routes!(purges::list)).routes(routes!(purges::one));
    let approve = OpenApiRouter::new().routes(routes!(purges::approve)).routes(routes!(purges::refuse));
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(health::health))
        .routes(routes!(health::description))
        .merge(group(backup, &[Scope::Backup]))
        .merge(group(read, &[Scope::Read, Scope::Backup]))
        .merge(group(look, &[Scope::Read, Scope::Backup, Scope::Upload]))
        .merge(group(content, &[Scope::Read, Scope::Backup]))
        .merge(group(uploads, &[Scope::Upload]))
        .merge(group(propose, &[Scope::Purge]))
        .merge(group(purges, &[Scope::Purge, Scope::Approve, Scope::Backup]))
        .merge(group(approve, &[Scope::Approve]))
}

async fn unknown_path(uri: Uri) -> Problem {
    let path = strongroom_model::text::printable(uri.path(), 100);
    Problem::new(StatusCode::NOT_FOUND, "unknown-path", format!("there is nothing at {path}: see /openapi.json"))
}

async fn unknown_method(method: Method, uri: Uri) -> Problem {
    let path = strongroom_model::text::printable(uri.path(), 100);
    let detail = format!("{path} does not take {method}: the header Allow says what it takes");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "unknown-method", detail)
}

/// Bounds the time until an answer begins; an upload has its own bound.
async fn within(State(most): State<Duration>, request: Request, next: Next) -> Response {
    if request.method() == Method::PUT {
        return next.run(request).await;
    }
    match tokio::time::timeout(most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-slow",
            format!("the request was not done within {} s: ask for less at once, or again later", most.as_secs()),
        )
        .into_response(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "tower-http hands the panic over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(message = message.unwrap_or("without a message"), "a request's handler panicked");
    Problem::internal().into_response()
}

/// Headers that keep a browser from misreading an answer. A handler's own stay.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
