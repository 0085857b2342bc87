//! Where a log's database is, and what every connection to it is set to.

use std::future::Future;
use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::error::OpenError;

/// How long one try to connect may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take. A wire that was cut does not say so.
const ANSWER: Duration = Duration::from_secs(60);
/// How many prepared statements a connection keeps: more than this crate has.
const STATEMENTS: usize = 64;

/// For every session. The joins are by index, and must stay so whatever the planner
/// believes of tables that grow while it plans. A client that is gone without a word is
/// found out within half a minute, and its locks with it.
const SESSION: [(&str, &str); 8] = [
    ("search_path", "strongroom"),
    ("jit", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("idle_in_transaction_session_timeout", "30s"),
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

#[derive(Debug, Clone)]
pub(super) struct Place {
    options: PgConnectOptions,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        // The URL may hold a password, and the parser's error a part of the URL.
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OpenError::Url);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
        let name = options.get_application_name().unwrap_or("strongroom").to_owned();
        let options = options
            .application_name(&name)
            .options(SESSION)
            .statement_cache_capacity(STATEMENTS)
            // Each statement would be formatted for a log that nobody reads.
            .disable_statement_logging();
        Ok(Self { options })
    }

    pub(super) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// The database's name and where it is, without any secret.
    pub(super) fn name(&self) -> String {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        format!("{database} at {}:{}", self.options.get_host(), self.options.get_port())
    }

    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        match tokio::time::timeout(CONNECT, self.options.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(late("no connection within 10 s")),
        }
    }
}

/// An answer, or an error where none comes in time. The connection is of no use then.
pub(super) async fn timely<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(ANSWER, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(late("no answer within 60 s")),
    }
}

fn late(what: &str) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, what))
}
