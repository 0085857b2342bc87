//! Events and databases for the tests of Postgres's own troubles.

use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_model::event::DriveInitialised;
use strongroom_model::{DriveId, Event, Expected, NewEvent, SiteId, StreamName};
use strongroom_servers::{Database, postgres};

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

/// The first event of a stream of its own.
pub(crate) fn event() -> NewEvent {
    let (time, actor) = ("2026-11-20T23:00:00Z".parse().unwrap(), "operator".parse().unwrap());
    let event = Event::DriveInitialised(DriveInitialised { label: "Blue 1".to_owned() });
    NewEvent::new(StreamName::drive(DriveId::random()), Expected::New, time, actor, event)
}

/// A fresh database with the schema.
pub(crate) async fn database() -> Database {
    let database = postgres().database();
    migrate_postgres(&database.url).await.unwrap();
    database
}

pub(crate) async fn open(url: &str) -> EventLog {
    EventLog::open_postgres(url, &site()).await.unwrap()
}

/// The log holds that many events, and all of them are as they were written.
pub(crate) async fn holds(log: &EventLog, events: u64) {
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (events, None));
}

pub(crate) async fn connect(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    run(&mut connection, "SET search_path = strongroom").await.unwrap();
    connection
}

pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), String> {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    done.map(drop).map_err(|error| error.to_string())
}
