//! Writes the logs of this version, once, before it is released.

use std::process::Command;

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use strongroom_eventlog::{EventLog, grant_postgres, migrate_postgres};
use strongroom_servers::{postgres, postgres_program};

use crate::released::{fixture, sites};
use crate::story::story;

const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// How many events go with one append.
const AT_ONCE: usize = 7;

async fn write(log: &EventLog) -> Value {
    for events in story().events.chunks(AT_ONCE) {
        log.append(events.to_vec()).await.unwrap();
    }
    let head = log.head().await.unwrap();
    json!({"size": head.size, "root": head.root_base64()})
}

/// Run it once for each release, and name the release in `RELEASES`.
#[tokio::test]
#[ignore = "it writes this version's logs to tests/fixtures/"]
async fn write_the_logs_of_this_version() {
    let path = fixture(RELEASE, "db");
    let log = EventLog::open_sqlite(&path, &sites()[0]).await.unwrap();
    let mut known = write(&log).await;
    log.close().await;
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.unwrap();
    let stream = "json_object('name', name, 'first_position', first_position, 'position', position, 'version', version,
        'next_stage', next_stage, 'due_at_us', due_at_us)";
    let streams = format!("SELECT json_group_array(json({stream})) FROM (SELECT * FROM stream ORDER BY position)");
    let streams: String = sqlx::query_scalar(sqlx::AssertSqlSafe(streams)).fetch_one(&mut connection).await.unwrap();
    known["streams"] = serde_json::from_str(&streams).unwrap();
    std::fs::write(fixture(RELEASE, "json"), known.to_string()).unwrap();
    std::fs::write(fixture(RELEASE, "sql"), dump().await).unwrap();
}

/// The same log in a database, beside that of another site.
async fn dump() -> String {
    let database = postgres().database();
    migrate_postgres(&database.url).await.unwrap();
    let [site, other] = sites();
    write(&EventLog::open_postgres(&database.url, &site).await.unwrap()).await;
    let log = EventLog::open_postgres(&database.url, &other).await.unwrap();
    log.append(story().events[..1].to_vec()).await.unwrap();
    for site in sites() {
        grant_postgres(&database.url, &site, &[]).await.unwrap();
    }
    let times =
        "UPDATE strongroom._sqlx_migrations SET installed_on = '2026-11-20T22:00:00Z', execution_time = 1000000";
    let _ = database.query(times);
    let mut dump = Command::new(postgres_program("pg_dump"));
    dump.args(["--inserts", "--no-comments", "--no-owner", "--schema=strongroom", &database.url]);
    let dump = dump.output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    // What only psql understands, and what only says on which machine it was made.
    let is_sql = |line: &&str| !line.starts_with('\\') && !line.starts_with("-- Dumped");
    String::from_utf8(dump.stdout).unwrap().lines().filter(is_sql).map(|line| format!("{line}\n")).collect()
}
