//! The management API, as far as tests need it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use data_encoding::BASE64;

use super::SUPERUSER;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy)]
pub(super) struct Http {
    pub(super) address: SocketAddr,
}

impl Http {
    pub(super) fn get(&self, path: &str) -> String {
        self.call("GET", path, "")
    }

    pub(super) fn put(&self, path: &str, body: &str) {
        self.call("PUT", path, body);
    }

    /// Makes a virtual host, and waits until every node of the broker has it: one that joined
    /// a moment ago, or is short of time, takes longer than the broker itself waits.
    pub(super) fn make_vhost(&self, name: &str) {
        let begin = Instant::now();
        let path = format!("/api/vhosts/{name}");
        while !(self.exchange("PUT", &path, "{}").is_ok() && self.runs(&path)) {
            assert!(begin.elapsed() < PATIENCE, "the virtual host {name} does not run after a minute");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Whether every node has it. One that was told of it while it joined may never start it by itself, and
    /// is asked to.
    fn runs(&self, path: &str) -> bool {
        let answer = self.exchange("GET", path, "").unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let vhost: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let Some(nodes) = vhost["cluster_state"].as_object() else { return false };
        let stopped: Vec<_> = nodes.iter().filter(|(_, state)| *state != "running").map(|(node, _)| node).collect();
        for node in &stopped {
            // It is looked at again in a moment, whatever became of this.
            let _ = self.exchange("POST", &format!("{path}/start/{node}"), "");
        }
        !nodes.is_empty() && stopped.is_empty()
    }

    /// Lets a user configure, write and read what matches.
    pub(super) fn permit(&self, user: &str, vhost: &str, [configure, write, read]: [&str; 3]) {
        let rights = serde_json::json!({ "configure": configure, "write": write, "read": read });
        self.put(&format!("/api/permissions/{vhost}/{user}"), &rights.to_string());
    }

    fn call(&self, method: &str, path: &str, body: &str) -> String {
        let answer = self.exchange(method, path, body);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path} at {} failed: {error}", self.address));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(status.starts_with('2'), "{method} {path} was answered with {head}\n{body}");
        body.to_owned()
    }

    /// In HTTP 1.0: the answer is not in chunks, and ends with the connection.
    fn exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let login = BASE64.encode(format!("{SUPERUSER}:{SUPERUSER}").as_bytes());
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nauthorization: Basic {login}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }
}

/// A name as one segment of a path.
pub(super) fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
