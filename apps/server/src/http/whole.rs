//! Refuses a body that is a part of a file, encoded or wrapped.
//!
//! A file is stored as received, and copies are proven against its digest for ever. So its body must be the file's
//! own bytes.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, Digest};

use super::problem::Problem;

/// Headers of partial bodies: RFC 9110, resumable uploads (tus and the IETF's draft) and others' chunked uploads.
const OF_A_PART: [&str; 9] = [
    "content-range",
    "range",
    "upload-offset",
    "upload-complete",
    "upload-incomplete",
    "upload-draft-interop-version",
    "tus-resumable",
    "x-upload-content-length",
    "im",
];
/// Headers that name an encoding; `identity` is not one.
const OF_AN_ENCODING: [&str; 3] = ["content-encoding", "content-transfer-encoding", "x-content-encoding"];
/// As named in `Content-Digest` and `Repr-Digest` (RFC 9530) and in `Digest` (RFC 3230).
const DIGESTS: [(&str, Algorithm); 5] = [
    ("sha-256", Algorithm::Sha256),
    ("sha-512", Algorithm::Sha512),
    ("md5", Algorithm::Md5),
    ("sha", Algorithm::Sha1),
    ("sha-1", Algorithm::Sha1),
];

pub(crate) async fn only_whole(request: Request, next: Next) -> Response {
    let has_none = matches!(*request.method(), Method::GET | Method::HEAD);
    match check(request.headers()) {
        Err(problem) if !has_none => problem.into_response(),
        _ => next.run(request).await,
    }
}

fn check(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(name) = OF_A_PART.iter().find(|name| headers.contains_key(**name)) {
        let detail = format!("the header {name} says that this is a part: send the whole in one request, without it");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "not-whole", detail));
    }
    for name in OF_AN_ENCODING {
        for coding in codings(headers, name) {
            if !coding.eq_ignore_ascii_case("identity") {
                let coding = printable(&coding, 40);
                let detail = format!("the body is encoded ({name}: {coding}): send it byte for byte, without {name}");
                return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded", detail));
            }
        }
    }
    // Only the one that HTTP itself undoes.
    let transfer: Vec<String> = codings(headers, header::TRANSFER_ENCODING.as_str()).collect();
    if !transfer.is_empty() && !matches!(&transfer[..], [one] if one.eq_ignore_ascii_case("chunked")) {
        let detail = "the body has another transfer coding than chunked: send it byte for byte";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "encoded", detail));
    }
    Ok(())
}

/// The members of a list header; what is not text is shown with replacements.
fn codings(headers: &HeaderMap, name: &'static str) -> impl Iterator<Item = String> {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let members: Vec<String> =
        values.flat_map(|list| list.split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>()).collect();
    members.into_iter().filter(|member| !member.is_empty())
}

/// Refuses a type that wraps the file in something else.
pub(crate) fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(kind) = types.next() else { return Ok(()) };
    let kind = String::from_utf8_lossy(kind.as_bytes()).trim().to_ascii_lowercase();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let is_wrapped = essence.starts_with("multipart/")
        || essence.starts_with("message/")
        || essence == "application/x-www-form-urlencoded"
        || essence == "application/http"
        || essence == "application/partial-upload"
        || essence == "application/offset+octet-stream";
    if is_wrapped || types.next().is_some() {
        let detail = format!(
            "the content type {} says that this is not the file alone: send the file's own bytes as \
             application/octet-stream (curl -T, not -F or -d)",
            printable(&kind, 60)
        );
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped", detail));
    }
    Ok(())
}

/// The announced digests, of the algorithms that we know.
pub(crate) fn announced(headers: &HeaderMap) -> Result<Vec<Digest>, Problem> {
    let mut digests = Vec::new();
    for (name, is_quoted) in [("content-digest", true), ("repr-digest", true), ("digest", false)] {
        for member in codings(headers, name) {
            let Some((key, value)) = member.split_once('=') else { return Err(bad(name)) };
            let known = DIGESTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(key.trim()));
            let Some((_, algorithm)) = known else { continue };
            let value = value.split(';').next().unwrap_or_default().trim();
            let encoded = match is_quoted {
                true => value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).ok_or_else(|| bad(name))?,
                false => value,
            };
            digests.push(digest(*algorithm, encoded).ok_or_else(|| bad(name))?);
        }
    }
    for value in headers.get_all(HeaderName::from_static("content-md5")) {
        let encoded = value.to_str().map_err(|_| bad("content-md5"))?;
        digests.push(digest(Algorithm::Md5, encoded.trim()).ok_or_else(|| bad("content-md5"))?);
    }
    Ok(digests)
}

fn digest(algorithm: Algorithm, base64: &str) -> Option<Digest> {
    let bytes = BASE64.decode(base64.as_bytes()).ok()?;
    format!("{}:{}", algorithm.name(), data_encoding::HEXLOWER.encode(&bytes)).parse().ok()
}

fn bad(name: &str) -> Problem {
    let detail = format!("{name} cannot be read: write it as sha-256=:<base64>: (RFC 9530), Content-MD5 as <base64>");
    Problem::new(StatusCode::BAD_REQUEST, "bad-digest", detail)
}

pub(crate) fn wrong_digest(received: &Digest, announced: &Digest) -> Problem {
    let detail = format!("received {received}, but {announced} was announced: nothing was taken; send it again");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest", detail)
}
