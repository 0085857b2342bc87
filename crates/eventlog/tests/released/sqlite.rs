//! Released logs in SQLite files.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _};
use strongroom_eventlog::{EventLog, Fault, OpenError};
use strongroom_model::Status;

use crate::released::{RELEASES, Raw, Released, fixture, fresh, goes_on};
use crate::story::{booking, site};

pub(crate) fn copy_of(release: &str, folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("log.db");
    std::fs::copy(fixture(release, "db"), &path).unwrap();
    path
}

pub(crate) async fn stored(path: &Path) -> Vec<Raw> {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query_as("SELECT position, body, leaf_hash FROM event ORDER BY position")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_released_file_keeps_its_bytes_and_goes_on() {
    for release in RELEASES {
        let folder = tempfile::tempdir().unwrap();
        let path = copy_of(release, &folder);
        let stored = stored(&path).await;
        let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
        goes_on(&log, &Released::of(release), &stored).await;
        log.close().await;
    }
}

#[tokio::test]
async fn a_reader_of_a_released_file_names_the_next_step_and_changes_nothing() {
    for release in RELEASES {
        let folder = tempfile::tempdir().unwrap();
        let path = copy_of(release, &folder);
        let before = std::fs::read(&path).unwrap();
        let refused = EventLog::open_read_only(&path, &site()).await.unwrap_err();
        assert!(matches!(refused, OpenError::OlderSchema { found: 1, .. }), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

/// A log that was damaged before the upgrade: its row stays as it was, and the damage is found as ever.
#[tokio::test]
async fn an_event_that_cannot_be_read_keeps_no_site_from_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = copy_of("0.1.0", &folder);
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let forged = "DROP TRIGGER event_is_never_changed; UPDATE event SET body = 'x' WHERE stream = 'booking/B-11' AND version = 1;
        CREATE TRIGGER event_is_never_changed
BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are never changed');
END";
    sqlx::raw_sql(forged).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    let heads = log.heads(&[booking(11), booking(10)]).await.unwrap();
    assert_eq!(heads[&booking(11)].status.as_ref().map(Status::as_str), Some("needs-attention"));
    assert_eq!(heads[&booking(10)].status.as_ref().map(Status::as_str), Some("enumerated"));
    let damage = log.verify().await.unwrap().damage.unwrap();
    assert_eq!((damage.position, damage.fault), (heads[&booking(11)].position, Fault::ChangedBytes));
    log.append(vec![fresh()]).await.unwrap();
}
