use bytes::Bytes;
use http::header::{CONTENT_RANGE, ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Response;
use strongroom_model::{BookingId, ByteCount, Digest};

use crate::body::Body;
use crate::cause::Cause;
use crate::client::{OutgoingRequest, Source};
use crate::error::{About, Request, SourceError};
use crate::range::ContentRange;

/// A download of exactly the record's bytes, from an offset. Drop it to cancel; chunks already returned can be resumed
/// from.
#[derive(Debug)]
pub struct Download {
    request: Request,
    /// `None` if nothing was left to request.
    body: Option<Body>,
    starts_at: ByteCount,
    size: ByteCount,
}

impl Source {
    /// Requests a timesheet of that `size` and `digest`, from the byte `from` on. The server may begin at the file's
    /// start: see [`Download::starts_at`].
    pub async fn download(
        &self,
        booking: &BookingId,
        size: ByteCount,
        digest: &Digest,
        from: ByteCount,
    ) -> Result<Download, SourceError> {
        let path = ["v1", "bookings", booking.as_str(), "timesheet"];
        let mut ask = OutgoingRequest::get(About::Booking, &path);
        if from == size && size.0 > 0 {
            // Complete: only its digest can tell whether it is right.
            return Ok(Download { request: self.request(&ask), body: None, starts_at: from, size });
        }
        if from.0 > 0 && from < size {
            ask.headers = resumption(from, digest);
            let (request, response) = self.send(&ask).await?;
            let begun = self.begin(response, size, Some((from, digest))).await;
            if let Some((body, starts_at)) = begun.map_err(|cause| request.failed(cause))? {
                return Ok(Download { request, body: Some(body), starts_at, size });
            }
            // The server cannot resume there: once more, from the start.
            ask.headers = HeaderMap::new();
        }
        let (request, response) = self.send(&ask).await?;
        let begun = self.begin(response, size, None).await.map_err(|cause| request.failed(cause))?;
        let (body, starts_at) = begun.expect("only a resumption can be refused");
        Ok(Download { request, body: Some(body), starts_at, size })
    }

    /// Checks the response's head; `None` if the server cannot resume.
    async fn begin(
        &self,
        response: Response,
        size: ByteCount,
        resumed: Option<(ByteCount, &Digest)>,
    ) -> Result<Option<(Body, ByteCount)>, Cause> {
        let range = content_range(&response);
        match (response.status(), resumed) {
            (StatusCode::OK, _) => {
                let body = Body::new(response, self.read_timeout())?;
                fits(body.announced_bytes(), size.0)?;
                Ok(Some((body, ByteCount(0))))
            }
            (StatusCode::PARTIAL_CONTENT, Some((from, digest))) => {
                fits(range.and_then(|range| range.total), size.0)?;
                if !range.is_some_and(|range| range.fits(from.0, size.0)) || is_another(&response, digest) {
                    return Ok(None);
                }
                Ok(Some((Body::new(response, self.read_timeout())?, from)))
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(_)) => {
                fits(range.and_then(|range| range.total), size.0)?;
                Ok(None)
            }
            (status, _) if status.is_success() || status.is_redirection() || status.is_informational() => {
                Err(Cause::BadAnswer { reason: format!("{status} answers no request for a whole file") })
            }
            _ => Err(self.refused(response).await),
        }
    }
}

impl Download {
    /// Where the bytes begin: at the requested offset or at 0.
    pub const fn starts_at(&self) -> ByteCount {
        self.starts_at
    }

    /// The next bytes; `None` once all of the record's have arrived.
    ///
    /// # Errors
    /// The transfer stalled, ended early, or goes beyond the record's size: that chunk is not returned.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, SourceError> {
        let Some(body) = &mut self.body else { return Ok(None) };
        let chunk =
            body.chunk().await.map_err(|cause| self.request.failed(located(cause, self.starts_at, self.size)))?;
        let received_bytes = self.starts_at.0 + body.received_bytes;
        let expected_bytes = self.size.0;
        if received_bytes > expected_bytes {
            return Err(self.request.failed(Cause::TooLong { received_bytes, expected_bytes }));
        }
        if chunk.is_none() && received_bytes < expected_bytes {
            let cause = Cause::CutShort { received_bytes, expected_bytes: Some(expected_bytes), detail: None };
            return Err(self.request.failed(cause));
        }
        Ok(chunk)
    }
}

/// `Range` with a strong `If-Range` (RFC 9110, section 13.1.5): the rest of the same file, or all of a changed one.
fn resumption(from: ByteCount, digest: &Digest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = |text: String| HeaderValue::try_from(text).expect("digits, letters and quotes are a header's");
    headers.insert(RANGE, value(format!("bytes={}-", from.0)));
    headers.insert(IF_RANGE, value(etag(digest)));
    headers
}

/// The strong entity tag of a file with that digest: `"<algorithm>-<hex>"`.
pub(crate) fn etag(digest: &Digest) -> String {
    format!("\"{}-{}\"", digest.algorithm().name(), digest.hex())
}

/// Whether a 206 is for another file than the record's, against `If-Range`.
fn is_another(response: &Response, digest: &Digest) -> bool {
    response.headers().get(ETAG).is_some_and(|tag| tag.as_bytes() != etag(digest).as_bytes())
}

fn content_range(response: &Response) -> Option<ContentRange> {
    ContentRange::parse(response.headers().get(CONTENT_RANGE)?.to_str().ok()?)
}

/// Rejects a wrong announced length before the transfer.
fn fits(announced: Option<u64>, expected_bytes: u64) -> Result<(), Cause> {
    match announced {
        Some(received_bytes) if received_bytes > expected_bytes => {
            Err(Cause::TooLong { received_bytes, expected_bytes })
        }
        Some(received_bytes) if received_bytes < expected_bytes => {
            Err(Cause::CutShort { received_bytes, expected_bytes: Some(expected_bytes), detail: None })
        }
        _ => Ok(()),
    }
}

/// For the message, counts bytes from the file's beginning.
fn located(cause: Cause, starts_at: ByteCount, size: ByteCount) -> Cause {
    match cause {
        Cause::CutShort { received_bytes, detail, .. } => {
            Cause::CutShort { received_bytes: starts_at.0 + received_bytes, expected_bytes: Some(size.0), detail }
        }
        Cause::Stalled { received_bytes, waited } => {
            Cause::Stalled { received_bytes: starts_at.0 + received_bytes, waited }
        }
        other => other,
    }
}
