//! A scripted server for the tests of this crate and of the stages; never in a release.
#![expect(clippy::unwrap_used, reason = "a test's helper may panic, as a test does")]

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Source;
use crate::settings::SourceSettings;

/// The token that [`ScriptedServer::source`] sends, and that must not appear anywhere else.
pub const TOKEN: &str = "sr_geheim_4711";

/// What the server does after the bytes of a [`Reply`].
#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// Waits for the next request on the connection.
    Listen,
    /// Closes the connection.
    Close,
    /// Stays silent and connected.
    Hold,
    /// Sends single bytes for ever.
    Drip,
}

/// A scripted response.
#[derive(Debug, Clone)]
pub struct Reply {
    bytes: Vec<u8>,
    then: Then,
}

impl Reply {
    /// Status, header lines and body: nothing is added, not even a length.
    pub fn raw(head: &str, body: impl AsRef<[u8]>, then: Then) -> Self {
        let mut bytes = format!("HTTP/1.1 {}\r\n\r\n", head.replace('\n', "\r\n")).into_bytes();
        bytes.extend_from_slice(body.as_ref());
        Self { bytes, then }
    }

    /// A response with a `Content-Length`.
    pub fn proper(head: &str, body: impl AsRef<[u8]>) -> Self {
        let head = format!("{head}\nContent-Length: {}", body.as_ref().len());
        Self::raw(&head, body, Then::Listen)
    }

    /// A JSON body.
    pub fn json(body: &str) -> Self {
        Self::proper("200 OK\nContent-Type: application/json", body)
    }

    /// Problem details (RFC 9457).
    pub fn problem(status: &str, detail: &str) -> Self {
        let body = json!({"title": "A problem", "detail": detail}).to_string();
        Self::proper(&format!("{status}\nContent-Type: application/problem+json"), body)
    }

    /// No response.
    pub fn silence() -> Self {
        Self { bytes: Vec::new(), then: Then::Hold }
    }

    /// Bytes that are not HTTP.
    pub fn noise(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), then: Then::Close }
    }
}

/// A received request; derefs to its head in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    head: String,
    /// Path and query.
    pub target: String,
    /// The body.
    pub body: Vec<u8>,
    /// How many requests preceded it on its connection.
    pub nth: usize,
}

impl Deref for ReceivedRequest {
    type Target = str;

    fn deref(&self) -> &str {
        &self.head
    }
}

impl fmt::Display for ReceivedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)
    }
}

impl ReceivedRequest {
    /// The ids in the request's JSON: `ids`, or those of `marks`.
    pub fn named(&self) -> Vec<String> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let marks = body["marks"].as_array().into_iter().flatten().map(|mark| &mark["id"]);
        let ids = body["ids"].as_array().into_iter().flatten();
        marks.chain(ids).filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }
}

/// The server, for the rest of the process.
#[derive(Debug)]
pub struct ScriptedServer {
    /// Where it listens.
    pub address: String,
    heard: Arc<Mutex<Vec<ReceivedRequest>>>,
}

impl ScriptedServer {
    /// Answers every request by `answer`.
    pub fn new(answer: impl Fn(&ReceivedRequest) -> Reply + Send + Sync + 'static) -> Self {
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

    /// All requests so far.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.heard.lock().unwrap().clone()
    }

    /// Its address, as a setting.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A client with timeouts for a loaded machine.
    pub fn source(&self) -> Source {
        Source::new(&settings(&self.url())).unwrap()
    }

    /// A client with short timeouts.
    pub fn impatient(&self) -> Source {
        let mut settings = settings(&self.url());
        settings.read_timeout = Duration::from_secs(1);
        settings.connect_timeout = Duration::from_secs(1);
        Source::new(&settings).unwrap()
    }
}

/// Settings with timeouts for a loaded machine.
pub fn settings(url: &str) -> SourceSettings {
    let mut settings = SourceSettings::new(url, Some(TOKEN.to_owned()));
    settings.connect_timeout = Duration::from_secs(60);
    settings.read_timeout = Duration::from_secs(60);
    settings
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&ReceivedRequest) -> Reply, heard: &Mutex<Vec<ReceivedRequest>>) {
    // Otherwise responses on a kept connection wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    for nth in 0.. {
        let Some(request) = read_request(&mut stream, nth) else { return };
        heard.lock().unwrap().push(request.clone());
        let reply = answer(&request);
        // The client may have closed.
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

fn read_request(stream: &mut TcpStream, nth: usize) -> Option<ReceivedRequest> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&bytes).into_owned();
    let target = head.split(' ').nth(1)?.to_owned();
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(ReceivedRequest { head, target, body, nth })
}
