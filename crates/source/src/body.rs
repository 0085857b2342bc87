//! A response's bytes: unencoded, and not too slow.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use reqwest::Response;
use tokio::time::Instant;

use crate::cause::Cause;
use crate::transport::root_cause;

/// The least per [`Body::window`]: a server that sends a byte now and then for ever is stalled too. Slower than any
/// useful connection.
const MIN_BYTES: u64 = 1024;

/// A body whose reads are all bounded in time.
#[derive(Debug)]
pub(crate) struct Body {
    response: Response,
    /// How long nothing may arrive (reqwest enforces it), and [`MIN_BYTES`] may take.
    window: Duration,
    /// Time spent waiting in this window. The caller's time between two reads (for a slow drive, say) does not count.
    window_waited: Duration,
    window_bytes: u64,
    pub(crate) received_bytes: u64,
}

impl Body {
    /// Refuses encodings: a compressed body has neither the record's length nor its digest.
    pub(crate) fn new(response: Response, window: Duration) -> Result<Self, Cause> {
        let encodings = response.headers().get_all(CONTENT_ENCODING).iter();
        if let Some(encoding) = encodings
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .find(|value| !value.trim().is_empty() && !value.trim().eq_ignore_ascii_case("identity"))
        {
            return Err(Cause::encoded(&encoding));
        }
        Ok(Self { response, window, window_waited: Duration::ZERO, window_bytes: 0, received_bytes: 0 })
    }

    pub(crate) fn announced_bytes(&self) -> Option<u64> {
        let text = self.response.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
        text.trim().parse().ok()
    }

    /// `None` at the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Cause> {
        let asked_at = Instant::now();
        let chunk = self.response.chunk().await.map_err(|error| self.broken(&error))?;
        self.window_waited += asked_at.elapsed();
        let Some(chunk) = chunk else { return Ok(None) };
        let bytes = chunk.len() as u64;
        self.received_bytes += bytes;
        self.window_bytes += bytes;
        if self.window_bytes >= MIN_BYTES {
            self.window_waited = Duration::ZERO;
            self.window_bytes = 0;
        } else if self.window_waited > self.window {
            return Err(self.stalled());
        }
        Ok(Some(chunk))
    }

    fn broken(&self, error: &reqwest::Error) -> Cause {
        if error.is_timeout() {
            return self.stalled();
        }
        Cause::CutShort { received_bytes: self.received_bytes, expected_bytes: None, detail: Some(root_cause(error)) }
    }

    fn stalled(&self) -> Cause {
        Cause::Stalled { received_bytes: self.received_bytes, waited: self.window }
    }
}
