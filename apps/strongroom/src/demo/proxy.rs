//! A relay in front of the document server that cuts one transfer in the middle, as a
//! bad cable would. Everything else passes unchanged.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// How many connections pass at once: more than the job ever opens. Others wait.
const MOST_CONNECTIONS: usize = 128;
/// How much is passed on at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// A relay that is running; dropped, it stops.
pub(crate) struct CuttingProxy {
    address: SocketAddr,
    plan: Arc<Plan>,
    accepting: JoinHandle<()>,
}

/// Which transfer is cut.
struct Plan {
    server: SocketAddr,
    /// How its request begins, such as `GET /v1/bookings/B-1/timesheet`.
    request: Vec<u8>,
    after_bytes: usize,
    cut: AtomicBool,
}

impl CuttingProxy {
    /// Relays to `server`, and cuts the first answer to a `GET` of `path` after so many
    /// bytes.
    pub(crate) async fn start(server: SocketAddr, path: &str, after_bytes: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let request = format!("GET {path} ").into_bytes();
        let plan = Arc::new(Plan { server, request, after_bytes, cut: AtomicBool::new(false) });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&plan)));
        Ok(Self { address, plan, accepting })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the transfer has been cut.
    pub(crate) fn has_cut(&self) -> bool {
        self.plan.cut.load(Ordering::SeqCst)
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, plan: Arc<Plan>) {
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes it");
        let Ok((client, _)) = listener.accept().await else { continue };
        let plan = Arc::clone(&plan);
        tokio::spawn(async move {
            // An error here ends a connection, which both ends notice by themselves.
            let _ = relay(client, &plan).await;
            drop(permit);
        });
    }
}

async fn relay(client: TcpStream, plan: &Plan) -> io::Result<()> {
    let server = TcpStream::connect(plan.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let armed = AtomicBool::new(false);
    // Whichever way ends first ends the connection: HTTP/1.1 has no half-closed exchange.
    tokio::select! {
        ended = requests(from_client, to_server, plan, &armed) => ended,
        ended = answers(from_server, to_client, plan, &armed) => ended,
    }
}

/// Passes requests on, and arms the connection when the marked one goes by.
async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: &Plan, armed: &AtomicBool) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        // A client writes a request's head in one piece, so a whole chunk begins with it.
        if chunk[..read].starts_with(&plan.request) && !plan.cut.load(Ordering::SeqCst) {
            armed.store(true, Ordering::SeqCst);
        }
        to.write_all(&chunk[..read]).await?;
    }
}

/// Passes answers on; of an armed connection only the beginning.
async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, plan: &Plan, armed: &AtomicBool) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut passed = 0;
    loop {
        let read = from.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        if !armed.load(Ordering::SeqCst) {
            to.write_all(&chunk[..read]).await?;
            continue;
        }
        let left = plan.after_bytes - passed;
        to.write_all(&chunk[..read.min(left)]).await?;
        passed += read.min(left);
        if passed == plan.after_bytes {
            plan.cut.store(true, Ordering::SeqCst);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER_BYTES: usize = 100_000;

    /// A server that answers every request with the same bytes.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut request = [0; 1024];
                    while client.read(&mut request).await.unwrap_or(0) > 0 {
                        client.write_all(&vec![7; ANSWER_BYTES]).await.unwrap();
                    }
                });
            }
        });
        address
    }

    async fn get(proxy: &CuttingProxy, path: &str) -> usize {
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut received = 0;
        let mut chunk = [0; 8192];
        while received < ANSWER_BYTES {
            match client.read(&mut chunk).await {
                Ok(read) if read > 0 => received += read,
                _ => break,
            }
        }
        received
    }

    #[tokio::test]
    async fn one_transfer_is_cut_and_only_once() {
        let proxy = CuttingProxy::start(server().await, "/b/2", 5000).await.unwrap();
        assert_eq!(get(&proxy, "/b/1").await, ANSWER_BYTES);
        assert!(!proxy.has_cut());
        assert_eq!(get(&proxy, "/b/2").await, 5000);
        assert!(proxy.has_cut());
        assert_eq!(get(&proxy, "/b/2").await, ANSWER_BYTES);
    }
}
