//! What the document server must be told.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use strongroom_model::ByteCount;

use crate::http::TransferCut;
use crate::store::Database;

/// How a document server is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The document root: the folder that holds the files. It must exist.
    pub documents: PathBuf,
    /// Where the records are.
    pub database: Database,
    /// The time zone whose calendar names the `archived/<YYYY-MM>/` folders, and in which an
    /// imported date without an offset is read.
    pub zone: TimeZone,
    /// On how many distinct drives a copy must be proven before its file may be purged.
    pub proofs_needed_to_purge: u32,
    /// How old such a proof may be.
    pub evidence_fresh_for: SignedDuration,
    /// How often a server looks for what a process that died left half done: an import, or
    /// another server of the same document root.
    pub reconcile_every: Duration,
    /// What a client may ask for at most.
    pub limits: Limits,
    /// A transfer that is cut, to show that it goes on where it was: for the demo.
    pub cut: Option<Arc<TransferCut>>,
}

impl Settings {
    /// The default settings for a document root and a database: it listens on the loopback
    /// address, port 8400, in UTC, and asks for proofs on 2 drives, 90 days old at most.
    #[must_use]
    pub fn new(documents: impl Into<PathBuf>, database: impl Into<Database>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8400)),
            documents: documents.into(),
            database: database.into(),
            zone: TimeZone::UTC,
            proofs_needed_to_purge: 2,
            evidence_fresh_for: SignedDuration::from_hours(90 * 24),
            reconcile_every: Duration::from_secs(60),
            limits: Limits::default(),
            cut: None,
        }
    }
}

/// What a client may ask for at most, and how long it may take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest timesheet that is taken.
    pub upload: ByteCount,
    /// The largest body of any other request: 1000 marks with long paths fit in.
    pub body: ByteCount,
    /// How many connections are open at once. Beyond that, one that waits for a request gives its place up.
    pub connections: usize,
    /// How many of them one peer may have: the others always find some.
    pub peer_connections: usize,
    /// How long a client may take to send a request's head, which is also how long a
    /// connection may lie idle between two requests.
    pub head: Duration,
    /// How long a client may neither send what it announced nor take what it asked for.
    pub stall: Duration,
    /// How long any request but an upload may take until its answer begins.
    pub request: Duration,
    /// How long a stopping server waits for the requests in hand.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload: ByteCount(10 << 30),
            body: ByteCount(8 << 20),
            connections: 512,
            peer_connections: 384,
            head: Duration::from_secs(15),
            stall: Duration::from_secs(30),
            request: Duration::from_secs(120),
            drain: Duration::from_secs(10),
        }
    }
}
