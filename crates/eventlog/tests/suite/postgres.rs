//! The suite's logs in Postgres databases.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::{Database, postgres};

use crate::backend::{Backend, site};

pub(crate) struct Postgres {
    database: Database,
}

impl Postgres {
    async fn connect(&self) -> PgConnection {
        let mut connection = PgConnection::connect(&self.database.url).await.unwrap();
        sqlx::raw_sql("SET search_path = strongroom").execute(&mut connection).await.unwrap();
        connection
    }
}

impl Backend for Postgres {
    async fn fresh() -> Self {
        let database = postgres().database();
        migrate_postgres(&database.url).await.unwrap();
        let backend = Self { database };
        // The suite's statements are written for tables without sites.
        let mut connection = backend.connect().await;
        for (column, default) in [
            ("event ALTER site", site().as_str()),
            ("stream ALTER site", site().as_str()),
            ("stream ALTER listed", "true"),
        ] {
            let default = format!("ALTER TABLE {column} SET DEFAULT '{default}'");
            sqlx::raw_sql(AssertSqlSafe(default)).execute(&mut connection).await.unwrap();
        }
        backend
    }

    async fn open(&self) -> EventLog {
        EventLog::open_postgres(&self.database.url, &site()).await.unwrap()
    }

    async fn open_read_only(&self) -> EventLog {
        EventLog::open_postgres_read_only(&self.database.url, &site()).await.unwrap()
    }

    async fn execute(&self, sql: &str) -> Result<(), String> {
        let mut connection = self.connect().await;
        let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await;
        done.map(drop).map_err(|error| error.to_string())
    }

    async fn tamper(&self, sql: &str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut connection).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("'\\x{}'::bytea", data_encoding::HEXLOWER.encode(bytes))
    }

    fn forbidden(&self) -> &'static [&'static str] {
        &[
            "TRUNCATE event",
            "TRUNCATE head",
            "TRUNCATE event, head, stream CASCADE",
            "DELETE FROM event WHERE false",
            "INSERT INTO event SELECT position, stream, version, id, type, time_us, 'forged', leaf_hash FROM event
             ON CONFLICT (site, position) DO UPDATE SET body = 'forged'",
            // Well-formed, but the head does not say so.
            "INSERT INTO event SELECT 3, 'run/x', 0, gen_random_uuid(), type, time_us, body, leaf_hash FROM event
             WHERE position = 0",
            "MERGE INTO event USING (SELECT 1) AS one ON true WHEN MATCHED THEN DELETE",
        ]
    }
}
