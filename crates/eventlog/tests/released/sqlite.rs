//! Released logs in SQLite files.

use std::path::{Path, PathBuf};

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use strongroom_eventlog::EventLog;

use crate::released::{RELEASES, Raw, Released, fixture, goes_on};
use crate::story::site;

fn copy_of(release: &str, folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("log.db");
    std::fs::copy(fixture(release, "db"), &path).unwrap();
    path
}

async fn stored(path: &Path) -> Vec<Raw> {
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
