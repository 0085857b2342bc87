//! The document server's settings.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use strongroom_model::ByteCount;
use strongroom_proof::PublicKey;

use crate::http::TransferCut;
use crate::store::Database;

/// A document server's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The document root: the folder that holds the files. It must exist.
    pub documents: PathBuf,
    /// Where the records are.
    pub database: Database,
    /// Names the `archived/<YYYY-MM>/` folders, and applies to imported dates without an offset.
    pub zone: TimeZone,
    /// On how many distinct drives a copy must be proven before its file may be purged.
    pub proofs_needed_to_purge: u32,
    /// The maximum age of such a proof.
    pub evidence_fresh_for: SignedDuration,
    /// The site's public keys. Where there are any, a mark needs proof that its event is in a log that one of them
    /// signed, and nothing else counts for a purge.
    pub site_keys: Vec<PublicKey>,
    /// How often a server looks for what a process that died left half done: an import, or another server of the same
    /// document root.
    pub reconcile_every: Duration,
    /// Limits for clients.
    pub limits: Limits,
    /// Cuts one transfer, for the demo.
    pub cut: Option<Arc<TransferCut>>,
}

impl Settings {
    /// The defaults: the loopback address, port 8400, UTC, proofs on 2 drives, at most 90 days old.
    pub fn new(documents: impl Into<PathBuf>, database: impl Into<Database>) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8400)),
            documents: documents.into(),
            database: database.into(),
            zone: TimeZone::UTC,
            proofs_needed_to_purge: 2,
            evidence_fresh_for: SignedDuration::from_hours(90 * 24),
            site_keys: Vec::new(),
            reconcile_every: Duration::from_secs(60),
            limits: Limits::default(),
            cut: None,
        }
    }
}

/// Limits on what a client may send, receive and keep open, and for how long.
#[derive(Debug, Clone)]
pub struct Limits {
    /// The largest timesheet that is accepted.
    pub upload: ByteCount,
    /// The largest body of any other request: 1000 marks with long paths fit in.
    pub body: ByteCount,
    /// Open connections. Beyond that, one that waits for a request is closed.
    pub connections: usize,
    /// Of these, for one peer: others always get some.
    pub peer_connections: usize,
    /// How long a request's head may take, and a connection be idle between two requests.
    pub head: Duration,
    /// How long a client may neither send nor receive.
    pub stall: Duration,
    /// Time until an answer begins, except for an upload.
    pub request: Duration,
    /// How long a stopping server waits for requests in flight.
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
