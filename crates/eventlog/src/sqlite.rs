//! The log in one SQLite file: WAL, synchronous FULL, one writing connection per process and a few that read.

mod list;
mod open;
mod read;
mod rebuild;
mod schema;
mod signs;
mod verify;
mod write;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

pub(crate) use self::write::SqliteWriter;

#[derive(Debug)]
pub(crate) struct SqliteLog {
    readers: SqlitePool,
    /// For one more reader, which may hold a snapshot for long.
    options: SqliteConnectOptions,
}

impl SqliteLog {
    pub(crate) async fn close(&self) {
        self.readers.close().await;
    }
}
