//! Connections and transactions, to whichever database.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::Result;

/// What the store's functions need.
#[derive(Debug)]
pub(crate) enum Connection {
    /// One that only reads.
    SqliteReader(PoolConnection<Sqlite>),
    /// The one that writes.
    SqliteWriter(sqlx::Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

/// The driver's own connection.
pub(crate) enum Raw<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection {
    pub(crate) fn raw(&mut self) -> Raw<'_> {
        match self {
            Self::SqliteReader(db) => Raw::Sqlite(db),
            Self::SqliteWriter(db) => Raw::Sqlite(db),
            Self::Postgres(db) => Raw::Postgres(db),
        }
    }
}

/// A transaction that may write, one at a time whatever the database. What was written is
/// forgotten unless [`Transaction::commit`] is called.
#[derive(Debug)]
pub(crate) struct Transaction(Option<Connection>);

/// Why a transaction always has its connection.
const HELD: &str = "only a commit takes the connection, and it takes the transaction too";

impl Transaction {
    /// A transaction that is begun, or is about to be, on this connection.
    pub(crate) fn new(db: Connection) -> Self {
        Self(Some(db))
    }

    /// Sends a statement without parameters to Postgres.
    pub(crate) async fn raw_sql(&mut self, sql: &'static str) -> Result<()> {
        if let Raw::Postgres(db) = self.raw() {
            sqlx::raw_sql(sql).execute(db).await?;
        }
        Ok(())
    }

    /// Makes what was written durable, and lets others see it.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.raw_sql("COMMIT").await?;
        match self.0.take() {
            Some(Connection::SqliteWriter(db)) => Ok(db.commit().await?),
            _ => Ok(()),
        }
    }
}

impl Deref for Transaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect(HELD)
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Connection {
        self.0.as_mut().expect(HELD)
    }
}

impl Drop for Transaction {
    /// A request may be cut at any `await`, that of `BEGIN` among them, and nobody knows then
    /// how far the transaction came. The connection is closed with it: in the pool it would
    /// hand an open transaction, and the writers' lock, to whoever comes next. SQLite's
    /// driver rolls back by itself.
    fn drop(&mut self) {
        if let Some(Connection::Postgres(db)) = &mut self.0 {
            db.close_on_drop();
        }
    }
}
