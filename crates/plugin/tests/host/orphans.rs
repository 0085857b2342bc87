//! What is left of a plugin when it has ended, and when its host has.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use strongroom_plugin::protocol::Outcome;
use strongroom_service::process_tree;

use crate::rig::{DONE, HELLO, Rig, greeted, verdict};

/// Waits until the process, whose id the file holds, is there or gone.
fn until(pid_file: &Path, is_there: bool) {
    for _ in 0..1000 {
        let pid = std::fs::read_to_string(pid_file).unwrap_or_default();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // A zombie has ended; the first process of a container may leave it so.
        let runs = !pid.trim().is_empty() && !stat.is_empty() && !stat.contains(") Z ");
        if runs == is_there && (is_there || !pid.trim().is_empty()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the process of {} is {} there", pid_file.display(), if is_there { "not" } else { "still" });
}

#[tokio::test]
async fn children_that_left_the_group_are_ended_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    // Twice forked, in a session of its own, with the plugin's output still open.
    let (ended, _) = greeted(&format!(
        "(setsid sh -c 'echo $$ >{0}; kill -STOP $$' &); while [ ! -s {0} ]; do sleep 0.01; done; {DONE}",
        pid.display()
    ))
    .await;
    assert_eq!((verdict(&ended), ended.left_behind), ((Outcome::Done, ""), 1));
    assert!(ended.verdict.notes[0].contains("left behind"), "{:?}", ended.verdict.notes);
    until(&pid, false);
}

#[tokio::test]
async fn a_host_that_drops_the_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let mut rig = Rig::new(&format!("{HELLO}; setsid sh -c 'echo $$ >{}; kill -STOP $$'", pid.display()));
    tokio::select! {
        ended = rig.run() => panic!("it ended: {ended:?}"),
        () = has_started(&pid) => {}
    }
    until(&pid, false);
    assert!(rig.workdirs().is_empty());
}

async fn has_started(pid_file: &Path) {
    while std::fs::read_to_string(pid_file).unwrap_or_default().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Not a test: the host that the next test kills.
#[tokio::test]
#[ignore = "started by the next test"]
async fn host_that_is_killed() {
    let folder = std::env::var("FOLDER_OF_KILLED_HOST").unwrap();
    let mut rig = Rig::new(&format!(
        "{HELLO}; setsid sh -c 'echo $$ >{folder}/child; kill -STOP $$' & echo $$ >{folder}/plugin; wait"
    ));
    rig.run().await;
}

#[test]
fn a_killed_host_takes_the_plugin_with_it_and_the_next_start_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "orphans::host_that_is_killed"])
        .env("FOLDER_OF_KILLED_HOST", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (plugin, child) = (folder.path().join("plugin"), folder.path().join("child"));
    until(&plugin, true);
    until(&child, true);
    host.kill().unwrap();
    host.wait().unwrap();
    // By setpriv's death signal.
    until(&plugin, false);
    assert!(process_tree::end_orphans() >= 1);
    until(&child, false);
}
