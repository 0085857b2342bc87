//! Connections and transactions, to whichever database.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::Result;

/// What the store's functions need.
#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
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
            Self::Sqlite(db) => Raw::Sqlite(db),
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

    /// Sends a statement without parameters.
    pub(crate) async fn raw_sql(&mut self, sql: &'static str) -> Result<()> {
        match self.raw() {
            Raw::Postgres(db) => sqlx::raw_sql(sql).execute(db).await.map(|_| ())?,
            Raw::Sqlite(db) => sqlx::raw_sql(sql).execute(db).await.map(|_| ())?,
        }
        Ok(())
    }

    /// Makes what was written durable, and lets others see it.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.raw_sql("COMMIT").await?;
        // Only now is it known that nothing is open on it: it goes back to the pool.
        drop(self.0.take());
        Ok(())
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
    /// A request may be cut at any `await`, that of `BEGIN` among them, and any statement may
    /// fail, `COMMIT` among them; nobody knows then how far the transaction came, and a
    /// database that ended it by itself (SQLite does where its disk is full) and its driver may
    /// differ about it. So there is one rule for both databases: what did not commit is closed.
    /// In the pool it would hand an open transaction, the writers' lock or a driver's wrong
    /// count to whoever comes next.
    fn drop(&mut self) {
        match &mut self.0 {
            Some(Connection::Postgres(db)) => db.close_on_drop(),
            Some(Connection::Sqlite(db)) => db.close_on_drop(),
            None => {}
        }
    }
}
