//! A process of the site, looked at as a supervisor, a scraper and a person do.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use strongroom_tests::program::Running;
use strongroom_tests::site::Site;

/// What one is said to answer that does not.
const NO_ANSWER: &str = "no answer";

/// A process that answers over HTTP.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) verb: &'static str,
    address: String,
    running: Option<Running>,
}

/// The metrics of a process, by series; `None`: it does not answer.
#[derive(Debug)]
pub(super) struct Scraped {
    pub(super) instance: &'static str,
    pub(super) series: Option<BTreeMap<String, f64>>,
}

impl Process {
    pub(super) fn start(site: &Site, verb: &'static str) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let running = site.call([verb, "--listen", &address]).start();
        Self { verb, address, running: Some(running) }
    }

    pub(super) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.kill();
        }
    }

    pub(super) fn healthz(&self) -> String {
        self.get("/healthz")
    }

    pub(super) fn readyz(&self) -> String {
        self.get("/readyz")
    }

    pub(super) fn metrics(&self) -> String {
        self.get("/metrics")
    }

    pub(super) fn stderr(&self) -> String {
        self.running.as_ref().map_or_else(String::new, Running::stderr)
    }

    pub(super) fn scrape(&self) -> Scraped {
        let text = self.metrics();
        let series = (text != NO_ANSWER).then(|| text.lines().filter_map(sample).collect());
        Scraped { instance: self.verb, series }
    }

    /// The answer's code and its body.
    fn get(&self, path: &str) -> String {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(&self.address)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: strongroom\r\nConnection: close\r\n\r\n")?;
            let mut said = String::new();
            stream.read_to_string(&mut said)?;
            Ok(said)
        };
        let said = ask().unwrap_or_default();
        match said.strip_prefix("HTTP/1.1 ") {
            Some(answer) => answer.to_owned(),
            None => NO_ANSWER.to_owned(),
        }
    }
}

/// A line of Prometheus' text format.
fn sample(line: &str) -> Option<(String, f64)> {
    let (series, value) = line.rsplit_once(' ')?;
    series.starts_with("strongroom_").then(|| Some((series.to_owned(), value.parse().ok()?)))?
}

/// What each of them says, one after the other.
pub(super) fn all<'a>(processes: impl IntoIterator<Item = &'a Process>, ask: impl Fn(&Process) -> String) -> String {
    processes.into_iter().map(ask).collect::<Vec<_>>().join("\n")
}
