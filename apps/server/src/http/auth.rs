//! Who may do what: bearer tokens (RFC 6750).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};
use utoipa::Modify;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{RefOr, Required};

use super::{Api, Problem};
use crate::token::{Scope, Scopes, Token, recognise};

/// In bytes: ours are much shorter.
const MAX_TOKEN_BYTES: usize = 256;

/// Describes the tokens, and what the macros cannot express.
pub(crate) struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A token made by `strongroom server token create`; `admin` allows every scope."))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
        // A request without a body is the upload of an empty file.
        let upload = openapi.paths.paths.get_mut("/v1/bookings/{id}/timesheet").and_then(|path| path.put.as_mut());
        if let Some(RefOr::T(body)) = upload.and_then(|upload| upload.request_body.as_mut()) {
            body.required = Some(Required::False);
        }
    }
}

/// Passes a request whose token has one of the scopes, with its [`Token`].
pub(crate) async fn require(
    State((api, scopes)): State<(Api, &'static [Scope])>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&api, request.headers(), scopes).await {
        Ok(token) => {
            request.extensions_mut().insert(token);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(api: &Api, headers: &HeaderMap, scopes: &'static [Scope]) -> Result<Token, Problem> {
    let Some(shown) = bearer(headers) else {
        return Err(unauthorized(
            "Bearer realm=\"strongroom\"",
            "a token is needed: send it as `Authorization: Bearer …`",
        ));
    };
    let Some(token) = recognise(api.documents.store(), shown).await? else {
        return Err(unauthorized(
            "Bearer realm=\"strongroom\", error=\"invalid_token\"",
            "the token is unknown or revoked: make another with `strongroom server token create`",
        ));
    };
    if token.scopes.allow(scopes) {
        return Ok(token);
    }
    let required = Scopes::new(scopes);
    let detail = format!(
        "the token {} ({}) has the scopes {:?}, and one of {:?} is needed",
        token.id,
        token.name,
        token.scopes.to_string(),
        required.to_string()
    );
    let challenge = format!("Bearer realm=\"strongroom\", error=\"insufficient_scope\", scope=\"{required}\"");
    let challenge = HeaderValue::from_str(&challenge).expect("the scopes' names are plain");
    Err(Problem::new(StatusCode::FORBIDDEN, "not-allowed", detail).with_header(header::WWW_AUTHENTICATE, challenge))
}

fn unauthorized(challenge: &'static str, detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "no-token", detail)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN_BYTES).contains(&token.len())).then_some(token)
}
