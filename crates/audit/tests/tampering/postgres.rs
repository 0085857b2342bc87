//! A log in a Postgres database, and the server's superuser.

use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::{Database, postgres};

use crate::backend::Backend;
use crate::sample::site;

pub(crate) struct Postgres {
    database: Database,
}

impl Backend for Postgres {
    async fn fresh() -> Self {
        let database = postgres().database();
        migrate_postgres(&database.url).await.unwrap();
        Self { database }
    }

    async fn open(&self) -> EventLog {
        EventLog::open_postgres(&self.database.url, &site()).await.unwrap()
    }

    fn tamper(&self, sql: &str) {
        self.execute(&format!("SET session_replication_role = replica; {sql}"));
    }

    fn execute(&self, sql: &str) {
        self.database.query(&format!("SET search_path = strongroom; {sql}"));
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("'\\x{}'::bytea", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    const DROP_GUARD: &'static str = "DROP TRIGGER event_is_never_changed ON event";

    const REPLACE_GUARD: &'static str =
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$";
}
