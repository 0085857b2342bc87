//! Several processes on one file, and what a kill at any moment leaves.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use strongroom_eventlog::EventLog;
use strongroom_model::Position;

use crate::sample::{event, holds, site};

/// Runs an ignored test of this program in a process of its own.
fn spawn(test: &str, log: &Path, answers: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .env("TEST_LOG", log)
        .env("TEST_ANSWERS", answers)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn named(variable: &str) -> PathBuf {
    PathBuf::from(std::env::var(variable).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the tests below run it in a process of its own"]
async fn child_appends_100() {
    let log = EventLog::open_sqlite(&named("TEST_LOG"), &site()).await.unwrap();
    for _ in 0..10 {
        let answers = join_all((0..10).map(|_| log.append(vec![event()]))).await;
        assert!(answers.iter().all(Result::is_ok));
    }
}

/// Notes each answer: the id of an event that is durable.
#[tokio::test]
#[ignore = "the tests below run it in a process of its own"]
async fn child_appends_until_killed() {
    let mut answers = File::options().append(true).create(true).open(named("TEST_ANSWERS")).unwrap();
    let log = EventLog::open_sqlite(&named("TEST_LOG"), &site()).await.unwrap();
    loop {
        let recorded = log.append(vec![event(), event()]).await.unwrap();
        answers.write_all(format!("{}\n", recorded[1].id).as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn r4_processes_append_to_one_log_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    // They also make it together.
    let children: Vec<_> = (0..3).map(|_| spawn("process::child_appends_100", &path, &path)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let log = EventLog::open_read_only(&path, &site()).await.unwrap();
    holds(&log, 300).await;
}

/// Waits until the child has noted something more, so that each round gets anywhere.
async fn more_than(answers: &Path, bytes: u64) {
    let now = || std::fs::metadata(answers).map_or(0, |metadata| metadata.len());
    for _ in 0..6000 {
        if now() > bytes {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was appended in a minute");
}

#[tokio::test]
async fn r3_a_kill_at_any_moment_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (path, answers) = (folder.path().join("log.db"), folder.path().join("answers"));
    for round in 0..12 {
        let before = std::fs::metadata(&answers).map_or(0, |metadata| metadata.len());
        let mut child = spawn("process::child_appends_until_killed", &path, &answers);
        more_than(&answers, before).await;
        tokio::time::sleep(Duration::from_micros(700 * round)).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let log = EventLog::open_sqlite(&path, &site()).await.unwrap();
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events % 2, verified.damage), (0, None), "each append is whole");
    let mut stored = String::new();
    for from in (0..verified.events).step_by(1000) {
        let events = log.read(Position(from), 1000).await.unwrap();
        events.iter().for_each(|event| stored.push_str(&event.body));
    }
    for answered in std::fs::read_to_string(&answers).unwrap().lines() {
        assert!(stored.contains(answered), "{answered} was answered and is not stored");
    }
}
