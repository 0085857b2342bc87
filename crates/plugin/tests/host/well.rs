//! What goes well.

use std::time::Duration;

use serde_json::json;
use strongroom_plugin::host::{End, Notice, Stdin};
use strongroom_plugin::protocol::Outcome;

use crate::rig::{DONE, HELLO, Rig, greeted, verdict};

#[tokio::test]
async fn a_run_is_reported_with_its_items_state_and_detail() {
    let (ended, rig) = greeted(&format!(
        r#"echo '{{"type":"progress","files":3,"bytes":10}}'
echo '{{"type":"item","path":"a b","outcome":"skipped"}}'
echo '{{"type":"state","state":{{"part":2}}}}'
echo 'opening the archive' >&2
{DONE}"#
    ))
    .await;
    assert_eq!(verdict(&ended), (Outcome::Done, ""));
    assert_eq!((ended.end, ended.items_total, ended.state), (End::Code(0), 1, Some(json!({"part": 2}))));
    assert_eq!(ended.verdict.notes, [""; 0]);
    assert_eq!(ended.hello.unwrap().name, "test");
    assert!(matches!(&rig.notices[..], [Notice::Progress(progress)] if progress.files == 3));
    let detail = ended.detail.unwrap();
    assert_eq!(detail.size_bytes, rig.detail().len() as u64);
    assert!(!detail.is_truncated && rig.detail().contains("\n== standard error\nopening the archive\n"));
    assert!(rig.workdirs().is_empty());
}

#[tokio::test]
async fn it_runs_in_an_empty_folder_with_a_bare_environment() {
    let (_, rig) = greeted(&format!("pwd >&2; ls -A >&2; env | cut -d= -f1 | sort | tr '\\n' ' ' >&2; {DONE}")).await;
    let detail = rig.detail();
    assert!(detail.contains("/workdirs/01J.0\n"), "{detail}");
    let names = detail.trim_end().lines().last().unwrap();
    let allowed = [
        "HOME",
        "LANG",
        "PATH",
        "PWD",
        "OLDPWD",
        "PYTHONUTF8",
        "SHLVL",
        "STRONGROOM_PLUGIN",
        "STRONGROOM_PLUGIN_RUN",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "_",
    ];
    assert!(names.split(' ').all(|name| name.is_empty() || allowed.contains(&name)), "{names}");
    assert!(names.contains("STRONGROOM_PLUGIN "));
}

#[tokio::test]
async fn the_request_is_one_line_with_the_secrets() {
    let (ended, rig) = greeted(&format!(
        r#"case $ask in *'"password":"hunter2/ö"'*) {DONE};; esac; tr -d '\0' </proc/$$/cmdline >&2"#
    ))
    .await;
    assert_eq!(verdict(&ended), (Outcome::Done, ""));
    assert!(rig.detail().contains("plugin.sh") && !rig.detail().contains("hunter2"));
}

#[tokio::test]
async fn a_plugin_need_not_read_and_standard_input_may_be_closed() {
    let mut rig = Rig::new(&format!("echo '{{\"type\":\"hello\",\"protocol\":1,\"name\":\"x\"}}'; {DONE}"));
    assert_eq!(verdict(&rig.run().await), (Outcome::Done, ""));
    // `cat` ends with the end of standard input.
    let mut rig = Rig::new(&format!("{HELLO}; cat; {DONE}")).with(|rig| rig.launch.stdin = Stdin::Closed);
    assert_eq!(verdict(&rig.run().await), (Outcome::Done, ""));
}

#[tokio::test]
async fn a_plugin_that_says_nothing_for_long_is_told_of_and_goes_on() {
    let script = format!("{HELLO}; sleep 0.4; echo '{{\"type\":\"later\"}}'; {DONE}");
    let stall = Duration::from_millis(150);
    let mut rig = Rig::new(&script).with(|rig| rig.bounds.stall = stall);
    assert_eq!(verdict(&rig.run().await), (Outcome::Done, ""));
    // More than once on a slow machine.
    assert!(!rig.notices.is_empty());
    for pair in rig.notices.chunks(2) {
        assert_eq!(pair, [Notice::Stalled(stall), Notice::Resumed]);
    }
}

#[tokio::test]
async fn a_failed_run_keeps_its_working_directory() {
    let failed = r#"echo '{"type":"result","outcome":"failed","sentence":"No."}'"#;
    let (ended, rig) = greeted(&format!("echo x >left; {failed}")).await;
    assert_eq!(ended.workdir.unwrap(), rig.workdirs()[0]);
    let (ended, rig) = greeted(failed).await;
    assert!(ended.workdir.is_none() && rig.workdirs().is_empty());
}
