//! The suite's logs in SQLite files.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use strongroom_eventlog::EventLog;

use crate::backend::{Backend, site};

pub(crate) struct Sqlite {
    folder: tempfile::TempDir,
}

impl Sqlite {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("log.db")
    }

    async fn connect(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.path()).connect().await.unwrap()
    }
}

impl Backend for Sqlite {
    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self) -> EventLog {
        EventLog::open_sqlite(&self.path(), &site()).await.unwrap()
    }

    async fn open_read_only(&self) -> EventLog {
        EventLog::open_read_only(&self.path(), &site()).await.unwrap()
    }

    async fn execute(&self, sql: &str) -> Result<(), String> {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn tamper(&self, sql: &str) {
        let mut connection = self.connect().await;
        let guards: Vec<(String, String)> =
            sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
        for (name, _) in &guards {
            sqlx::raw_sql(AssertSqlSafe(format!("DROP TRIGGER {name}"))).execute(&mut connection).await.unwrap();
        }
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        for (_, create) in guards {
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        }
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("x'{}'", data_encoding::HEXLOWER.encode(bytes))
    }

    fn forbidden(&self) -> &'static [&'static str] {
        &[
            // REPLACE deletes rows without asking a delete trigger, by any of the unique columns.
            "INSERT OR REPLACE INTO event SELECT 0, stream, version, id, type, time_us, 'forged', leaf_hash FROM event WHERE position = 0",
            "INSERT OR REPLACE INTO event SELECT 3, 'run/x', 0, id, type, time_us, 'forged', leaf_hash FROM event WHERE position = 0",
            "INSERT OR REPLACE INTO event SELECT 3, stream, version, 'x', type, time_us, 'forged', leaf_hash FROM event WHERE position = 0",
            "UPDATE OR REPLACE event SET position = 1 WHERE position = 0",
            "INSERT OR REPLACE INTO head SELECT 1, site, 0, x'' FROM head",
        ]
    }
}
