//! What can happen to a SQLite log besides: a database that refuses, a file that is
//! damaged below SQL, guards that were taken away.

use std::path::{Path, PathBuf};

use strongroom_eventlog::verify::Fault;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::Position;

use crate::sample::{event, holds, run_sql, site};

/// A closed log of so many events.
async fn log_of(folder: &Path, events: usize) -> PathBuf {
    let path = folder.join("log.db");
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    for _ in 0..events {
        log.append(vec![event()]).await.unwrap();
    }
    log.close().await;
    path
}

async fn fault_of(path: &Path) -> Option<Fault> {
    let log = EventLog::open_read_only(path, &site()).await.unwrap();
    log.verify().await.unwrap().damage.map(|damage| damage.fault)
}

#[tokio::test]
async fn a_database_that_refuses_stores_nothing_and_is_well_again_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 1).await;
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    run_sql(&path, "CREATE TRIGGER sabotage BEFORE UPDATE ON head BEGIN SELECT RAISE(ABORT, 'out of paper'); END")
        .await;
    for _ in 0..2 {
        let error = log.append(vec![event()]).await.unwrap_err();
        assert!(matches!(error, AppendError::NotStored(_)), "{error}");
        let mut message = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            message.push_str(&format!("{error}; "));
            cause = error.source();
        }
        assert_eq!(message, "nothing was stored; the event log cannot be read or written; out of paper; ");
    }
    run_sql(&path, "DROP TRIGGER sabotage").await;
    log.append(vec![event()]).await.unwrap();
    holds(&log, 2).await;
}

#[tokio::test]
async fn a_guard_that_was_taken_away_or_changed_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 3).await;
    let another = "CREATE TRIGGER eraser AFTER INSERT ON event BEGIN UPDATE stream SET status = NULL; END";
    let weaker = "CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event BEGIN SELECT 1; END";
    run_sql(&path, another).await;
    assert_eq!(fault_of(&path).await, Some(Fault::Guard("eraser".to_owned())));
    run_sql(&path, "DROP TRIGGER eraser; DROP TRIGGER event_is_never_deleted").await;
    assert_eq!(fault_of(&path).await, Some(Fault::Guard("event_is_never_deleted".to_owned())));
    run_sql(&path, weaker).await;
    assert_eq!(fault_of(&path).await, Some(Fault::Guard("event_is_never_deleted".to_owned())));
}

#[tokio::test]
async fn an_index_that_lost_a_row_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 3).await;
    // The index's pages are given to another, empty index: the table's rows are all there.
    run_sql(
        &path,
        "CREATE TABLE other (kind TEXT, first_position INTEGER); CREATE INDEX empty ON other (kind, first_position);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'empty')
         WHERE name = 'stream_by_kind'",
    )
    .await;
    assert!(matches!(fault_of(&path).await, Some(Fault::Database(_))));
}

/// Whatever byte of the file is changed: either it is noticed, or every event is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_is_noticed_or_changes_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = log_of(folder.path(), 40).await;
    let bytes = std::fs::read(&path).unwrap();
    let events = EventLog::open_read_only(&path, &site()).await.unwrap().read(Position(0), 99).await.unwrap();
    let (mut refused, mut damaged, mut harmless) = (0, 0, 0);
    // A prime step, so that all kinds of places in a page are hit.
    for (n, offset) in (0..bytes.len()).step_by(251).enumerate() {
        let path = folder.path().join(format!("flipped-{n}.db"));
        let mut flipped = bytes.clone();
        flipped[offset] ^= 1 << (n % 8);
        std::fs::write(&path, flipped).unwrap();
        let Ok(log) = EventLog::open_read_only(&path, &site()).await else {
            refused += 1;
            continue;
        };
        match log.verify().await {
            Err(_) => refused += 1,
            Ok(verified) if verified.damage.is_some() => damaged += 1,
            Ok(_) => {
                assert_eq!(log.read(Position(0), 99).await.unwrap(), events, "byte {offset}");
                harmless += 1;
            }
        }
        log.close().await;
    }
    assert!(damaged > harmless / 2, "{refused} refused, {damaged} damaged, {harmless} harmless");
}
