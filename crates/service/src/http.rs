//! One HTTP connection within bounds of time: for whatever in a process listens, the document server and the questions about
//! its health alike. Whom to let in, and how many at once, is for those who accept.

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

/// How long the other side may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For a request's head, which is also how long a connection may lie idle between two requests.
    pub head: Duration,
    /// For taking anything of an answer.
    pub stall: Duration,
    /// Whether a connection serves more than one request.
    pub keep_alive: bool,
}

/// Begins to listen, and says where; port 0 takes a free one.
///
/// # Errors
/// The address is taken, or not this host's.
pub async fn listen(address: SocketAddr) -> io::Result<(SocketAddr, TcpListener)> {
    let listener = TcpListener::bind(address).await?;
    Ok((listener.local_addr()?, listener))
}

/// Serves a connection to its end; once `stop` is cancelled, to the end of the request that is in flight.
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
