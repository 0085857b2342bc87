//! Released logs in Postgres databases.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::{Database, postgres};

use crate::released::{RELEASES, Raw, Released, fixture, fresh, goes_on, sites};

/// A database as the release left it, with one user who may write.
async fn copy_of(release: &str) -> Database {
    let database = postgres().database();
    // Any migration makes the roles that the dump gives rights to: they are the whole server's.
    migrate_postgres(&postgres().database().url).await.unwrap();
    let dump = std::fs::read_to_string(fixture(release, "sql")).unwrap();
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(dump)).execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    database
}

async fn stored(database: &Database) -> Vec<Raw> {
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    sqlx::query_as("SELECT position, body, leaf_hash FROM strongroom.event WHERE site = $1 ORDER BY position")
        .bind(sites()[0].as_str())
        .fetch_all(&mut owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_released_database_keeps_its_bytes_and_goes_on() {
    for release in RELEASES {
        let database = copy_of(release).await;
        let stored = stored(&database).await;
        migrate_postgres(&database.url).await.unwrap();
        let role = format!("{}_backup", database.name);
        let _ = database.query(&format!("CREATE ROLE {role} LOGIN IN ROLE strongroom_writer"));
        let [site, other] = sites();
        let log = EventLog::open_postgres(&database.url_as(&role), &site).await.unwrap();
        goes_on(&log, &Released::of(release), &stored).await;
        let log = EventLog::open_postgres(&database.url_as(&role), &other).await.unwrap();
        log.append(vec![fresh()]).await.unwrap();
        let verified = log.verify().await.unwrap();
        assert_eq!((verified.events, verified.damage), (2, None));
    }
}
