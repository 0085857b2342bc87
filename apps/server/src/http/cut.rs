//! For the demo: one transfer that is cut in the middle, as by a bad cable.

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

/// In bytes: the timesheet is read into memory.
const MAX_BYTES: usize = 16 << 20;
/// How long the bytes before the cut have to be sent.
const BEFORE_CUT: Duration = Duration::from_millis(100);

/// Ends the first transfer of a booking's timesheet, and its connection, after some bytes.
#[derive(Debug)]
pub struct TransferCut {
    path: String,
    after_bytes: usize,
    is_done: AtomicBool,
}

impl TransferCut {
    /// Cuts the transfer of that booking's timesheet after that many bytes.
    pub fn of(booking: &BookingId, after_bytes: usize) -> Self {
        Self { path: format!("/v1/bookings/{booking}/timesheet"), after_bytes, is_done: AtomicBool::new(false) }
    }

    /// Whether the cut happened.
    pub fn is_done(&self) -> bool {
        self.is_done.load(Ordering::SeqCst)
    }
}

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

/// Sends a body's beginning, then an error, which closes the connection.
async fn begin(body: Body, bytes: usize) -> Body {
    let beginning = to_bytes(body, MAX_BYTES).await.map(|whole| whole.slice(..bytes.min(whole.len())));
    let end = async {
        tokio::time::sleep(BEFORE_CUT).await;
        Err(axum::Error::new(io::Error::from(io::ErrorKind::ConnectionReset)))
    };
    Body::from_stream(stream::iter([beginning]).chain(stream::once(end)))
}
