//! Between the program and its document server, and as hostile as a test wants.
//!
//! One request a connection, plain HTTP/1.1, a thread for each: slow, and simple enough to be
//! trusted. It stays where it is when the server behind it is killed and started elsewhere.

mod exchange;
mod fault;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub use self::exchange::Response;
pub use self::fault::Fault;
use self::fault::Rule;

/// A running proxy, ended when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

#[derive(Debug, Default)]
struct Shared {
    upstream: Mutex<Option<SocketAddr>>,
    rules: Mutex<Vec<Rule>>,
    requests: Mutex<Vec<String>>,
    meddled: AtomicUsize,
    ended: AtomicBool,
}

impl Default for Proxy {
    fn default() -> Self {
        Self::start()
    }
}

impl Proxy {
    /// Listens on a port of the kernel's choice, with no server behind it yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        std::thread::spawn(move || of_thread.listen(&listener));
        Self { shared, address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where requests go from now on; `None`: connections are taken and closed.
    pub fn forward_to(&self, upstream: Option<SocketAddr>) {
        *self.shared.upstream.lock().unwrap() = upstream;
    }

    /// Meddles with the next `times` requests whose line (`GET /v1/… HTTP/1.1`) contains
    /// `part`; with all of them, where `times` is `None`. An earlier rule comes first.
    pub fn meddle(&self, part: &str, times: Option<usize>, fault: Fault) {
        self.shared.rules.lock().unwrap().push(Rule { part: part.to_owned(), left: times, fault });
    }

    pub fn behave(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// How many requests it meddled with.
    pub fn meddled(&self) -> usize {
        self.shared.meddled.load(Ordering::SeqCst)
    }

    /// Asks the server behind it, past every rule: `method` and path, as in `GET /healthz`.
    pub fn ask(&self, request: &str, token: &str, body: &[u8]) -> std::io::Result<Response> {
        let head = format!("{request} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}");
        let mut request = Response { head, body: Vec::new() };
        request.set_header("content-type", "application/json");
        request.set_body(body);
        self.shared.ask(&request)?.ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    /// The line of every request that came, in order.
    pub fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener sits in `accept`: one more connection lets it look.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn listen(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(self);
            if let Ok(client) = client {
                // A connection that breaks is what half of the tests are about.
                std::thread::spawn(move || shared.serve(client).unwrap_or_default());
            }
        }
    }

    /// The fault for this request, and one time less of it.
    fn fault_for(&self, request_line: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        let rule = rules.iter_mut().find(|rule| rule.left != Some(0) && request_line.contains(&rule.part))?;
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        self.meddled.fetch_add(1, Ordering::SeqCst);
        Some(rule.fault.clone())
    }
}
