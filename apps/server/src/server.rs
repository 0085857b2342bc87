//! The running server: accepts connections, bounds them, and stops in two steps.

mod permits;

use std::fs::{File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::{Listener, ListenerExt};
use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderValue};
use strongroom_files::Creation;
use strongroom_service::Clock;
use strongroom_service::http::{self as connection, Bounds};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::documents::{Documents, OpenError};
use crate::http::{Api, Problem, router};
use crate::settings::{Limits, Settings};
use permits::{Busy, ConnectionPermit, ConnectionPermits};

const SERVE_LOCK: &str = ".strongroom/serve.lock";
/// How long a server waits for its predecessor, which may be finishing a request, or whose child may hold the lock
/// until it has become another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
/// Extra connections that get health or a refusal, so that a busy server does not look dead.
const RESERVE: usize = 16;
/// How long such a connection may take to send its request's head.
const RESERVE_HEAD: Duration = Duration::from_secs(2);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// A listening document server. Dropping it stops it without waiting for requests in flight; [`Server::stop`] waits.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    documents: Documents,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// A document server that cannot listen.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum ServeError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("another `strongroom server` serves {0} already: stop it first, or give this one another document root")]
    ServedAlready(PathBuf),
    #[error("cannot lock the document root {path}")]
    Lock { path: PathBuf, source: io::Error },
    #[error("cannot listen on {address}: choose another address or port, or stop what listens there")]
    Listen { address: SocketAddr, source: io::Error },
}

impl Server {
    /// Opens the documents and listens; port 0 takes a free one.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self, ServeError> {
        let listen = settings.listen;
        let documents = Documents::open(settings, clock).await?;
        let lock = lock(&documents).await?;
        let listening = connection::listen(listen).await;
        let (address, listener) = listening.map_err(|source| ServeError::Listen { address: listen, source })?;
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(settle_now_and_then(documents.clone(), stop.clone()));
        let accepting = Accepting {
            limits: documents.settings().limits.clone(),
            tasks,
            documents: documents.clone(),
            stop: stop.clone(),
        };
        tracing::info!(%address, documents = %documents.settings().documents.display(), "the document server listens");
        let task = tokio::spawn(async move {
            accepting.run(listener).await;
            drop(lock);
        });
        Ok(Self { address, documents, stop, task: Some(task) })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its address for a client on this host.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // Every address of this host: clients on it use the loopback address.
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// What it serves.
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Stops accepting, finishes requests in flight within the limits' `drain`, and closes the records.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the document server's task failed");
        }
        self.documents.store().close().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// SQLite's records allow one server for a document root. With Postgres, several may serve it, such as the old and
/// the new one during an upgrade: the intents tell which of them works on a file.
async fn lock(documents: &Documents) -> Result<File, ServeError> {
    let root = documents.root().path();
    let failed = |source| ServeError::Lock { path: root.to_owned(), source };
    let lock = documents.root().beneath().create(SERVE_LOCK, Creation::OrOpen).map_err(failed)?;
    let is_shared = documents.settings().database.file().is_none();
    let began = Instant::now();
    loop {
        let tried = if is_shared { lock.try_lock_shared() } else { lock.try_lock() };
        match tried {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_PATIENCE => tokio::time::sleep(LOCK_POLL).await,
            Err(TryLockError::WouldBlock) => return Err(ServeError::ServedAlready(root.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Finishes what processes that die while this server runs left half done.
async fn settle_now_and_then(documents: Documents, stop: CancellationToken) {
    let every = documents.settings().reconcile_every;
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        if let Err(error) = documents.reconcile_again().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "cannot look for what an ended process left half done; looking again later");
        }
    }
}

struct Accepting {
    documents: Documents,
    limits: Limits,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        let router = router(Api { documents: self.documents.clone(), tasks: self.tasks.clone() });
        // Without it, the last packet of an answer waits 40 ms for an acknowledgement of the one before.
        let mut listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let permits = ConnectionPermits::new(self.limits.connections, self.limits.peer_connections);
        let reserve = Arc::new(Semaphore::new(RESERVE));
        let mut connections = JoinSet::new();
        loop {
            let (stream, peer) = tokio::select! {
                () = self.stop.cancelled() => break,
                next = listener.accept() => next,
                Some(_) = connections.join_next() => continue,
            };
            let serving = |limits| Serving { router: router.clone(), limits, stop: self.stop.clone() };
            if let Some(permit) = permits.take(peer.ip(), Instant::now()) {
                connections.spawn(serving(self.limits.clone()).connection(stream, permit));
            } else if let Ok(permit) = Arc::clone(&reserve).try_acquire_owned() {
                let limits = Limits { head: RESERVE_HEAD, ..self.limits.clone() };
                connections.spawn(serving(limits).one_answer(stream, permit));
            }
            // Beyond that, the connection is closed: its client tries again.
        }
        drop(listener);
        self.drain(connections).await;
    }

    /// Waits for the requests in flight, then for the tasks that must not stop half-way.
    async fn drain(self, mut connections: JoinSet<()>) {
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.drain, all).await.is_err() {
            tracing::warn!(connections = connections.len(), "shutting down: some requests were aborted");
            connections.shutdown().await;
        }
        self.tasks.close();
        if tokio::time::timeout(self.limits.drain, self.tasks.wait()).await.is_err() {
            tracing::warn!("shutting down: a move or an upload is unfinished; the next start finishes it");
        }
    }
}

struct Serving {
    router: Router,
    limits: Limits,
    stop: CancellationToken,
}

impl Serving {
    async fn connection(self, stream: TcpStream, permit: ConnectionPermit) {
        let router = self.router.clone().layer(middleware::from_fn_with_state(permit.clone(), busy));
        tokio::select! {
            () = self.serve(stream, router, true) => {}
            () = permit.revoked() => {}
        }
    }

    /// With all connections busy, answers health, and everything else with a 503.
    async fn one_answer(self, stream: TcpStream, permit: OwnedSemaphorePermit) {
        let router = self.router.clone().layer(middleware::from_fn(only_health));
        // A refused upload need not be read.
        drop(tokio::time::timeout(self.limits.head * 2, self.serve(stream, router, false)).await);
        drop(permit);
    }

    async fn serve(&self, stream: TcpStream, router: Router, keep_alive: bool) {
        let bounds = Bounds { head: self.limits.head, stall: self.limits.stall, keep_alive };
        connection::serve(stream, router, bounds, &self.stop).await;
    }
}

async fn only_health(request: Request, next: Next) -> Response {
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    let detail = "every connection of the server is busy: retry in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-connections", detail)
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        .into_response()
}

/// Counts the connection as busy from the request's head to the end of its answer.
async fn busy(State(permit): State<ConnectionPermit>, request: Request, next: Next) -> Response {
    let busy = permit.begin();
    next.run(request).await.map(|body| Body::new(BusyBody { body, _busy: busy }))
}

/// An answer's body; its connection is busy until this is dropped.
struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl http_body::Body for BusyBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
