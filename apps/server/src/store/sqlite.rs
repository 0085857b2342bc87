//! The records in an SQLite file.
//!
//! A committed transaction survives a power cut (write-ahead log, `FULL` synchronisation). Several processes may
//! write, such as a server and an import.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use strongroom_service::blocking;
use strongroom_service::private::{private_files, without_links};

use super::connection::{Connection, Transaction};
use super::migrations::migrator;
use super::{Result, StoreError};

const READERS: u32 = 4;
/// How long a writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Retry interval where SQLite does not wait by itself.
const BUSY_POLL: Duration = Duration::from_millis(20);

/// As many processes as start at once on one site, and some more.
const MAX_MIGRATION_TRIES: u32 = 20;

/// Room needed beside the file: more than a request's changes to the write-ahead log, which SQLite overwrites as long
/// as it can before it needs a new block.
const ROOM_BYTES: usize = 256 << 10;

const MIGRATIONS: [(&str, &str); 5] = [
    ("bookings", include_str!("../../../../schemas/sqlite/server/0001_bookings.sql")),
    ("document root", include_str!("../../../../schemas/sqlite/server/0002_document_root.sql")),
    ("stamps", include_str!("../../../../schemas/sqlite/server/0003_stamps.sql")),
    ("proposals", include_str!("../../../../schemas/sqlite/server/0004_proposals.sql")),
    ("custody", include_str!("../../../../schemas/sqlite/server/0005_custody.sql")),
];

#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteStore {
    pub(crate) async fn open(path: &Path) -> Result<Self> {
        // Hashes of tokens and names of documents are private.
        let file = private_files().create(true).append(true).open(path);
        file.map_err(|source| StoreError::File { path: path.to_owned(), source })?;

        let began = Instant::now();
        let mut migrations = 0;
        loop {
            let opened = Self::try_open(path).await;
            // SQLite has no lock around all migrations: another process may have run one in between.
            migrations += u32::from(matches!(opened, Err(StoreError::Migrate { .. })));
            match opened {
                Err(error) if error.is_busy() && began.elapsed() < BUSY_TIMEOUT => {}
                Err(StoreError::Migrate { .. }) if migrations < MAX_MIGRATION_TRIES => {}
                opened => return opened,
            }
            tokio::time::sleep(BUSY_POLL).await;
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
        migrator(&MIGRATIONS)
            .run(&writer)
            .await
            .map_err(|source| StoreError::Migrate { place: path.display().to_string(), source: Box::new(source) })?;
        let reading = options.pragma("query_only", "on");
        let readers = pool(READERS).connect_with(reading).await.map_err(open)?;
        Ok(Self { path: path.to_owned(), writer, readers })
    }

    /// Also writes the write-ahead log back into the file.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Takes the lock at once, so that what the transaction reads still holds when it writes.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        // Before `BEGIN` is sent: see `Transaction`'s end.
        let mut transaction = Transaction::new(Connection::Sqlite(self.writer.acquire().await?));
        transaction.raw_sql("BEGIN IMMEDIATE").await?;
        Ok(transaction)
    }

    pub(crate) async fn reader(&self) -> Result<Connection> {
        Ok(Connection::Sqlite(self.readers.acquire().await?))
    }

    /// Whether the disk has room. A successful transaction does not show it: it may fit into blocks that the
    /// write-ahead log has already.
    pub(crate) async fn try_room(&self) -> Result<()> {
        let mut path = self.path.clone().into_os_string();
        path.push("-room");
        let path = PathBuf::from(path);
        blocking(move || take_room(&path).map_err(|source| StoreError::Room { path, source })).await
    }
}

/// Writes a file of that size, syncs and removes it. Two processes may share the file: an open one stays whole when
/// its name is removed. If we stop here, the next call overwrites the rest.
fn take_room(path: &Path) -> io::Result<()> {
    let mut file = without_links(&mut private_files()).create(true).write(true).truncate(true).open(path)?;
    let written = file.write_all(&vec![0; ROOM_BYTES]).and_then(|()| file.sync_all());
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => written.and(Err(error)),
        _ => written,
    }
}

/// A connection to a file does not die while idle, so it need not be tested before each use.
fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new().max_connections(connections).test_before_acquire(false)
}
