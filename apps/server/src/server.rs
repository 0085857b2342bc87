//! The running server: it accepts connections, bounds them, and stops in two steps.

mod stall;

use std::fs::{File, TryLockError};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use strongroom_files::Creation;
use strongroom_service::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::documents::{Documents, OpenError};
use crate::http::{Api, router};
use crate::settings::{Limits, Settings};
use stall::UnlessStalled;

/// Whoever serves the document root holds this.
const SERVE_LOCK: &str = ".strongroom/serve.lock";
/// How long a server waits for the one before it to end: that one may be finishing a request,
/// or a process that it started may hold its lock until it has become another program.
const LOCK_PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// A document server that listens. Dropping it stops it without waiting for the requests in
/// hand; [`Server::stop`] waits.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    documents: Documents,
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// A document server that cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The document root or the records cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Another server serves the same document root.
    #[error("another `strongroom server` serves {0} already: stop it first, or give this one another document root")]
    ServedAlready(PathBuf),
    /// The document root cannot be locked.
    #[error("cannot lock the document root {path}")]
    Lock {
        /// The document root.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address is taken, or not this host's.
    #[error("cannot listen on {address}: choose another address or port, or stop what listens there")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Serves until `stop` is cancelled, then finishes the requests in hand within the limits'
/// `drain`.
///
/// # Errors
/// It cannot begin to serve. Once it serves, it only ends by being stopped.
pub async fn serve(settings: Settings, clock: Clock, stop: CancellationToken) -> Result<(), ServeError> {
    let server = Server::start(settings, clock).await?;
    stop.cancelled().await;
    server.stop().await;
    Ok(())
}

impl Server {
    /// Opens the documents and begins to listen; port 0 takes a free one.
    ///
    /// # Errors
    /// The documents cannot be opened, are served already, or the address cannot be used.
    pub async fn start(settings: Settings, clock: Clock) -> Result<Self, ServeError> {
        let listen = settings.listen;
        let documents = Documents::open(settings, clock).await?;
        let lock = lock(&documents).await?;
        let listening = async {
            let listener = TcpListener::bind(listen).await?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listening.await.map_err(|source| ServeError::Listen { address: listen, source })?;
        let stop = CancellationToken::new();
        let deeds = TaskTracker::new();
        deeds.spawn(settle_now_and_then(documents.clone(), stop.clone()));
        let accepting = Accepting {
            limits: documents.settings().limits.clone(),
            deeds,
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
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its address for a client on this host.
    #[must_use]
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // Every address of this host: a client on it takes the loopback's.
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// What it serves.
    #[must_use]
    pub fn documents(&self) -> &Documents {
        &self.documents
    }

    /// Accepts no more, finishes the requests in hand within the limits' `drain`, and closes
    /// the records.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the document server's task ended badly");
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

/// One server for a document root whose records are in SQLite. Where they are in Postgres,
/// several may serve it, such as the old and the new one while a host is upgraded: the
/// records say which of them has a file in hand.
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

/// Finishes what processes left half done that die while this server works.
async fn settle_now_and_then(documents: Documents, stop: CancellationToken) {
    let every = documents.settings().reconcile_every;
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        if let Err(error) = documents.reconcile_again().await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "cannot look for what an ended process left half done; looking again later");
        }
    }
}

/// Accepting connections until it is stopped.
struct Accepting {
    documents: Documents,
    limits: Limits,
    deeds: TaskTracker,
    stop: CancellationToken,
}

impl Accepting {
    async fn run(self, listener: TcpListener) {
        let router = router(Api { documents: self.documents.clone(), deeds: self.deeds.clone() });
        // Without it, the last packet of an answer waits 40 ms for the one before to be
        // acknowledged.
        let mut listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut connections = JoinSet::new();
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await.expect("it is never closed");
                (listener.accept().await.0, place)
            };
            let (stream, place) = tokio::select! {
                () = self.stop.cancelled() => break,
                next = next => next,
                Some(_) = connections.join_next() => continue,
            };
            connections.spawn(connection(stream, place, router.clone(), self.limits.clone(), self.stop.clone()));
        }
        drop(listener);
        self.drain(connections).await;
    }

    /// Waits for the requests in hand, and longer for what must not stop half-way.
    async fn drain(self, mut connections: JoinSet<()>) {
        let all = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.drain, all).await.is_err() {
            tracing::warn!(connections = connections.len(), "some requests were cut, for the server stops");
            connections.shutdown().await;
        }
        self.deeds.close();
        if tokio::time::timeout(self.limits.drain, self.deeds.wait()).await.is_err() {
            tracing::warn!("a move or an upload was not finished; the next start finishes it");
        }
    }
}

async fn connection(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
    let io = TokioIo::new(UnlessStalled::new(stream, limits.stall));
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
    drop(place);
}
