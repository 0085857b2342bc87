//! Opening and migrating: what is ours, what is not, and what is said about it.

use futures_util::future::join_all;
use strongroom_eventlog::{EventLog, migrate_postgres};
use strongroom_servers::{Postgres, postgres};

use crate::sample::{connect, database, event, open, run, site, told};

/// Both ways to open it fail alike.
async fn refused(url: &str) -> String {
    let to_write = EventLog::open_postgres(url, &site()).await.expect_err("it must not be opened");
    let to_read = EventLog::open_postgres_read_only(url, &site()).await.expect_err("it must not be opened");
    assert_eq!(to_write.to_string(), to_read.to_string());
    told(&to_write)
}

#[tokio::test]
async fn a_database_that_was_not_migrated_names_the_command_that_does_it() {
    let database = postgres().database();
    let (name, at) = (&database.name, postgres().address());
    let said = refused(&database.url).await;
    assert_eq!(
        said,
        format!(
            "the database {name} at {at} has no event log yet: run `strongroom log migrate` as the database's owner"
        )
    );
    let migrated = migrate_postgres(&database.url).await.unwrap();
    assert_eq!((migrated.before, migrated.now, migrated.missing_roles.len()), (None, 1, 0));
    let again = migrate_postgres(&database.url).await.unwrap();
    assert_eq!((again.before, again.now), (Some(1), 1));
    open(&database.url).await.append(vec![event()]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn migrations_at_once_make_one_log() {
    let database = postgres().database();
    for migrated in join_all((0..6).map(|_| migrate_postgres(&database.url))).await {
        assert_eq!(migrated.unwrap().now, 1);
    }
    let logs = join_all((0..6).map(|_| open(&database.url))).await;
    for log in &logs {
        log.append(vec![event()]).await.unwrap();
    }
    let verified = logs[0].verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (6, None));
}

#[tokio::test]
async fn a_newer_versions_database_is_refused() {
    let database = database().await;
    let mut owner = connect(&database.url).await;
    let newer = "INSERT INTO _sqlx_migrations SELECT 99, 'x', now(), true, checksum, 0 FROM _sqlx_migrations LIMIT 1";
    run(&mut owner, newer).await.unwrap();
    let said = refused(&database.url).await;
    assert!(
        said.ends_with("has schema 99, this version knows none after 1: upgrade strongroom on this host"),
        "{said}"
    );
    let error = migrate_postgres(&database.url).await.unwrap_err();
    assert_eq!(error.to_string(), said);
}

#[tokio::test]
async fn a_reader_begins_no_log() {
    let database = database().await;
    let error = EventLog::open_postgres_read_only(&database.url, &site()).await.unwrap_err();
    assert!(error.to_string().contains("has no event log of harbour"), "{error}");
    assert_eq!(database.query("SELECT count(*) FROM strongroom.head"), "0");
}

#[tokio::test]
async fn a_url_is_never_shown() {
    for url in ["mysql://root:hunter2@host/db", "hunter2", "postgres://u:hunter2@host:port/db"] {
        let said = refused(url).await;
        assert!(said.contains("write it as postgres://user@host:5432/database"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    // Nobody listens there.
    let said = refused("postgres://u:hunter2@127.0.0.1:1/db").await;
    assert!(said.starts_with("the event log in the database db at 127.0.0.1:1 cannot be opened: "), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[tokio::test]
async fn an_owner_who_may_not_make_roles_is_told_which_are_missing() {
    let server = Postgres::start();
    let database = server.database();
    let _ = database.query(&format!("CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE {} TO owner", database.name));
    let owner = database.url_as("owner");
    let migrated = migrate_postgres(&owner).await.unwrap();
    assert_eq!(migrated.missing_roles, ["strongroom_writer", "strongroom_auditor"]);
    // The owner may work without them; once they are there, they get their rights.
    open(&owner).await.append(vec![event()]).await.unwrap();
    let _ = database.query("CREATE ROLE strongroom_writer NOLOGIN; CREATE ROLE strongroom_auditor NOLOGIN");
    assert!(migrate_postgres(&owner).await.unwrap().missing_roles.is_empty());
    let _ = database.query("CREATE ROLE backup LOGIN IN ROLE strongroom_writer");
    open(&database.url_as("backup")).await.append(vec![event()]).await.unwrap();
}
