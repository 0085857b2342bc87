//! The document server's records, in SQLite.
//!
//! What a transaction has committed here survives a power cut (write-ahead log, `FULL`
//! synchronisation). Several processes may write: the server and an import beside it.

pub(crate) mod booking;
pub(crate) mod intent;
pub(crate) mod proof;
pub(crate) mod purge;
pub(crate) mod token;

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sqlx::migrate::MigrateError;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};

/// How many connections read at once.
const READERS: u32 = 4;
/// How long a writer waits for another process's transaction to end.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is tried again where SQLite does not wait by itself.
const BUSY_POLL: Duration = Duration::from_millis(20);
/// SQLite's primary result code for a database that another connection has locked.
const SQLITE_BUSY: u32 = 5;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../schemas/sqlite/server");

/// The records of one document server. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

/// The records could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's file cannot be made or opened.
    #[error("cannot open the server's database {path}: check that its folder exists and may be written")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// SQLite does not take the file for one of its own, or cannot write it.
    #[error("cannot use {path} as the server's database")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables cannot be brought to this version's form.
    #[error("cannot bring the server's database {path} up to date; it may be of a newer version of strongroom")]
    Migrate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<MigrateError>,
    },
    /// A statement failed; nothing of its transaction was stored.
    #[error("the server's database refused a statement")]
    Statement(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether another process is in the way. SQLite waits for it by itself, but not while the
    /// write-ahead log is begun, ended or recovered; and who is second to make the tables finds
    /// them there.
    fn is_busy(&self) -> bool {
        let error = match self {
            Self::Open { source, .. } | Self::Statement(source) => source,
            Self::Migrate { source, .. } => match &**source {
                MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
                _ => return false,
            },
            Self::File { .. } => return false,
        };
        error.as_database_error().is_some_and(|error| {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| code & 0xFF == SQLITE_BUSY) || error.message().ends_with("already exists")
        })
    }
}

/// What every part of the store gives.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// Opens the records, and makes or updates the tables.
    ///
    /// # Errors
    /// The file cannot be opened, is no database of ours, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self> {
        // Hashes of tokens and names of documents are nobody else's business.
        let mut file = std::fs::File::options();
        file.create(true).append(true).mode(0o600);
        file.open(path).map_err(|source| StoreError::File { path: path.to_owned(), source })?;

        let began = Instant::now();
        loop {
            match Self::try_open(path).await {
                Err(error) if error.is_busy() && began.elapsed() < BUSY_TIMEOUT => tokio::time::sleep(BUSY_POLL).await,
                opened => return opened,
            }
        }
    }

    async fn try_open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true);
        let open = |source| StoreError::Open { path: path.to_owned(), source };
        let writer = pool(1).connect_with(options.clone()).await.map_err(open)?;
        MIGRATIONS
            .run(&writer)
            .await
            .map_err(|source| StoreError::Migrate { path: path.to_owned(), source: Box::new(source) })?;
        let reading = options.pragma("query_only", "on");
        let readers = pool(READERS).connect_with(reading).await.map_err(open)?;
        Ok(Self { writer, readers })
    }

    /// Closes the connections, which also brings the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Begins a transaction that may write: the lock is taken at once, so that what it reads
    /// still holds when it writes.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// A connection that only reads.
    pub(crate) async fn reader(&self) -> Result<sqlx::pool::PoolConnection<Sqlite>> {
        Ok(self.readers.acquire().await?)
    }

    /// Whether the records can be read at all.
    pub(crate) async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&mut *self.reader().await?).await?;
        Ok(())
    }
}

/// A connection to a file does not die while it is idle, so it need not be tried before each
/// use.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
}

/// A time as it is stored: microseconds since the Unix epoch.
pub(crate) fn to_us(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time as it was stored.
pub(crate) fn from_us(us: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_microsecond(us).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A value that was stored as text and must be read back as what it was.
pub(crate) fn parsed<T>(text: &str) -> sqlx::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(error.into()))
}

/// A list as the one parameter that `json_each` takes apart again.
pub(crate) fn json_list<T: serde::Serialize>(items: &[T]) -> String {
    serde_json::to_string(items).expect("ids are plain text")
}

/// What a writing function of the store needs: a transaction's connection.
pub(crate) type Connection = SqliteConnection;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn several_processes_may_open_a_new_database_at_once() {
        for _ in 0..20 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("server.db");
            let opened = futures_util::future::join_all((0..4).map(|_| Store::open(&path))).await;
            for store in opened {
                store.unwrap().ping().await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn what_is_no_database_of_ours_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("server.db");
        std::fs::write(&path, "no database at all, but long enough to be looked at as one").unwrap();
        let error = Store::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("server.db as the server's database"), "{error}");
        let error = Store::open(&dir.path().join("nowhere/server.db")).await.unwrap_err().to_string();
        assert!(error.contains("check that its folder exists"), "{error}");
    }
}
