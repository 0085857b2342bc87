//! Opening: nothing that is not ours is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use strongroom_model::SiteId;
use strongroom_model::text::printable;
use strongroom_service::private::close_to_others;
use strongroom_service::{kill_point, private_files, private_folders};

use super::schema::{self, Found, NEWEST};
use super::{SqliteLog, SqliteWriter};
use crate::error::OpenError;

/// Concurrent reads; each has its thread.
const READERS: u32 = 4;
/// How long a writer waits for another process: a transaction takes milliseconds, a rebuild of a large projection
/// seconds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
/// Prepared statements of a connection: a multi-row insert has one for each number of rows.
const STATEMENTS: usize = 256;
/// Tries to switch a new file to WAL, at which SQLite does not wait for a lock.
const MAX_WAL_TRIES: u32 = 250;
const WAL_PAUSE: Duration = Duration::from_millis(20);

const SQLITE_BUSY: i64 = 5;
const SQLITE_READONLY: i64 = 8;
const SQLITE_CANTOPEN: i64 = 14;
const SQLITE_NOTADB: i64 = 26;

/// The primary result code (<https://sqlite.org/rescode.html>).
pub(super) fn result_code(error: &sqlx::Error) -> Option<i64> {
    let sqlx::Error::Database(error) = error else { return None };
    error.code()?.parse::<i64>().ok().map(|extended| extended & 0xff)
}

impl SqliteLog {
    pub(crate) async fn open(path: &Path, site: &SiteId) -> Result<(Self, SqliteWriter), OpenError> {
        let file = File::named(path)?;
        file.make_folder()?;
        file.make();
        let options = file.options().create_if_missing(true).synchronous(SqliteSynchronous::Full);
        let mut connection = options.connect().await.map_err(|error| file.error(error))?;
        let found = schema::identify(&mut connection).await.map_err(|error| file.error(error))?;
        if found != Found::Empty {
            file.check(found, site)?;
        }
        set_up(&mut connection, site).await.map_err(|error| file.error(error))?;
        // Another process may have set it up meanwhile.
        let found = schema::identify(&mut connection).await.map_err(|error| file.error(error))?;
        file.check(found, site)?;
        let log = Self::readers(file.options().read_only(true));
        Ok((log, SqliteWriter::new(options, connection)))
    }

    pub(crate) async fn open_read_only(path: &Path, site: &SiteId) -> Result<Self, OpenError> {
        let file = File::named(path)?;
        if !file.path.exists() {
            return Err(OpenError::Missing(file.path));
        }
        let options = file.options().read_only(true);
        let (options, found) = match inspect(&options).await {
            Ok(found) => (options, found),
            // A reader without write access cannot create the shared files beside the log. They are missing, so nobody
            // has the log open, and the file may be read as it is.
            Err(error) if cannot_share(&error) && file.has_company() => {
                return Err(OpenError::NeedsRecovery(file.path));
            }
            Err(error) if cannot_share(&error) && !file.path.is_dir() => {
                let options = options.immutable(true);
                let found = inspect(&options).await.map_err(|error| file.error(error))?;
                (options, found)
            }
            Err(error) => return Err(file.error(error)),
        };
        if let Found::Log { schema, .. } = found
            && schema < NEWEST
        {
            return Err(OpenError::OlderSchema { path: file.path, found: schema, known: NEWEST });
        }
        file.check(found, site)?;
        Ok(Self::readers(options))
    }

    fn readers(options: SqliteConnectOptions) -> Self {
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A ping costs as much as a read, and no wire can break.
            .test_before_acquire(false)
            .max_lifetime(None)
            .connect_lazy_with(options.clone());
        Self { readers, options }
    }
}

async fn inspect(options: &SqliteConnectOptions) -> Result<Found, sqlx::Error> {
    let mut connection = options.connect().await?;
    let found = schema::identify(&mut connection).await?;
    connection.close().await?;
    Ok(found)
}

fn cannot_share(error: &sqlx::Error) -> bool {
    matches!(result_code(error), Some(SQLITE_CANTOPEN | SQLITE_READONLY))
}

/// If we stop before the migration is committed, an empty database stays, which the next opening sets up; after it, a
/// complete log without events.
async fn set_up(connection: &mut SqliteConnection, site: &SiteId) -> Result<(), sqlx::Error> {
    kill_point!("eventlog.before-wal");
    turn_to_wal(connection).await?;
    kill_point!("eventlog.before-migrate");
    schema::migrate(connection, site.as_str()).await
}

async fn turn_to_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    for _ in 0..MAX_WAL_TRIES {
        match sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *connection).await {
            Err(error) if result_code(&error) == Some(SQLITE_BUSY) => tokio::time::sleep(WAL_PAUSE).await,
            other => return other.map(drop),
        }
    }
    sqlx::query("PRAGMA journal_mode = WAL").execute(connection).await.map(drop)
}

struct File {
    path: PathBuf,
}

impl File {
    /// Absolute: SQLite takes a relative path that begins with `file:` for a URI.
    fn named(path: &Path) -> Result<Self, OpenError> {
        let absolute = std::path::absolute(path)
            .map_err(|source| OpenError::Storage { path: path.to_owned(), source: sqlx::Error::Io(source).into() })?;
        Ok(Self { path: absolute })
    }

    fn make_folder(&self) -> Result<(), OpenError> {
        let folder = self.path.parent().unwrap_or(&self.path);
        let made = private_folders().create(folder);
        made.map_err(|source| OpenError::Folder { path: folder.to_owned(), source })
    }

    /// Creates the empty file for its owner alone; SQLite gives the files beside it the same permissions. World access
    /// from an older version is removed, group access stays.
    fn make(&self) {
        match private_files().write(true).create_new(true).open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                for path in ["", "-wal", "-shm"].map(|suffix| self.beside(suffix)) {
                    // Fails on another user's file, which is theirs to decide.
                    let _ = close_to_others(&path);
                }
            }
            // Opening it reports the error.
            _ => {}
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        PathBuf::from(name)
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS)
            // A foreign log must not run functions of its own.
            .pragma("trusted_schema", "OFF")
            // 64 MiB: a reader's long snapshot must not leave its WAL for ever.
            .pragma("journal_size_limit", "67108864")
            // Each statement would be formatted for a log that nobody reads.
            .disable_statement_logging()
    }

    /// Whether a writer has, or left, its files beside the log.
    fn has_company(&self) -> bool {
        ["-wal", "-shm"].iter().any(|suffix| self.beside(suffix).exists())
    }

    fn check(&self, found: Found, site: &SiteId) -> Result<(), OpenError> {
        let path = self.path.clone();
        match found {
            Found::Empty => Err(OpenError::NotALog { path, why: "it is empty" }),
            Found::Foreign => Err(OpenError::NotALog { path, why: "it is another program's database" }),
            Found::Log { schema, .. } if schema > NEWEST => {
                Err(OpenError::NewerSchema { path, found: schema, known: NEWEST })
            }
            Found::Log { site: Some(found), .. } if found == site.as_str() => Ok(()),
            Found::Log { site: Some(found), .. } => {
                Err(OpenError::OtherSite { path, found: printable(&found, 80), expected: site.clone() })
            }
            Found::Log { site: None, .. } => Err(OpenError::NotALog { path, why: "its head is missing" }),
        }
    }

    fn error(&self, error: sqlx::Error) -> OpenError {
        let path = self.path.clone();
        if path.is_dir() {
            return OpenError::NotALog { path, why: "it is a folder" };
        }
        match result_code(&error) {
            Some(SQLITE_NOTADB) => OpenError::NotALog { path, why: "it is not an SQLite database" },
            _ => OpenError::Storage { path, source: error.into() },
        }
    }
}
