//! Which sessions are live, as the database knows it.
//!
//! A session's lock below the document root is visible to processes of the same host. On a share, another host may
//! not see it; but two hosts of one document root share a Postgres database, so each session holds an advisory lock
//! there as well. That lock ends with its connection, which is reopened as often as it breaks. A session is over
//! where both locks are free.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::postgres::Address;
use super::{Backend, Result, Store};

const PING_EVERY: Duration = Duration::from_secs(5);
const PING_PATIENCE: Duration = Duration::from_secs(10);
/// How long Postgres may take to notice that a process has died.
const PARTING: Duration = Duration::from_secs(1);
const PARTING_POLL: Duration = Duration::from_millis(20);
/// Pause between two attempts to connect again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// Marks a session as live until dropped.
pub(crate) type Presence = Option<AbortOnDropHandle<()>>;

/// Sessions that are over. While this lives nobody else finds them so, and they cannot return.
#[derive(Debug)]
pub(crate) struct DeadSessions {
    pub(crate) sessions: Vec<String>,
    /// Whether every session in question is.
    pub(crate) is_all: bool,
    _held: Option<PgConnection>,
}

impl Store {
    /// Marks a session as live, before it begins.
    pub(crate) async fn attend(&self, session: &str) -> Result<Presence> {
        let Backend::Postgres(store) = &self.0 else { return Ok(None) };
        let (address, key) = (Arc::clone(store.address()), key(session));
        let held = hold(&address, key).await?;
        Ok(Some(AbortOnDropHandle::new(tokio::spawn(keep(address, key, held)))))
    }

    /// Which of these sessions, whose locks below the document root are free, are over.
    pub(crate) async fn over(&self, sessions: Vec<String>) -> Result<DeadSessions> {
        let (Backend::Postgres(store), false) = (&self.0, sessions.is_empty()) else {
            return Ok(DeadSessions { sessions, is_all: true, _held: None });
        };
        let candidates = sessions.len();
        let mut db = store.address().connect().await?;
        let mut over = Vec::with_capacity(sessions.len());
        let began = Instant::now();
        for session in sessions {
            loop {
                let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(key(&session));
                if query.fetch_one(&mut db).await? {
                    over.push(session);
                    break;
                }
                if began.elapsed() > PARTING {
                    break;
                }
                tokio::time::sleep(PARTING_POLL).await;
            }
        }
        Ok(DeadSessions { is_all: over.len() == candidates, sessions: over, _held: Some(db) })
    }
}

/// Takes the lock; waits while another process settles what the session left.
async fn hold(address: &Address, key: i64) -> Result<PgConnection> {
    let mut db = address.connect().await?;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(key).execute(&mut db).await?;
    Ok(db)
}

async fn keep(address: Arc<Address>, key: i64, mut held: PgConnection) {
    loop {
        tokio::time::sleep(PING_EVERY).await;
        if matches!(tokio::time::timeout(PING_PATIENCE, held.ping()).await, Ok(Ok(()))) {
            continue;
        }
        tracing::warn!("the server's database does not answer; connecting again");
        held = loop {
            match hold(&address, key).await {
                Ok(held) => break held,
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
            }
        };
        tracing::info!("the server's database answers again");
    }
}

fn key(session: &str) -> i64 {
    let hash: [u8; 32] = Sha256::digest(session.as_bytes()).into();
    i64::from_be_bytes(*hash.first_chunk().expect("a hash has 32 bytes"))
}
