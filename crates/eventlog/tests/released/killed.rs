//! An upgrade that is killed: in a process of its own, which runs one ignored test of this same program.

use std::process::Command;

use strongroom_eventlog::{EventLog, OpenError, migrate_postgres};

use crate::released::{Released, goes_on, sites};
use crate::{postgres, sqlite};

/// The last moment at which it is not done.
const PLACE: &str = "eventlog.before-migrate-commit";

#[tokio::test]
#[ignore = "the test below runs it in a process of its own"]
async fn child_upgrades() {
    let place = std::env::var("TEST_LOG").unwrap();
    if place.starts_with("postgres") {
        migrate_postgres(&place).await.unwrap();
    } else {
        EventLog::open_sqlite(place.as_ref(), &sites()[0]).await.unwrap();
    }
}

fn is_killed(log: &str) {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "killed::child_upgrades"])
        .env("TEST_LOG", log)
        .env("STRONGROOM_KILL_AT", PLACE)
        .output()
        .unwrap();
    assert!(!child.status.success(), "{PLACE} was not passed");
}

#[tokio::test]
async fn r3_an_upgrade_of_a_file_that_is_killed_leaves_it_as_it_was_and_the_next_one_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = sqlite::copy_of("0.1.0", &folder);
    let stored = sqlite::stored(&path).await;
    is_killed(path.to_str().unwrap());
    let refused = EventLog::open_read_only(&path, &sites()[0]).await.unwrap_err();
    assert!(matches!(refused, OpenError::OlderSchema { found: 1, .. }), "{refused}");
    let log = EventLog::open_sqlite(&path, &sites()[0]).await.unwrap();
    goes_on(&log, &Released::of("0.1.0"), &stored).await;
}

#[tokio::test]
async fn r3_an_upgrade_of_a_database_that_is_killed_leaves_it_as_it_was_and_the_next_one_does_it() {
    let database = postgres::copy_of("0.1.0").await;
    let stored = postgres::stored(&database).await;
    let streams = "SELECT * FROM strongroom.stream ORDER BY site, position";
    let before = database.query(streams);
    is_killed(&database.url);
    assert_eq!(database.query(streams), before);
    assert_eq!(migrate_postgres(&database.url).await.unwrap().before, Some(4));
    let log = EventLog::open_postgres(&database.url, &sites()[0]).await.unwrap();
    goes_on(&log, &Released::of("0.1.0"), &stored).await;
}
