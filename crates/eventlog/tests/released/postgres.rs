//! Released logs in Postgres databases.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::{Database, postgres};

use crate::released::{RELEASES, Raw, Released, fixture, fresh, goes_on, sites};

/// A database as the release left it, with one user who may write.
pub(crate) async fn copy_of(release: &str) -> Database {
    let database = postgres().database();
    // Any migration makes the roles that the dump gives rights to: they are the whole server's.
    migrate_postgres(&postgres().database().url).await.unwrap();
    let dump = std::fs::read_to_string(fixture(release, "sql")).unwrap();
    let mut owner = PgConnection::connect(&database.url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(dump)).execute(&mut owner).await.unwrap();
    owner.close().await.unwrap();
    database
}

pub(crate) async fn stored(database: &Database) -> Vec<Raw> {
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

#[tokio::test]
async fn a_released_database_names_the_command_that_brings_it_up_to_date() {
    for release in RELEASES {
        let database = copy_of(release).await;
        let before = database.query("SELECT * FROM strongroom.stream ORDER BY site, position");
        for site in sites() {
            let refused = EventLog::open_postgres(&database.url, &site).await.unwrap_err().to_string();
            assert!(refused.contains("run `strongroom log migrate`"), "{refused}");
            let refused = EventLog::open_postgres_read_only(&database.url, &site).await.unwrap_err().to_string();
            assert!(refused.contains("run `strongroom log migrate`"), "{refused}");
        }
        assert_eq!(database.query("SELECT * FROM strongroom.stream ORDER BY site, position"), before);
    }
}

/// A process of the release that was started before the migration, and lives on after it.
#[tokio::test]
async fn a_released_program_cannot_write_to_a_database_of_this_version() {
    let database = copy_of("0.1.0").await;
    let append = "SELECT strongroom.append('harbour', false, 60::bigint, '', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
        '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')";
    let put = "SELECT strongroom.put_streams('harbour', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')";
    let mut old = PgConnection::connect(&database.url).await.unwrap();
    for call in [append, put] {
        let mut undone = old.begin().await.unwrap();
        sqlx::raw_sql(call).execute(&mut *undone).await.unwrap();
        undone.rollback().await.unwrap();
    }
    migrate_postgres(&database.url).await.unwrap();
    for call in [append, put] {
        let refused = sqlx::raw_sql(call).execute(&mut old).await.unwrap_err().to_string();
        assert!(refused.contains("does not exist"), "{refused}");
    }
    let log = EventLog::open_postgres(&database.url, &sites()[0]).await.unwrap();
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (60, None));
}

/// Whoever appends while the database is migrated has appended before it, or is refused after it.
#[tokio::test]
async fn a_migration_waits_for_the_append_that_is_under_way() {
    let database = copy_of("0.1.0").await;
    let mut old = PgConnection::connect(&database.url).await.unwrap();
    // As `append` begins: it has the head, and wants the streams next.
    let mut under_way = old.begin().await.unwrap();
    sqlx::raw_sql("UPDATE strongroom.head SET frontier = frontier").execute(&mut *under_way).await.unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'ExclusiveLock'
        AND relation = 'strongroom.head'::regclass";
    let append = async {
        while database.query(waits) == "0" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        sqlx::raw_sql("UPDATE strongroom.stream SET version = version").execute(&mut *under_way).await.unwrap();
        under_way.commit().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrate_postgres(&database.url), append);
    migrated.unwrap();
    let log = EventLog::open_postgres(&database.url, &sites()[0]).await.unwrap();
    assert_eq!(log.verify().await.unwrap().damage, None);
}
