//! Putting a file back into the server's archive.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use strongroom_model::wire::Answer;
use strongroom_model::{BookingId, ByteCount, DriveId};
use tokio::time::Instant;

use crate::answer::JsonBody;
use crate::cause::Cause;
use crate::client::{OutgoingRequest, Source};
use crate::error::{About, SourceError};

/// How fast a server at least reads what it has and what it received, in bytes per second.
const MIN_CHECK_RATE: u64 = 5_000_000;

impl Source {
    /// Puts an archived or purged booking's file back: `done`, or `already` where the server has it. The server takes
    /// only the recorded bytes.
    ///
    /// # Errors
    /// The server did not take it, or the file could not be read. Repeating it is harmless.
    pub async fn put_archived<B>(
        &self,
        booking: &BookingId,
        body: B,
        size: ByteCount,
        drive: Option<DriveId>,
    ) -> Result<Answer, SourceError>
    where
        B: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let path = ["v1", "bookings", booking.as_str(), "archived"];
        let drive = drive.map(|drive| drive.to_string());
        let query: Vec<(&str, &str)> = drive.iter().map(|drive| ("drive", drive.as_str())).collect();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_LENGTH, size.0.into());
        let ask = OutgoingRequest {
            method: Method::PUT,
            query: &query,
            headers,
            ..OutgoingRequest::get(About::Booking, &path)
        };
        let answer = self.put(&ask, body, size).await.map_err(|cause| self.request(&ask).failed(cause))?;
        let parsed = serde_json::from_slice::<Answer>(&answer.body).map_err(|error| answer.confused(error));
        let checked = parsed.and_then(|parsed| {
            let is_same = parsed.id == booking.as_str();
            is_same.then_some(parsed).ok_or_else(|| answer.confused("it answers for another booking"))
        });
        checked.map_err(|cause| self.request(&ask).failed(cause))
    }

    async fn put<B>(&self, ask: &OutgoingRequest<'_>, body: B, size: ByteCount) -> Result<JsonBody, Cause>
    where
        B: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&taken);
        let body = body.inspect(move |chunk| {
            let bytes = chunk.as_ref().map_or(0, Bytes::len);
            counted.fetch_add(bytes as u64, Ordering::Relaxed);
        });
        let sent = self.upload(ask, reqwest::Body::wrap_stream(body));
        let response = tokio::select! {
            response = sent => response?,
            stalled = self.stalled(&taken, size) => return Err(stalled),
        };
        self.read(response).await
    }

    /// Ends when the server takes nothing for too long, or does not answer after the last byte.
    async fn stalled(&self, taken: &AtomicU64, size: ByteCount) -> Cause {
        let check = Duration::from_secs(size.0 / MIN_CHECK_RATE);
        let (mut last, mut since) = (taken.load(Ordering::Relaxed), Instant::now());
        loop {
            tokio::time::sleep(self.read_timeout().min(Duration::from_secs(1))).await;
            let now = taken.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
            let waited = if now < size.0 { self.read_timeout() } else { self.read_timeout() + check };
            if since.elapsed() > waited {
                return Cause::Stalled { received_bytes: 0, waited };
            }
        }
    }
}
