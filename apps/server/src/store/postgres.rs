//! The records in a Postgres database, in a schema of their own.
//!
//! As with SQLite, one transaction writes at a time, across all processes: each begins by taking an advisory lock,
//! and then reads what the one before has committed. So nothing deadlocks or needs a retry. The tally, which every
//! change of a state touches, would serialise the writers anyhow.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection as _};
use strongroom_service::config::{ServiceUrl, needs_verified_tls};

use super::connection::{Connection, Transaction};
use super::error::{Unusable, is_away};
use super::migrations::migrator;
use super::{Result, StoreError};

/// For reading; one more connection writes, and one marks the session as live.
const READERS: u32 = 8;
/// How long a writer waits for earlier writers of any process.
const WRITER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a reader waits for a connection, and an opening one for Postgres.
const READER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection that worked is trusted: Postgres does not restart faster.
const FRESH_FOR: Duration = Duration::from_millis(100);

const SCHEMA: &str = "strongroom_server";

/// Settings of every connection.
const SESSION: [(&str, &str); 13] = [
    ("search_path", SCHEMA),
    // Silences a notice at each start that the tables exist.
    ("client_min_messages", "warning"),
    // What was answered survives a power cut, whatever the database's default.
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    // Every statement is meant to use an index. A plan made before the table's first statistics, or without the
    // number of requested rows, may sort everything.
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_sort", "off"),
    ("lock_timeout", "30s"),
    // A process that hangs in its transaction blocks writers no longer than this.
    ("idle_in_transaction_session_timeout", "60s"),
    // A host that vanishes silently is noticed within half a minute, and its locks are free again.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// Creates the schema, one process at a time. The lock's number is any that nobody else has.
const SCHEMA_LOCK: &str = "BEGIN; SELECT pg_advisory_xact_lock(8391736022541); \
                           CREATE SCHEMA IF NOT EXISTS strongroom_server; COMMIT";
/// Waits for the write lock. Its number is any that nobody else has.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(8391736022542)";

/// A wrong password, and a user that may not log in.
const LOGIN_CODES: [&str; 2] = ["28P01", "28000"];
const NO_DATABASE_CODE: &str = "3D000";

const MIGRATIONS: [(&str, &str); 4] = [
    ("bookings", include_str!("../../../../schemas/postgres/server/0001_bookings.sql")),
    ("stamps", include_str!("../../../../schemas/postgres/server/0002_stamps.sql")),
    ("proposals", include_str!("../../../../schemas/postgres/server/0003_proposals.sql")),
    ("custody", include_str!("../../../../schemas/postgres/server/0004_custody.sql")),
];

#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    writer: PgPool,
    readers: PgPool,
    address: Arc<Address>,
}

/// Database and user.
pub(crate) struct Address {
    options: PgConnectOptions,
    /// Without any password.
    place: String,
}

impl PostgresStore {
    pub(crate) async fn open(url: &ServiceUrl) -> Result<Self> {
        let address = Address::new(url)?;
        address.migrate().await?;
        let failed = |source| address.failed(source);
        let writer = pool(1, WRITER_PATIENCE).connect_with(address.options.clone()).await.map_err(failed)?;
        let reading = address.options.clone().options([("default_transaction_read_only", "on")]);
        let readers = pool(READERS, READER_PATIENCE).connect_with(reading).await.map_err(failed)?;
        Ok(Self { writer, readers, address: Arc::new(address) })
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Waits until no other transaction writes.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        // Before `BEGIN` is sent: see `Transaction`'s end.
        let mut transaction = Transaction::new(Connection::Postgres(self.writer.acquire().await?));
        transaction.raw_sql(BEGIN).await?;
        Ok(transaction)
    }

    pub(crate) async fn reader(&self) -> Result<Connection> {
        Ok(Connection::Postgres(self.readers.acquire().await?))
    }

    pub(crate) fn address(&self) -> &Arc<Address> {
        &self.address
    }
}

impl Address {
    fn new(url: &ServiceUrl) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.reveal().as_str()).map_err(StoreError::Url)?;
        let database = options.get_database().unwrap_or(options.get_username()).to_owned();
        let place = match options.get_socket() {
            Some(socket) => format!("{database} at {}", socket.display()),
            None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
        };
        // Otherwise anybody in between could ask for the password, and get it.
        let options = if needs_verified_tls(url.reveal()) { options.ssl_mode(PgSslMode::VerifyFull) } else { options };
        let options = options.application_name("strongroom-server").options(SESSION);
        // Parameters are private; the caller reports what fails.
        let options = options.disable_statement_logging();
        Ok(Self { options, place })
    }

    /// A connection outside the pools.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        let connected = tokio::time::timeout(READER_PATIENCE, PgConnection::connect_with(&self.options)).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|source| self.failed(source))
    }

    /// A second process at the same moment waits, and finds the tables made.
    async fn migrate(&self) -> Result<()> {
        let mut db = self.connect().await?;
        self.check(&mut db).await?;
        let made: bool =
            sqlx::query_scalar("SELECT to_regnamespace('strongroom_server') IS NOT NULL").fetch_one(&mut db).await?;
        if !made {
            let made = sqlx::raw_sql(SCHEMA_LOCK).execute(&mut db).await;
            made.map_err(|source| self.unusable(Unusable::NoSchema, Some(source)))?;
        }
        // Not undone after an error: the migrations' lock ends with the connection.
        let migrated = migrator(&MIGRATIONS).run_direct(None, &mut db, false).await;
        drop(db.close().await);
        migrated.map_err(|source| self.not_migrated(source))
    }

    /// Refuses a database that cannot hold every name, or an unusable connection to it.
    async fn check(&self, db: &mut PgConnection) -> Result<()> {
        let query = sqlx::query_as("SELECT current_setting('server_encoding'), current_setting('search_path')");
        let (encoding, path): (String, String) = query.fetch_one(db).await.map_err(|source| self.failed(source))?;
        if encoding != "UTF8" {
            return Err(self.unusable(Unusable::Encoding(encoding), None));
        }
        // Set as the connection began. A pooler that drops it may give each transaction another connection: locks and
        // prepared statements get lost.
        if path != SCHEMA {
            return Err(self.unusable(Unusable::Pooler, None));
        }
        Ok(())
    }

    fn not_migrated(&self, source: MigrateError) -> StoreError {
        StoreError::Migrate { place: self.place.clone(), source: Box::new(source) }
    }

    fn failed(&self, source: sqlx::Error) -> StoreError {
        let code = source.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        let why = match code.as_deref() {
            _ if is_pooler(&source) => Unusable::Pooler,
            Some(code) if LOGIN_CODES.contains(&code) => Unusable::Login,
            Some(NO_DATABASE_CODE) => Unusable::NoDatabase,
            None if is_away(&source) => Unusable::Unreachable,
            _ => Unusable::Refused,
        };
        // A pooler's message would not help a person.
        let source = (why != Unusable::Pooler).then_some(source);
        self.unusable(why, source)
    }

    fn unusable(&self, why: Unusable, source: Option<sqlx::Error>) -> StoreError {
        StoreError::Postgres { place: self.place.clone(), user: self.options.get_username().to_owned(), why, source }
    }
}

/// PgBouncer's answer to unknown settings, or a transaction pool's to prepared statements.
fn is_pooler(error: &sqlx::Error) -> bool {
    let Some(said) = error.as_database_error() else { return false };
    matches!(said.code().as_deref(), Some("26000" | "42P05"))
        || said.message().contains("unsupported startup parameter")
}

/// The options hold the password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A connection that was used a moment ago is not tested, which would be a round trip for each statement. An idle one
/// may have died with Postgres.
fn pool(connections: u32, patience: Duration) -> PgPoolOptions {
    let options = PgPoolOptions::new().max_connections(connections).acquire_timeout(patience);
    options.test_before_acquire(false).before_acquire(|db, meta| {
        Box::pin(async move {
            if meta.idle_for >= FRESH_FOR {
                db.ping().await?;
            }
            Ok(true)
        })
    })
}
