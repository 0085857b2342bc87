//! A reader who may read the log and not write beside it: an auditor.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use strongroom_eventlog::{EventLog, OpenError};
use strongroom_model::Position;

use crate::sample::{event, site};

/// Who runs nothing and owns nothing ("nobody").
const NOBODY: u32 = 65534;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs an ignored test of this program as somebody who may only read. The superuser may
/// write anywhere, so it becomes nobody; others take the folder's write permission away
/// from themselves.
fn run_as_reader(folder: &Path, test: &str) {
    let program = folder.join("reader");
    if !program.exists() {
        // By another process: a program that ours has open to write cannot be started, and a test beside this one may
        // start a process meanwhile, which would hold it open.
        let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status().unwrap();
        assert!(copied.success());
    }
    set_mode(&program, 0o755);
    set_mode(folder, 0o555);
    let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(folder).unwrap()) == 0;
    // The log is its owner's alone until somebody lets a group read it.
    for path in ["log.db", "log.db-wal", "log.db-shm"].map(|name| folder.join(name)) {
        if path.exists() && is_root {
            std::os::unix::fs::chown(&path, None, Some(NOBODY)).unwrap();
            set_mode(&path, 0o640);
        }
    }
    let mut command = Command::new(program);
    command.args(["--ignored", "--exact", test]).env("TEST_LOG", folder.join("log.db")).current_dir("/");
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    set_mode(folder, 0o755);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{test} is not a test");
}

async fn opened() -> Result<EventLog, OpenError> {
    EventLog::open_read_only(Path::new(&std::env::var("TEST_LOG").unwrap()), &site()).await
}

#[tokio::test]
#[ignore = "the tests below run it as somebody else"]
async fn child_reads_three_events() {
    let log = opened().await.unwrap();
    assert_eq!(log.read(Position(0), 9).await.unwrap().len(), 3);
    assert_eq!(log.verify().await.unwrap().damage, None);
}

#[tokio::test]
#[ignore = "the tests below run it as somebody else"]
async fn child_reports_who_can_read() {
    let error = opened().await.expect_err("it needs recovery");
    assert!(matches!(error, OpenError::NeedsRecovery(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_may_not_write_reads_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let log = EventLog::open_sqlite(&folder.path().join("log.db"), &site()).await.unwrap();
    for _ in 0..3 {
        log.append(vec![event()]).await.unwrap();
    }
    run_as_reader(folder.path(), "permission::child_reads_three_events");
    log.close().await;
    assert!(!folder.path().join("log.db-wal").exists());
    run_as_reader(folder.path(), "permission::child_reads_three_events");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_may_not_write_cannot_recover_what_a_crash_left() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("log.db");
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    for name in ["log.db", "log.db-wal"] {
        std::fs::copy(elsewhere.path().join(name), folder.path().join(name)).unwrap();
    }
    run_as_reader(folder.path(), "permission::child_reports_who_can_read");
}

#[tokio::test]
async fn a_log_is_its_owners_alone_and_what_others_could_read_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data/site/log.db");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let beside = || ["", "-wal", "-shm"].map(|suffix| mode(&path.with_file_name(format!("log.db{suffix}"))));
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    assert_eq!(beside(), [0o600; 3]);
    assert_eq!([mode(path.parent().unwrap()), mode(&folder.path().join("data"))], [0o700; 2]);
    log.close().await;
    for (before, after) in [(0o644, 0o640), (0o640, 0o640), (0o666, 0o660)] {
        set_mode(&path, before);
        let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
        log.append(vec![event()]).await.unwrap();
        assert_eq!(beside(), [after; 3], "after {before:o}");
        log.close().await;
    }
}
