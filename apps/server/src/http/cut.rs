//! One transfer that is cut in the middle, as a bad cable would: for the demo.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::stream;
use futures_util::stream::StreamExt as _;
use http::Method;
use strongroom_model::BookingId;

/// The largest timesheet that can be cut, in bytes: it is read into memory.
const MAX_BYTES: usize = 16 << 20;
/// How long the bytes before the cut have to get onto their way.
const BEFORE_CUT: Duration = Duration::from_millis(100);

/// The first transfer of a booking's timesheet ends after so many bytes, and its connection with it.
#[derive(Debug)]
pub struct TransferCut {
    path: String,
    after_bytes: usize,
    is_done: AtomicBool,
}

impl TransferCut {
    /// Cuts that booking's.
    #[must_use]
    pub fn of(booking: &BookingId, after_bytes: usize) -> Self {
        Self { path: format!("/v1/bookings/{booking}/timesheet"), after_bytes, is_done: AtomicBool::new(false) }
    }

    /// Whether it was cut.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }
}

/// Cuts the transfer that is to be cut; everything else passes unchanged.
pub(super) async fn cut(State(cut): State<Option<Arc<TransferCut>>>, request: Request, next: Next) -> Response {
    let is_it = |cut: &Arc<TransferCut>| request.method() == Method::GET && request.uri().path() == cut.path;
    let cut = cut.filter(is_it);
    let response = next.run(request).await;
    match cut {
        Some(cut) if response.status().is_success() && !cut.is_done.swap(true, Ordering::SeqCst) => {
            let (head, body) = response.into_parts();
            Response::from_parts(head, begin(body, cut.after_bytes).await)
        }
        _ => response,
    }
}

/// A body's beginning, and then an error in the place of the rest, which closes the connection.
async fn begin(body: Body, bytes: usize) -> Body {
    let beginning = to_bytes(body, MAX_BYTES).await.map(|whole| whole.slice(..bytes.min(whole.len())));
    let end = async {
        tokio::time::sleep(BEFORE_CUT).await;
        Err(axum::Error::new(io::Error::from(io::ErrorKind::ConnectionReset)))
    };
    Body::from_stream(stream::iter([beginning]).chain(stream::once(end)))
}
