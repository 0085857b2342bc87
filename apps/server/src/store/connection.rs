//! Connections and transactions for either database.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};

use super::Result;

#[derive(Debug)]
pub(crate) enum Connection {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
}

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

/// A transaction that may write, one at a time in either database. Without [`Transaction::commit`] it is undone.
#[derive(Debug)]
pub(crate) struct Transaction(Option<Connection>);

const HELD: &str = "only a commit takes the connection, and it takes the transaction too";

impl Transaction {
    /// For a connection on which `BEGIN` is sent or about to be.
    pub(crate) fn new(db: Connection) -> Self {
        Self(Some(db))
    }

    pub(crate) async fn raw_sql(&mut self, sql: &'static str) -> Result<()> {
        match self.raw() {
            Raw::Postgres(db) => sqlx::raw_sql(sql).execute(db).await.map(|_| ())?,
            Raw::Sqlite(db) => sqlx::raw_sql(sql).execute(db).await.map(|_| ())?,
        }
        Ok(())
    }

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
    /// A request may be cancelled at any `await`, including `BEGIN`'s, and any statement may fail, including
    /// `COMMIT`. Then nobody knows how far the transaction got, and a database that ended it by itself (SQLite with a
    /// full disk) and its driver may disagree. So what did not commit is closed: in the pool it would give an open
    /// transaction, the write lock or a driver's wrong count to the next user.
    fn drop(&mut self) {
        match &mut self.0 {
            Some(Connection::Postgres(db)) => db.close_on_drop(),
            Some(Connection::Sqlite(db)) => db.close_on_drop(),
            None => {}
        }
    }
}
