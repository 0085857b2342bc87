//! Events and logs for the tests of SQLite's own troubles.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use strongroom_eventlog::EventLog;
use strongroom_model::event::DriveInitialised;
use strongroom_model::{DriveId, Event, Expected, NewEvent, SiteId, StreamName};

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

/// The first event of a stream of its own.
pub(crate) fn event() -> NewEvent {
    let (time, actor) = ("2026-11-20T23:00:00Z".parse().unwrap(), "operator".parse().unwrap());
    let event = Event::DriveInitialised(DriveInitialised { label: "Blue 1".to_owned() });
    NewEvent::new(StreamName::drive(DriveId::random()), Expected::New, time, actor, event)
}

/// The log holds that many events, and all of them are as they were written.
pub(crate) async fn holds(log: &EventLog, events: u64) {
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (events, None));
}

/// Runs SQL on a file, made where there is none, as any program could.
pub(crate) async fn run_sql(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
