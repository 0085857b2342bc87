//! A log's database, and its connections' settings.

use std::future::Future;
use std::io;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use strongroom_service::config::is_local;

use crate::error::OpenError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for an answer: a connection that was cut does not report it.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// Prepared statements of a connection: more than this crate has.
const STATEMENTS: usize = 64;

pub(super) const SEARCH_PATH: &str = "strongroom";

/// Joins must stay by index, whatever the planner believes of growing tables. A client that vanished is detected
/// within half a minute, which frees its locks.
const SESSION: [(&str, &str); 8] = [
    ("search_path", SEARCH_PATH),
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
    must_verify: bool,
}

impl Place {
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        // The URL may hold a password, and the parser's error a part of the URL.
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OpenError::Url);
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Url)?;
        // Otherwise anybody in between could ask for the password and get it.
        let is_local = options.get_socket().is_some() || is_local(options.get_host());
        let must_verify = !is_local && !says_how_to_encrypt(url);
        let options = if must_verify { options.ssl_mode(PgSslMode::VerifyFull) } else { options };
        let name = options.get_application_name().unwrap_or("strongroom").to_owned();
        let options = options
            .application_name(&name)
            .options(SESSION)
            .statement_cache_capacity(STATEMENTS)
            // Each statement would be formatted for a log that nobody reads.
            .disable_statement_logging();
        Ok(Self { options, must_verify })
    }

    /// Whether the server must prove its identity by TLS: it is on another host, and the URL does not say otherwise.
    pub(super) const fn must_verify(&self) -> bool {
        self.must_verify
    }

    pub(super) const fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// Name and host, without secrets.
    pub(super) fn name(&self) -> String {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        format!("{database} at {}:{}", self.options.get_host(), self.options.get_port())
    }

    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        match tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect()).await {
            Ok(connected) => connected,
            Err(_) => Err(late("no connection within 10 s")),
        }
    }
}

fn says_how_to_encrypt(url: &str) -> bool {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    query.split(['&', '#']).any(|part| part.starts_with("sslmode=") || part.starts_with("ssl-mode="))
}

/// Fails on a timeout; the connection is unusable then.
pub(super) async fn timely<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(late("no answer within 60 s")),
    }
}

fn late(what: &str) -> sqlx::Error {
    sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> PgSslMode {
        Place::parse(url).unwrap().options.get_ssl_mode()
    }

    #[test]
    fn a_server_on_another_host_must_prove_who_it_is_unless_the_url_says_otherwise() {
        for elsewhere in ["db.example.com", "10.0.0.7", "localhost.example.com", "[2001:db8::1]"] {
            let url = format!("postgres://me:secret@{elsewhere}/log");
            assert!(matches!(mode(&url), PgSslMode::VerifyFull), "{url}");
            assert!(matches!(mode(&format!("{url}?sslmode=require")), PgSslMode::Require), "{url}");
            assert!(matches!(mode(&format!("{url}?options=-cjit%3Doff&sslmode=disable")), PgSslMode::Disable), "{url}");
        }
        for local in ["localhost", "127.0.0.1", "127.0.1.1", "[::1]"] {
            assert!(!Place::parse(&format!("postgres://me@{local}/log")).unwrap().must_verify(), "{local}");
        }
        for socket in ["postgres:///log?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/log"] {
            assert!(!Place::parse(socket).unwrap().must_verify(), "{socket}");
        }
        let named = "postgres://localhost/log?host=db.example.com";
        assert!(matches!(mode(named), PgSslMode::VerifyFull), "the host is the one that is connected to");
    }
}
