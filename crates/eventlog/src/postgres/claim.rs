//! The claim to drive a site's runs, where several hosts share a log in Postgres: a session's advisory lock, so that a
//! host that dies leaves nothing behind.

use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use strongroom_model::SiteId;
use strongroom_model::text::printable;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::open::{failed, usable};
use super::place::{Place, timely};
use crate::error::OpenError;

/// How often to check that the session lives.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// How long to retry after a lost session, which may hold the lock until Postgres notices (half a minute).
const RECLAIM_WITHIN: Duration = Duration::from_secs(90);
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const HOLDER_CHARS: usize = 160;

/// The lock of a site's runs. `turn` in the schema has the lock for single appends.
const KEY: &str = "hashtextextended('strongroom.run/' || $1, 0)";

/// The claim to drive a site's runs, until dropped.
#[derive(Debug)]
pub struct RunClaim {
    lost: watch::Receiver<Option<String>>,
    keeper: AbortHandle,
}

/// The outcome of an attempt to claim.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// Claimed by us.
    Claimed(RunClaim),
    /// Claimed by another process: who, where and since when.
    HeldBy(String),
}

impl RunClaim {
    /// Tries to claim, without waiting. `who` is shown to other claimants.
    ///
    /// # Errors
    /// The database cannot be reached, or holds no log.
    pub async fn request(url: &str, site: &SiteId, who: &str) -> Result<ClaimOutcome, OpenError> {
        let place = Place::parse(url)?;
        let options = place.options().clone().application_name(who);
        let mut session = options.connect().await.map_err(|source| failed(&place, source))?;
        usable(&place, &mut session).await?;
        if !try_lock(&mut session, site).await.map_err(|source| failed(&place, source))? {
            let holder = holder(&mut session, site).await.map_err(|source| failed(&place, source))?;
            let _ = session.close().await;
            return Ok(ClaimOutcome::HeldBy(holder));
        }
        let (sender, lost) = watch::channel(None);
        let keeper = Keeper { options, site: site.clone(), who: who.to_owned() };
        let keeper = tokio::spawn(async move {
            let why = keeper.keep(session).await;
            sender.send_replace(Some(why));
        });
        Ok(ClaimOutcome::Claimed(Self { lost, keeper: keeper.abort_handle() }))
    }

    /// Waits until it is lost, and returns the reason.
    pub async fn lost(&self) -> String {
        let mut lost = self.lost.clone();
        let why = lost.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or_else(|| "the session that kept it has ended".to_owned())
    }
}

impl Drop for RunClaim {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

struct Keeper {
    options: PgConnectOptions,
    site: SiteId,
    who: String,
}

impl Keeper {
    /// Keeps the session, and locks again with a new one if it was lost; returns why that failed. While Postgres is
    /// away nobody else can lock or append.
    async fn keep(&self, mut session: PgConnection) -> String {
        loop {
            tokio::time::sleep(PING_INTERVAL).await;
            if timely(session.ping()).await.is_ok() {
                continue;
            }
            match self.reclaim().await {
                Ok(again) => session = again,
                Err(holder) => return holder,
            }
        }
    }

    async fn reclaim(&self) -> Result<PgConnection, String> {
        let mut since = None;
        loop {
            if let Ok(mut session) = timely(self.options.connect()).await
                && let Ok(ours) = try_lock(&mut session, &self.site).await
            {
                if ours {
                    tracing::info!(site = %self.site, "the claim to the runs was regained after the database was away");
                    return Ok(session);
                }
                let holder = holder(&mut session, &self.site).await.unwrap_or_default();
                let since = since.get_or_insert_with(tokio::time::Instant::now);
                if !holder.starts_with(&self.who) || since.elapsed() > RECLAIM_WITHIN {
                    return Err(holder);
                }
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

async fn try_lock(session: &mut PgConnection, site: &SiteId) -> Result<bool, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!("SELECT pg_try_advisory_lock({KEY})"));
    timely(sqlx::query_scalar(query).bind(site.as_str()).fetch_one(session)).await
}

/// Postgres shows a session's address to users of the same name, and to monitoring roles.
async fn holder(session: &mut PgConnection, site: &SiteId) -> Result<String, sqlx::Error> {
    let query = sqlx::AssertSqlSafe(format!(
        "SELECT concat_ws(' ', coalesce(nullif(a.application_name, ''), 'a process of ' || a.usename), 'at ' || host(a.client_addr),
             'since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'))
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
             AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
             AND ((l.classid::bigint << 32) | l.objid::bigint) = {KEY}"
    ));
    let holder: Option<String> = timely(sqlx::query_scalar(query).bind(site.as_str()).fetch_optional(session)).await?;
    Ok(holder.map_or_else(|| "a process that has just ended".to_owned(), |holder| printable(&holder, HOLDER_CHARS)))
}
