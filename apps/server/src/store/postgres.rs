//! The records in a Postgres database, in a schema of their own.
//!
//! As with SQLite, one transaction writes at a time, whichever process it is in: each begins
//! by taking an advisory lock, and what it reads from then on is what the one before it has
//! committed. So there is nothing to deadlock and nothing to try again; and the tally, which
//! every change of a state touches, would let no more than one through anyhow.

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
use super::{DatabaseLocation, Result, StoreError};

/// How many connections of a process read at once; one more writes, and one says that the
/// process is at work.
const READERS: u32 = 8;
/// How long a writer waits for the writers before it, in this process or another.
const WRITER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a reader waits for a connection, and an opening one for Postgres.
const READER_PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection that was good counts as good: no Postgres ends and starts again sooner.
const FRESH_FOR: Duration = Duration::from_millis(100);

/// Where the tables are.
const SCHEMA: &str = "strongroom_server";

/// What every connection asks of Postgres.
const SESSION: [(&str, &str); 13] = [
    ("search_path", SCHEMA),
    // Not that the tables are there already, at each start.
    ("client_min_messages", "warning"),
    // What was answered survives a power cut, whatever the database's own default.
    ("synchronous_commit", "on"),
    ("default_transaction_isolation", "read committed"),
    // Every statement here is meant to read by an index. A plan that does not know how many
    // rows are wanted, or was made before the table's first statistics, may sort it all.
    ("plan_cache_mode", "force_custom_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_sort", "off"),
    ("lock_timeout", "30s"),
    // A process that hangs within its transaction keeps nobody from writing for longer.
    ("idle_in_transaction_session_timeout", "60s"),
    // A host that vanishes without a word is noticed within half a minute, and what it had
    // locked is free again.
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
];

/// The advisory lock of whoever makes the schema.
const SCHEMA_LOCK: &str = "BEGIN; SELECT pg_advisory_xact_lock(8391736022541); \
                           CREATE SCHEMA IF NOT EXISTS strongroom_server; COMMIT";
/// A transaction of the one who writes. The lock's number is any that nobody else has.
const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(8391736022542)";

/// A Postgres error's code: a password that is wrong, a user that may not log in.
const LOGIN_CODES: [&str; 2] = ["28P01", "28000"];
const NO_DATABASE_CODE: &str = "3D000";

const MIGRATIONS: [(&str, &str); 3] = [
    ("bookings", include_str!("../../../../schemas/postgres/server/0001_bookings.sql")),
    ("stamps", include_str!("../../../../schemas/postgres/server/0002_stamps.sql")),
    ("proposals", include_str!("../../../../schemas/postgres/server/0003_proposals.sql")),
];

/// An open Postgres database.
#[derive(Debug, Clone)]
pub(crate) struct PostgresStore {
    writer: PgPool,
    readers: PgPool,
    address: Arc<Address>,
}

/// Which database it is, and as whom.
pub(crate) struct Address {
    options: PgConnectOptions,
    place: DatabaseLocation,
}

impl PostgresStore {
    /// Connects, and makes or updates the tables.
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

    /// Begins a transaction, and waits for its turn to write.
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
            Some(socket) => DatabaseLocation::new(format_args!("{database} at {}", socket.display())),
            None => DatabaseLocation::new(format_args!("{database} at {}:{}", options.get_host(), options.get_port())),
        };
        // Anybody between us and the database could otherwise ask for the password, and get it.
        let options = if needs_verified_tls(url.reveal()) { options.ssl_mode(PgSslMode::VerifyFull) } else { options };
        let options = options.application_name("strongroom-server").options(SESSION);
        // A statement's parameters are nobody else's business; what fails is told by whoever asked.
        let options = options.disable_statement_logging();
        Ok(Self { options, place })
    }

    /// A connection of one's own.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        let connected = tokio::time::timeout(READER_PATIENCE, PgConnection::connect_with(&self.options)).await;
        connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(|source| self.failed(source))
    }

    /// Makes or updates the tables. Whoever comes second at the same moment waits, and finds
    /// them made.
    async fn migrate(&self) -> Result<()> {
        let mut db = self.connect().await?;
        self.check(&mut db).await?;
        let made: bool =
            sqlx::query_scalar("SELECT to_regnamespace('strongroom_server') IS NOT NULL").fetch_one(&mut db).await?;
        if !made {
            let made = sqlx::raw_sql(SCHEMA_LOCK).execute(&mut db).await;
            made.map_err(|source| self.unusable(Unusable::NoSchema, Some(source)))?;
        }
        // Not undone where it fails: the lock of the migrations ends with the connection.
        let migrated = migrator(&MIGRATIONS).run_direct(None, &mut db, false).await;
        drop(db.close().await);
        migrated.map_err(|source| self.not_migrated(source))
    }

    /// Refuses a database that cannot hold every name, or a way to it that cannot be used.
    async fn check(&self, db: &mut PgConnection) -> Result<()> {
        let asked = sqlx::query_as("SELECT current_setting('server_encoding'), current_setting('search_path')");
        let (encoding, path): (String, String) = asked.fetch_one(db).await.map_err(|source| self.failed(source))?;
        if encoding != "UTF8" {
            return Err(self.unusable(Unusable::Encoding(encoding), None));
        }
        // Asked for as the connection began. What drops that may hand out its connections to Postgres anew for each
        // transaction: locks and prepared statements go astray.
        if path != SCHEMA {
            return Err(self.unusable(Unusable::Pooler, None));
        }
        Ok(())
    }

    fn not_migrated(&self, source: MigrateError) -> StoreError {
        StoreError::Migrate { place: self.place.clone(), source: Box::new(source) }
    }

    /// What a person is told who cannot connect.
    fn failed(&self, source: sqlx::Error) -> StoreError {
        let code = source.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        let why = match code.as_deref() {
            _ if is_pooler(&source) => Unusable::Pooler,
            Some(code) if LOGIN_CODES.contains(&code) => Unusable::Login,
            Some(NO_DATABASE_CODE) => Unusable::NoDatabase,
            None if is_away(&source) => Unusable::Unreachable,
            _ => Unusable::Refused,
        };
        // What a pooler says is nothing that a person could act on.
        let source = (why != Unusable::Pooler).then_some(source);
        self.unusable(why, source)
    }

    fn unusable(&self, why: Unusable, source: Option<sqlx::Error>) -> StoreError {
        StoreError::Postgres { place: self.place.clone(), user: self.options.get_username().to_owned(), why, source }
    }
}

/// Whether it is what PgBouncer says of settings that it does not know, or what a pool by transaction makes of
/// prepared statements.
fn is_pooler(error: &sqlx::Error) -> bool {
    let Some(said) = error.as_database_error() else { return false };
    matches!(said.code().as_deref(), Some("26000" | "42P05"))
        || said.message().contains("unsupported startup parameter")
}

/// What it connects with holds the password.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A connection that was used a moment ago is not tried before it is used again: that would
/// be a round trip for each statement. One that has been idle may have died with Postgres.
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
