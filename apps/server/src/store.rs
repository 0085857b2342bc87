//! The document server's records, in SQLite or in Postgres.
//!
//! A committed transaction survives a power cut. One transaction writes at a time, across all processes, so that what
//! it reads still holds when it writes. The rest of this crate need not know the database.
//!
//! In reading order: [`Database`]; `sqlite` and `postgres`, which open it; `connection` and `query`, through which
//! everything else uses either; then the records, by noun.

pub(crate) mod booking;
pub(crate) mod checkpoint;
mod columns;
mod connection;
mod database;
mod document_root;
mod error;
pub(crate) mod intent;
mod migrations;
mod outside_text;
mod postgres;
mod presence;
pub(crate) mod proof;
pub(crate) mod purge;
mod query;
pub(crate) mod restoration;
mod sqlite;
pub(crate) mod token;

use jiff::Timestamp;

pub(crate) use self::connection::{Connection, Transaction};
pub use self::database::Database;
pub(crate) use self::error::Result;
pub use self::error::{StoreError, Unusable};
pub(crate) use self::outside_text::OutsideText;
use self::postgres::PostgresStore;
pub(crate) use self::presence::{DeadSessions, Presence};
pub(crate) use self::query::{Sql, query};
use self::sqlite::SqliteStore;

/// The records of one document server. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Store(Backend);

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Store {
    /// Opens the records, and makes or updates the tables. Several processes may do so at once.
    pub async fn open(database: impl Into<Database>) -> Result<Self> {
        Ok(Self(match database.into() {
            Database::Sqlite(path) => Backend::Sqlite(SqliteStore::open(&path).await?),
            Database::Postgres(url) => Backend::Postgres(PostgresStore::open(&url).await?),
        }))
    }

    /// Closes the connections, once running statements have ended.
    pub async fn close(&self) {
        match &self.0 {
            Backend::Sqlite(store) => store.close().await,
            Backend::Postgres(store) => store.close().await,
        }
    }

    /// Begins a transaction that may write, once no other does.
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        match &self.0 {
            Backend::Sqlite(store) => store.begin().await,
            Backend::Postgres(store) => store.begin().await,
        }
    }

    pub(crate) async fn reader(&self) -> Result<Connection> {
        match &self.0 {
            Backend::Sqlite(store) => store.reader().await,
            Backend::Postgres(store) => store.reader().await,
        }
    }

    pub(crate) async fn try_write(&self) -> Result<()> {
        let mut db = self.begin().await?;
        query("UPDATE document_root SET id = id").execute(&mut db).await?;
        db.commit().await?;
        match &self.0 {
            Backend::Sqlite(store) => store.try_room().await,
            // Postgres reports a full disk itself, and nobody else can look.
            Backend::Postgres(_) => Ok(()),
        }
    }
}

/// Microseconds since the Unix epoch.
pub(crate) fn to_us(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(crate) fn from_us(us: i64) -> sqlx::Result<Timestamp> {
    Timestamp::from_microsecond(us).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Parses a value that was stored as text.
pub(crate) fn parsed<T>(text: &str) -> sqlx::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text.parse().map_err(|error: T::Err| sqlx::Error::Decode(error.into()))
}

/// Ids as one list parameter.
pub(crate) fn list<T: ToString>(items: &[T]) -> Vec<String> {
    items.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests;
