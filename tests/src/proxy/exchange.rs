//! One request and its answer.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Shared;
use super::fault::Fault;

/// A head longer than this is nobody's of ours.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long either side may be silent before the connection is given up, so that no thread
/// stays for ever. A stall, which a test orders, lasts as long.
const SILENCE: Duration = Duration::from_secs(20);
/// In how many pieces a body trickles.
const TRICKLED_PIECES: u32 = 100;

#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The status line and the headers, without the empty line after them.
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Another body, and a head that says its length.
    pub fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.body = body.into();
        self.set_header("content-length", &self.body.len().to_string());
    }

    pub fn set_header(&mut self, name: &str, value: &str) {
        let prefix = format!("{name}:");
        let others = self.head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(&prefix));
        self.head = format!("{}\r\n{name}: {value}", others.collect::<Vec<_>>().join("\r\n"));
    }

    fn trickle(&self, client: &mut TcpStream, time: Duration) -> io::Result<()> {
        client.write_all(format!("{}\r\n\r\n", self.head).as_bytes())?;
        let pieces = self.body.chunks(self.body.len().div_ceil(TRICKLED_PIECES as usize).max(1));
        for piece in pieces {
            std::thread::sleep(time / TRICKLED_PIECES);
            client.write_all(piece)?;
            client.flush()?;
        }
        Ok(())
    }

    fn send(&self, client: &mut TcpStream) -> io::Result<()> {
        client.write_all(format!("{}\r\n\r\n", self.head).as_bytes())?;
        client.write_all(&self.body)?;
        client.flush()
    }
}

impl Shared {
    pub(super) fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(SILENCE))?;
        client.set_nodelay(true)?;
        let request = read_request(&mut client)?;
        let line = request.head.lines().next().unwrap_or_default().to_owned();
        self.requests.lock().unwrap().push(line.clone());
        let fault = self.fault_for(&line);
        match &fault {
            Some(Fault::Refuse) => return Ok(()),
            Some(Fault::Answer(answer)) => return client.write_all(answer.as_bytes()),
            _ => {}
        }
        let Some(mut response) = self.ask(&request)? else { return Ok(()) };
        match fault {
            None => response.send(&mut client),
            Some(fault) => fault.apply(&mut response, &mut client),
        }
    }

    /// The answer of the server behind us; `None` where there is none.
    pub(super) fn ask(&self, request: &Response) -> io::Result<Option<Response>> {
        let Some(address) = *self.upstream.lock().unwrap() else { return Ok(None) };
        let mut upstream = TcpStream::connect(address)?;
        upstream.set_read_timeout(Some(SILENCE))?;
        upstream.set_nodelay(true)?;
        let mut request = request.clone();
        request.set_header("connection", "close");
        request.send(&mut upstream)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        let end = find(&answer, b"\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        Ok(Some(Response { head, body: answer.split_off(end + 4) }))
    }
}

impl Fault {
    fn apply(self, response: &mut Response, client: &mut TcpStream) -> io::Result<()> {
        match self {
            Self::Refuse | Self::Answer(_) | Self::LoseAnswer => return Ok(()),
            Self::CutAfter(bytes) => response.body.truncate(bytes),
            Self::StallAfter(bytes) => {
                response.body.truncate(bytes);
                response.send(client)?;
                // Until the other side has had enough.
                let _ = client.read(&mut [0]);
                return Ok(());
            }
            Self::Trickle(time) => return response.trickle(client, time),
            Self::FlipByte(at) => {
                if let Some(byte) = response.body.get_mut(at) {
                    *byte ^= 1;
                }
            }
            Self::Append(bytes) => {
                let longer = [response.body.as_slice(), &bytes].concat();
                response.set_body(longer);
            }
            Self::Rewrite(change) => change(response),
        }
        response.send(client)
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// A whole request: its head, and as many bytes after it as the head says.
fn read_request(client: &mut TcpStream) -> io::Result<Response> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        read_some(client, &mut bytes)?;
        if bytes.len() > MAX_HEAD_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end + 4);
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    while body.len() < length.unwrap_or(0) {
        read_some(client, &mut body)?;
    }
    Ok(Response { head, body })
}

fn read_some(client: &mut TcpStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut buffer = [0; 8192];
    match client.read(&mut buffer)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        count => {
            bytes.extend_from_slice(&buffer[..count]);
            Ok(())
        }
    }
}
