//! HTTP connections within time limits. Callers limit who connects and how many.

mod stall;

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use self::stall::UnlessStalled;

/// Time limits of a connection.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For a request's head, and for idling between requests.
    pub head: Duration,
    /// For the peer to accept any part of a response.
    pub stall: Duration,
    /// Whether it serves more than one request.
    pub keep_alive: bool,
}

/// Listens, and returns the address; port 0 takes a free one.
pub async fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind(address).await?;
    Ok((listener.local_addr()?, listener))
}

/// Serves a connection; once `stop` is cancelled, only to the end of the request in flight.
pub async fn serve(stream: TcpStream, router: Router, bounds: Bounds, stop: &CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(bounds.head).keep_alive(bounds.keep_alive);
    let io = TokioIo::new(UnlessStalled::new(stream, bounds.stall));
    let mut serving = pin!(builder.serve_connection(io, TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error, "a connection ended with an error");
    }
}
