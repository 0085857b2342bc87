//! Events and logs for the tests of SQLite's own troubles.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use strongroom_model::event::DriveInitialised;
use strongroom_model::{DriveId, Event, EventId, Expected, NewEvent, SiteId, StreamName};

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

/// The first event of a stream of its own.
pub(crate) fn event() -> NewEvent {
    let now = "2026-11-20T23:00:00Z".parse().unwrap();
    NewEvent {
        id: EventId::new(now),
        stream: StreamName::drive(DriveId::random()),
        expected: Expected::New,
        time: now,
        actor: "operator".parse().unwrap(),
        cause: None,
        run: None,
        event: Event::DriveInitialised(DriveInitialised { label: "Blue 1".to_owned() }),
    }
}

/// Runs SQL on a file, made where there is none, as any program could.
pub(crate) async fn run_sql(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
