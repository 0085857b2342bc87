//! The log in one SQLite file: WAL, synchronous FULL, one writing connection for each
//! process and a few that read.

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

/// The reading side.
#[derive(Debug)]
pub(crate) struct SqliteLog {
    readers: SqlitePool,
    /// How to open one more reader, for what holds a snapshot for long.
    options: SqliteConnectOptions,
}

impl SqliteLog {
    pub(crate) async fn close(&self) {
        self.readers.close().await;
    }
}
