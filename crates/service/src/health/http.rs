use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::Listener;
use axum::{Json, Router};
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::{FailedCheck, Health};
use crate::http::{Bounds, listen, serve};
use crate::metrics::Metrics;

/// A scraper, a probe and a person, with room to spare.
const MAX_CONNECTIONS: usize = 32;
/// For a connection's one request, so that nobody can hold them all.
const LONGEST_EXCHANGE: Duration = Duration::from_secs(10);
const BOUNDS: Bounds = Bounds { head: Duration::from_secs(5), stall: LONGEST_EXCHANGE, keep_alive: false };
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `/healthz`, `/readyz` and `/metrics` until dropped, and runs the metrics' upkeep.
#[derive(Debug)]
pub struct HealthServer {
    address: SocketAddr,
    _tasks: [AbortOnDropHandle<()>; 2],
}

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error(
    "health.listen: cannot listen on {address}: set another address or port there or with --listen, or stop what listens on it"
)]
pub struct ListenError {
    /// The address.
    pub address: SocketAddr,
    /// The operating system's error.
    #[source]
    pub source: io::Error,
}

impl HealthServer {
    /// Listens; port 0 takes a free one.
    pub async fn start(address: SocketAddr, health: Health, metrics: Metrics) -> Result<Self, ListenError> {
        let (address, listener) = listen(address).await.map_err(|source| ListenError { address, source })?;
        tracing::info!(%address, "/healthz, /readyz and /metrics are answered");
        let upkeep = tokio::spawn(metrics.clone().keep_up());
        let accepting = tokio::spawn(accept(listener, router(health, metrics)));
        Ok(Self { address, _tasks: [accepting, upkeep].map(AbortOnDropHandle::new) })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(mut listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
        // `Listener::accept` retries by itself.
        let (stream, _) = Listener::accept(&mut listener).await;
        let router = router.clone();
        tokio::spawn(async move {
            // Slow clients are cut off.
            let _ =
                tokio::time::timeout(LONGEST_EXCHANGE, serve(stream, router, BOUNDS, &CancellationToken::new())).await;
            drop(place);
        });
    }
}

fn router(health: Health, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get(|State(health): State<Health>| async move { respond(health.stuck()) }))
        .route("/readyz", get(|State(health): State<Health>| async move { respond(health.unready()) }))
        .route("/metrics", get(|| async move { ([(CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render()) }))
        .with_state(health)
}

#[derive(Serialize)]
struct HealthReport {
    well: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<FailedCheck>,
}

fn respond(problems: Vec<FailedCheck>) -> Response {
    let well = problems.is_empty();
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(HealthReport { well, problems })).into_response()
}

#[cfg(test)]
mod tests;
