#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::*;

fn path() -> OsString {
    std::env::var_os("PATH").unwrap()
}

/// What a shell does once nothing of it will change: it executes no other program, so that its environment can be read
/// at any time.
const STAY: &str = "echo; kill -STOP $$";

/// A shell, when so many lines came from its script.
async fn shell(script: &str, mark: &Mark, lines: usize) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
    prepare(&mut command, mark);
    let mut child = spawn(command).await.unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..lines {
        said.next_line().await.unwrap().unwrap();
    }
    child
}

async fn until_marked(tree: &Tree, number: usize) {
    for _ in 0..500 {
        if tree.marked() == number {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} processes bear the mark, not {number}", tree.marked());
}

#[tokio::test]
async fn what_left_the_group_is_found_by_its_mark() {
    let mark = Mark::new();
    let mut child = shell(&format!("setsid sh -c '{STAY}' & sh -c '{STAY}' & wait"), &mark, 2).await;
    let tree = Tree::new(child.id().unwrap(), mark);
    until_marked(&tree, 3).await;
    tree.kill_group();
    assert_eq!(signal_of(child.wait().await.unwrap()), Some(9));
    until_marked(&tree, 1).await;
    assert_eq!(tree.kill_marked(), 1);
    until_marked(&tree, 0).await;
}

#[tokio::test]
async fn the_processes_of_a_living_host_are_no_orphans() {
    let mark = Mark::new();
    let child = shell(STAY, &mark, 1).await;
    let tree = Tree::new(child.id().unwrap(), mark);
    until_marked(&tree, 1).await;
    // Whatever else of this host it ends.
    let _ = end_orphans();
    until_marked(&tree, 1).await;
    // As if another process had started it, which is gone: no process has started at the tick 0 but the first.
    let gone = Mark(format!("{}:0:0", std::process::id()));
    let orphan = shell(STAY, &gone, 1).await;
    let left = Tree::new(orphan.id().unwrap(), gone);
    until_marked(&left, 1).await;
    assert!(end_orphans() >= 1);
    until_marked(&left, 0).await;
    assert_eq!(tree.kill_marked(), 1);
}

#[test]
fn an_executable_is_found_as_a_shell_would() {
    assert!(is_executable(&find(OsStr::new("sh"), &path()).unwrap()));
    assert_eq!(find(OsStr::new("no-such-program"), &path()), None);
    assert_eq!(find(OsStr::new("/no/such/program"), &path()), None);
    assert!(!is_executable(Path::new("/etc/passwd")) && !is_executable(Path::new("/etc")));
}

#[test]
fn a_setpriv_that_does_not_know_the_death_signal_is_left_out() {
    use std::os::unix::fs::PermissionsExt as _;

    assert_eq!(dying_with_us(&path()).len(), 4);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("setpriv");
    std::fs::write(&file, "#!/bin/sh\necho \"setpriv: unrecognized option: pdeathsig\" >&2; exit 1\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(dying_with_us(folder.path().as_os_str()), Vec::<OsString>::new());
    assert_eq!(dying_with_us(OsStr::new("/nonexistent")), Vec::<OsString>::new());
}
