//! A process that is killed in its turn, before its append or after it, in a process of
//! its own which runs one ignored test of this same program.

use std::process::Command;

use tokio::time::timeout;

use crate::sample::{PATIENCE, database, event, open};

/// Appends five events, one after the other, then makes the projection again.
#[tokio::test]
#[ignore = "the test below runs it in a process of its own"]
async fn child_appends_five() {
    let log = open(&std::env::var("TEST_LOG").unwrap()).await;
    for _ in 0..5 {
        log.append(vec![event()]).await.unwrap();
    }
    log.rebuild_streams().await.unwrap();
}

#[tokio::test]
async fn r3_a_kill_between_any_two_steps_leaves_a_whole_log_and_nobody_waiting() {
    for (order, stored) in [
        ("eventlog.before-commit:1", 0),
        ("eventlog.after-commit:1", 1),
        ("eventlog.before-commit:4", 3),
        ("eventlog.after-commit:4", 4),
        ("eventlog.before-rebuild-commit", 5),
    ] {
        let database = database().await;
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed::child_appends_five"])
            .env("TEST_LOG", &database.url)
            .env("STRONGROOM_KILL_AT", order)
            .output()
            .unwrap();
        assert!(!child.status.success(), "{order} was not passed");
        let log = open(&database.url).await;
        let verified = log.verify().await.unwrap();
        assert_eq!((verified.events, verified.damage), (stored, None), "after a kill at {order}");
        // Its turn and its locks ended with its connection.
        timeout(PATIENCE, log.append(vec![event()])).await.unwrap().unwrap();
        assert_eq!(log.head().await.unwrap().size, stored + 1);
    }
}
