//! A process that is killed between two durable steps, and a commit that fails: in
//! processes of their own, which run one ignored test of this same program.

#![expect(clippy::unwrap_used, reason = "a test stops at the first error")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::NewEvent;

#[path = "sqlite/sample.rs"]
#[expect(dead_code, reason = "some of it is for other tests")]
mod sample;

use crate::sample::{event, site};

struct Child {
    folder: tempfile::TempDir,
}

impl Child {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log.db")
    }

    /// Runs an ignored test of this program on this child's log.
    fn run(&self, test: &str, variable: &str, order: &str) -> ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", test])
            .env("TEST_LOG", self.path())
            .env(variable, order)
            .output()
            .unwrap()
            .status
    }

    /// How many appends were answered before the process ended.
    fn answered(&self) -> u64 {
        std::fs::read(acknowledgements(&self.path())).map_or(0, |marks| marks.len() as u64)
    }
}

fn acknowledgements(log: &Path) -> PathBuf {
    log.with_extension("answered")
}

fn log_of_this_child() -> PathBuf {
    PathBuf::from(std::env::var("TEST_LOG").unwrap())
}

/// Appends five events, one after the other, and notes each answer.
#[tokio::test]
#[ignore = "the kill tests run it in a process of its own"]
async fn child_appends_five() {
    let path = log_of_this_child();
    let mut answers = std::fs::File::create(acknowledgements(&path)).unwrap();
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    for _ in 0..5 {
        log.append(vec![event()]).await.unwrap();
        answers.write_all(b".").unwrap();
    }
    log.rebuild_streams().await.unwrap();
}

#[tokio::test]
async fn r3_a_kill_between_any_two_steps_loses_nothing_that_was_answered() {
    // The place, its passing, and how many events must then be stored and answered.
    for (order, stored, answered) in [
        ("eventlog.before-wal", 0, 0),
        ("eventlog.before-migrate", 0, 0),
        ("eventlog.before-commit:1", 0, 0),
        ("eventlog.after-commit:1", 1, 0),
        ("eventlog.before-commit:4", 3, 3),
        ("eventlog.after-commit:4", 4, 3),
        ("eventlog.before-rebuild-commit", 5, 5),
    ] {
        let child = Child::new();
        let status = child.run("child_appends_five", "STRONGROOM_KILL_AT", order);
        assert!(!status.success(), "{order} was not passed");
        assert_eq!(child.answered(), answered, "after a kill at {order}");
        let log = EventLog::open_sqlite(&child.path(), &site()).await.unwrap();
        let verified = log.verify().await.unwrap();
        assert_eq!((verified.events, verified.damage), (stored, None), "after a kill at {order}");
        log.append(vec![event()]).await.unwrap();
        assert_eq!(log.head().await.unwrap().size, stored + 1);
    }
}

/// The second of three appends fails at its commit; it says whether it was stored.
async fn three_appends(second_is_stored: bool) {
    let log = EventLog::open_sqlite(&log_of_this_child(), &site()).await.unwrap();
    log.append(vec![event()]).await.unwrap();
    let second = event();
    let error = log.append(vec![second.clone()]).await.unwrap_err();
    assert!(matches!(error, AppendError::Unknown(Some(_))), "{error}");
    // What the caller does then: it reads its stream.
    assert_eq!(log.stream(&second.stream).await.unwrap().len(), usize::from(second_is_stored));
    log.append(vec![event()]).await.unwrap();
    // Once more, with the version that it had: it is stored once, whatever became of it.
    let again = log.append(vec![NewEvent { id: event().id, ..second.clone() }]).await;
    assert_eq!(again.is_err_and(|error| error.is_conflict()), second_is_stored);
    assert_eq!(log.stream(&second.stream).await.unwrap().len(), 1);
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage), (3, None));
}

#[tokio::test]
#[ignore = "the fault tests run it in a process of its own"]
async fn child_commit_not_done() {
    three_appends(false).await;
}

#[tokio::test]
#[ignore = "the fault tests run it in a process of its own"]
async fn child_commit_done() {
    three_appends(true).await;
}

#[test]
fn a_commit_that_fails_is_unknown_whether_it_was_done_or_not() {
    for (test, place) in
        [("child_commit_not_done", "eventlog.commit-not-done"), ("child_commit_done", "eventlog.commit-done")]
    {
        let status = Child::new().run(test, "STRONGROOM_FAULT", &format!("{place}:2=EIO"));
        assert!(status.success(), "{test}");
    }
}
