//! Extractors that refuse with a [`Problem`].

use axum::extract::{FromRequest, FromRequestParts};
use http::StatusCode;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;

#[derive(FromRequest)]
#[from_request(via(axum::Json), rejection(Problem))]
pub(crate) struct Json<T>(pub(crate) T);

pub(crate) struct Query<T>(pub(crate) T);

#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if let Some(bad) = parts.uri.query().and_then(undecodable) {
            let bad = strongroom_model::text::printable(bad, 100);
            let detail = format!(
                "the parameter {bad:?} cannot be decoded: write it in UTF-8, each byte as % and two hex digits"
            );
            return Err(Problem::new(StatusCode::BAD_REQUEST, "bad-query", detail));
        }
        let axum::extract::Query(query) = axum::extract::Query::from_request_parts(parts, state).await?;
        Ok(Self(query))
    }
}

/// The first part of a query that does not decode to text. The usual decoders replace what they cannot read, which
/// would lose a file's name.
fn undecodable(query: &str) -> Option<&str> {
    query.split('&').find(|part| {
        !part.split('=').all(|text| decoded(text).is_some_and(|bytes| std::str::from_utf8(&bytes).is_ok()))
    })
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok().filter(|digits| !digits.starts_with('+'))?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_decode_to_text_is_found() {
        for good in ["", "a=b", "filename=caf%C3%A9.pdf", "a=1&b=%25", "a=+x", "filename=\u{FFFD}", "a"] {
            assert_eq!(undecodable(good), None, "{good}");
        }
        for bad in ["filename=%E9.pdf", "filename=%", "filename=100%.pdf", "filename=%4", "%FF=1", "a=%+1", "a=%zz"] {
            assert_eq!(undecodable(&format!("x=1&{bad}&y=2")), Some(bad));
        }
    }
}
