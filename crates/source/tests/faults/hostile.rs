//! A server that says whatever a test wants it to, byte by byte, and keeps what it heard.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom_model::{BookingId, ByteCount, Digest};
use strongroom_source::{Source, SourceSettings};

/// What it does when the bytes are out.
#[derive(Clone, Copy)]
pub(crate) enum Then {
    /// Waits for the next request on the connection.
    Listen,
    /// Closes the connection.
    Close,
    /// Says nothing more, and does not close either.
    Hold,
    /// Sends one more byte now and then, for ever.
    Drip,
}

pub(crate) struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

impl Reply {
    /// A status line, header lines, a body: nothing is added, not even a length.
    pub(crate) fn raw(head: &str, body: impl AsRef<[u8]>, then: Then) -> Self {
        let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.replace('\n', "\r\n")).into_bytes();
        bytes.extend_from_slice(body.as_ref());
        Self { bytes, then }
    }

    /// A proper answer with its length.
    pub(crate) fn proper(head: &str, body: impl AsRef<[u8]>) -> Self {
        let head = format!("{head}\nContent-Length: {}", body.as_ref().len());
        Self::raw(&head, body, Then::Listen)
    }

    pub(crate) fn json(body: &str) -> Self {
        Self::proper("200 OK\nContent-Type: application/json", body)
    }

    pub(crate) fn problem(status: &str, detail: &str) -> Self {
        let body = format!(r#"{{"title":"A problem","detail":{}}}"#, serde_json::to_string(detail).unwrap());
        Self::proper(&format!("{status}\nContent-Type: application/problem+json"), body)
    }

    /// Accepts, reads, and never says a word.
    pub(crate) fn silence() -> Self {
        Self { bytes: Vec::new(), then: Then::Hold }
    }

    /// Bytes that are not even HTTP.
    pub(crate) fn noise(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), then: Then::Close }
    }
}

/// The server. It stops with the process: its threads hold nothing but their sockets.
pub(crate) struct Hostile {
    pub(crate) address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Hostile {
    /// Answers every request by `answer`, which gets the request's head.
    pub(crate) fn new(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (answer, notes) = (Arc::new(answer), heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, notes) = (answer.clone(), notes.clone());
                std::thread::spawn(move || serve(stream, &*answer, &notes));
            }
        });
        Self { address, heard }
    }

    /// The heads of all requests so far.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn source(&self) -> Source {
        Source::new(&settings(&self.url())).unwrap()
    }
}

pub(crate) const TOKEN: &str = "sr_geheim_4711";

/// Waits that are long enough for a loaded machine, for tests that do not wait.
pub(crate) fn settings(url: &str) -> SourceSettings {
    let mut settings = SourceSettings::new(url, Some(TOKEN.to_owned()));
    settings.connect_timeout = Duration::from_secs(60);
    settings.read_timeout = Duration::from_secs(60);
    settings
}

/// A client that loses its patience soon, for tests of exactly that.
pub(crate) fn impatient(server: &Hostile) -> Source {
    let mut settings = settings(&server.url());
    settings.read_timeout = Duration::from_millis(300);
    // Connecting to ourselves takes no millisecond on an idle machine, but may on a busy one.
    settings.connect_timeout = Duration::from_millis(300);
    Source::new(&settings).unwrap()
}

pub(crate) fn booking(id: &str) -> BookingId {
    id.parse().unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(strongroom_model::Algorithm::Sha256, bytes)
}

pub(crate) fn size(bytes: &[u8]) -> ByteCount {
    ByteCount(bytes.len() as u64)
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&str) -> Reply, heard: &Mutex<Vec<String>>) {
    while let Some(head) = read_head(&mut stream) {
        heard.lock().unwrap().push(head.clone());
        let reply = answer(&head);
        // A client that has seen enough closes; that is its right.
        let _ = stream.write_all(&reply.bytes);
        match reply.then {
            Then::Listen => {}
            Then::Close => return,
            Then::Hold => {
                let _ = stream.read(&mut [0; 1]);
                return;
            }
            Then::Drip => {
                while stream.write_all(b".").is_ok() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return;
            }
        }
    }
}

/// A request's head; its body is read and dropped.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    stream.read_exact(&mut vec![0; length]).ok()?;
    Some(head)
}
