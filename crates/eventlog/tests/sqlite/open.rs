//! Opening a SQLite file: what is ours, what is not, and the messages.

use std::error::Error;
use std::path::{Path, PathBuf};

use strongroom_eventlog::{EventLog, OpenError};
use strongroom_model::{Position, SiteId};

use crate::sample::{event, holds, run_sql, site};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A closed log with one event.
async fn log_at(path: &Path) {
    let log = EventLog::open_sqlite(path, &site()).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    log.close().await;
}

/// Both ways to open it fail alike, and leave the file as it was.
async fn refused(path: &Path, site: &SiteId) -> String {
    let before = std::fs::read(path).ok();
    let to_write = EventLog::open_sqlite(path, site).await.expect_err("it must not be opened");
    let to_read = EventLog::open_read_only(path, site).await.expect_err("it must not be opened");
    assert_eq!(std::fs::read(path).ok(), before, "the file was changed");
    assert_eq!(to_write.to_string(), to_read.to_string());
    to_write.to_string().replace(path.to_str().unwrap(), "FILE")
}

#[tokio::test]
async fn another_sites_log_is_refused_by_name() {
    let folder = folder();
    let path = folder.path().join("log.db");
    log_at(&path).await;
    let message = refused(&path, &"quarry".parse().unwrap()).await;
    assert_eq!(
        message,
        "FILE is the event log of site \"harbour\", not of quarry: check the site's name in the configuration, or name another file"
    );
}

#[tokio::test]
async fn a_newer_versions_log_is_refused() {
    let folder = folder();
    let path = folder.path().join("log.db");
    log_at(&path).await;
    run_sql(&path, "PRAGMA user_version = 99").await;
    let message = refused(&path, &site()).await;
    assert_eq!(message, "FILE has schema 99, this version supports up to 2: upgrade strongroom on this host");
}

#[tokio::test]
async fn a_file_that_is_no_log_is_left_as_it_is() {
    let folder = folder();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "no database at all, but long enough to be looked into as one: ".repeat(40)).unwrap();
    let foreign = folder.path().join("other.db");
    run_sql(&foreign, "CREATE TABLE accounts (name TEXT)").await;
    let beheaded = folder.path().join("beheaded.db");
    log_at(&beheaded).await;
    run_sql(&beheaded, "DROP TRIGGER head_is_never_deleted; DELETE FROM head").await;
    for (path, why) in [
        (text, "it is not an SQLite database"),
        (foreign, "it is another program's database"),
        (folder.path().to_owned(), "it is a folder"),
        (beheaded, "its head is missing"),
    ] {
        let message = refused(&path, &site()).await;
        assert_eq!(message, format!("FILE is not an event log ({why}): name another file, this one is left as it is"));
    }
}

#[tokio::test]
async fn an_empty_file_becomes_a_log_but_is_none_to_a_reader() {
    let folder = folder();
    let path = folder.path().join("log.db");
    std::fs::write(&path, "").unwrap();
    let error = EventLog::open_read_only(&path, &site()).await.expect_err("there is nothing to read");
    assert!(matches!(error, OpenError::NotALog { why: "it is empty", .. }), "{error}");
    log_at(&path).await;
    assert_eq!(EventLog::open_read_only(&path, &site()).await.unwrap().head().await.unwrap().size, 1);
}

#[tokio::test]
async fn a_reader_makes_no_log() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let error = EventLog::open_read_only(&path, &site()).await.expect_err("there is none");
    assert!(matches!(error, OpenError::Missing(_)), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn the_folder_is_made_or_named() {
    let folder = folder();
    log_at(&folder.path().join("new/and/deep/log.db")).await;
    std::fs::write(folder.path().join("file"), "").unwrap();
    let error = EventLog::open_sqlite(&folder.path().join("file/log.db"), &site()).await.expect_err("no folder");
    assert!(error.to_string().contains("file for the event log cannot be made"), "{error}");
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_log_that_was_closed_is_one_file() {
    let folder = folder();
    let path = folder.path().join("log.db");
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    assert_eq!(log.read(Position(0), 9).await.unwrap().len(), 1);
    log.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_name_that_looks_like_a_uri_is_a_name() {
    let folder = folder();
    let path = folder.path().join("file:log.db?mode=memory");
    log_at(&path).await;
    assert!(path.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_make_a_log_at_once_make_one() {
    for _ in 0..10 {
        let folder = folder();
        let path = folder.path().join("log.db");
        let opening = (0..6).map(|_| {
            let path: PathBuf = path.clone();
            tokio::spawn(async move {
                let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
                log.append(vec![event()]).await.unwrap();
            })
        });
        for opened in opening.collect::<Vec<_>>() {
            opened.await.unwrap();
        }
        let log = EventLog::open_read_only(&path, &site()).await.unwrap();
        holds(&log, 6).await;
    }
}

/// What a crash leaves: the file and its WAL, and nobody who has it open.
fn crashed_copy(path: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(with(path), with(to)).unwrap();
    }
}

#[tokio::test]
async fn a_reader_opens_what_a_crash_left() {
    let folder = folder();
    let (path, copy) = (folder.path().join("log.db"), folder.path().join("copy.db"));
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    for _ in 0..3 {
        log.append(vec![event()]).await.unwrap();
    }
    crashed_copy(&path, &copy);
    let reader = EventLog::open_read_only(&copy, &site()).await.unwrap();
    assert_eq!(reader.head().await.unwrap(), log.head().await.unwrap());
    assert_eq!(reader.read(Position(0), 9).await.unwrap().len(), 3);
    assert_eq!(reader.verify().await.unwrap().damage, None);
}

/// A WAL that was cut in the middle of its last transaction: what a power cut leaves.
#[tokio::test]
async fn a_torn_commit_is_gone_as_a_whole() {
    let folder = folder();
    let (path, copy) = (folder.path().join("log.db"), folder.path().join("copy.db"));
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    log.append(vec![event(), event()]).await.unwrap();
    let head = log.head().await.unwrap();
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    let before = std::fs::metadata(&wal).unwrap().len();
    log.append(vec![event(), event()]).await.unwrap();
    let after = std::fs::metadata(&wal).unwrap().len();
    assert!(before < after);
    for cut in [before + 1, (before + after) / 2, after - 1] {
        crashed_copy(&path, &copy);
        let torn = std::fs::OpenOptions::new().write(true).open(format!("{}-wal", copy.display())).unwrap();
        torn.set_len(cut).unwrap();
        let log = EventLog::open_sqlite(&copy, &site()).await.unwrap();
        assert_eq!(log.head().await.unwrap(), head, "cut at {cut} of {after}");
        log.append(vec![event()]).await.unwrap();
        assert_eq!(log.verify_against(&[head]).await.unwrap().damage, None);
        log.close().await;
    }
}
