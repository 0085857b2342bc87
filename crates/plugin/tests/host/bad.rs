//! Plugins that break the rules.

use std::time::{Duration, Instant};

use strongroom_plugin::host::{End, Stop};
use strongroom_plugin::protocol::Outcome;

use crate::rig::{DONE, HELLO, Rig, greeted, verdict};

#[tokio::test]
async fn another_version_of_the_protocol_is_named() {
    let mut rig = Rig::new(&format!("echo '{{\"type\":\"hello\",\"protocol\":7,\"name\":\"x\"}}'; {DONE}"));
    let ended = rig.run().await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-protocol"));
    assert!(ended.verdict.report.sentence.contains("version 7"), "{:?}", ended.verdict);
    let mut rig = Rig::new("echo '{\"type\":\"unsupported\",\"protocol\":[7]}'");
    assert_eq!(verdict(&rig.run().await), (Outcome::Failed, "unsupported"));
}

#[tokio::test]
async fn text_before_hello_is_kept_and_noted() {
    let mut rig = Rig::new(&format!("echo Welcome to bash; {HELLO}; {DONE}"));
    let ended = rig.run().await;
    assert_eq!((verdict(&ended), ended.stray_lines), ((Outcome::Done, ""), 1));
    assert!(rig.detail().contains("\n| Welcome to bash\n"));
    assert!(ended.verdict.notes[0].contains("no messages: 1"));
}

#[tokio::test]
async fn a_program_that_is_no_plugin_is_ended_in_time() {
    let mut rig = Rig::new("sleep 300").with(|rig| rig.bounds.hello = Duration::from_millis(200));
    let ended = rig.run().await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-protocol"));
    assert!(ended.verdict.report.sentence.contains("within 200 ms") && ended.verdict.report.next_step.is_some());
}

/// How much memory this process holds, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_gibibyte_on_one_line_costs_no_memory_and_is_stopped() {
    let before = resident();
    let (ended, _) = greeted(&format!("head -c 1073741824 /dev/zero; echo; {DONE}")).await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-protocol"));
    assert!(ended.verdict.report.sentence.contains("more than 64 MiB"), "{:?}", ended.verdict);
    assert!(matches!(ended.stop, Some(Stop::TooMuchOutput(_))));
    // Other tests of this process run meanwhile.
    assert!(resident() < before + (256 << 20));
}

#[tokio::test]
async fn a_flood_on_standard_error_keeps_its_start_and_its_end() {
    let script = format!(
        "echo first >&2; head -c 100000000 /dev/zero >&2; echo >&2; yes middle | head -n 5000000 >&2; echo last >&2; {DONE}"
    );
    let (ended, rig) = greeted(&script).await;
    assert_eq!((verdict(&ended), ended.stderr_bytes > 130_000_000), ((Outcome::Done, ""), true));
    let detail = ended.detail.unwrap();
    assert!(detail.is_truncated && detail.size_bytes < 10 << 20, "{detail:?}");
    let text = rig.detail();
    assert!(text.contains("bytes were left out here"));
    assert!(text.contains("\nfirst\n") && text.ends_with("\nlast\n"), "{}", &text[text.len() - 100..]);
}

#[tokio::test]
async fn a_long_line_is_cut_and_the_next_one_read() {
    let (ended, _) = greeted(&format!("head -c 70000 /dev/zero | tr '\\0' x; echo; {DONE}")).await;
    assert_eq!((verdict(&ended), ended.cut_lines), ((Outcome::Done, ""), 1));
}

#[tokio::test]
async fn binary_and_escape_sequences_are_kept_as_printable_text() {
    let (ended, rig) = greeted(
        r#"printf '\001\377\376\000\033[2J\n'; printf '\033[31mred\033[0m\342\200\256\n' >&2
printf '{"type":"item","path":"\\u001b[2Jx","outcome":"skipped"}\n'
printf '{"type":"result","outcome":"done","sentence":"\\u001b]0;title\\u0007"}\n'"#,
    )
    .await;
    assert_eq!(verdict(&ended).0, Outcome::Done);
    assert_eq!(ended.verdict.report.sentence, r"\u{1b}]0;title\u{7}.");
    assert_eq!(ended.items[0].path, r"\u{1b}[2Jx");
    let detail = rig.detail();
    assert!(detail.chars().all(|c| c == '\n' || !c.is_control()), "{detail:?}");
    assert!(detail.contains(r"\u{1b}[31mred") && detail.contains(r"\u{202e}"), "{detail}");
}

#[tokio::test]
async fn utf_16_is_recognised() {
    let mut rig = Rig::new(r"read -r ask; printf '\377\376{\000\042\000'");
    let ended = rig.run().await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-silent"));
    assert!(ended.verdict.report.sentence.contains("UTF-16"), "{:?}", ended.verdict);
}

#[tokio::test]
async fn two_results_and_messages_after_the_result_failed() {
    assert_eq!(verdict(&greeted(&format!("{DONE}; {DONE}")).await.0), (Outcome::Failed, "plugin-protocol"));
    let late = r#"echo '{"type":"log","level":"info","text":"bye"}'"#;
    assert_eq!(verdict(&greeted(&format!("{DONE}; {late}")).await.0), (Outcome::Failed, "plugin-protocol"));
}

#[tokio::test]
async fn counts_that_do_not_add_up_are_partial() {
    let lie = r#"echo '{"type":"result","outcome":"done","sentence":"All.","counts":{"seen":9,"copied":3}}'"#;
    let (ended, rig) = greeted(lie).await;
    assert_eq!(verdict(&ended), (Outcome::Partial, "incomplete"));
    assert!(rig.detail().contains("note: The plugin said done: All."));
}

#[tokio::test]
async fn a_crash_has_the_last_line_of_standard_error() {
    let (ended, _) = greeted("echo 'cannot open the archive' >&2; exit 7").await;
    assert_eq!((verdict(&ended), ended.end), ((Outcome::Failed, "plugin-crashed"), End::Code(7)));
    assert!(ended.verdict.report.sentence.ends_with("cannot open the archive."), "{:?}", ended.verdict);
    assert_eq!(verdict(&greeted(&format!("{DONE}; exit 3")).await.0), (Outcome::Failed, "plugin-crashed"));
    assert_eq!(verdict(&greeted("exit 0").await.0), (Outcome::Failed, "plugin-silent"));
    assert_eq!(greeted("kill -9 $$").await.0.end, End::Signal(9));
}

#[tokio::test]
async fn a_plugin_that_stays_after_its_result_is_ended() {
    let begun = Instant::now();
    let (ended, _) = greeted(&format!("{DONE}; exec sleep 300")).await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-crashed"));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_plugin_that_fills_its_folder_is_stopped() {
    let mut rig =
        Rig::new(&format!("{HELLO}; head -c 3000000 /dev/zero >a; mkdir b; head -c 3000000 /dev/zero >b/c; sleep 300"))
            .with(|rig| rig.bounds.workdir_bytes = 5 << 20);
    let ended = rig.run().await;
    assert_eq!(verdict(&ended), (Outcome::Failed, "plugin-workdir-full"));
    // It is small enough to be looked at.
    assert!(ended.workdir.is_some());
}

#[tokio::test]
async fn a_printed_secret_is_nowhere_in_what_is_kept() {
    let (ended, rig) = greeted(
        r#"printf 'hun' >&2; sleep 0.05; printf 'ter2/ö in two writes\n' >&2
printf 'hunter2/ö' | base64 >&2
printf 'user:hunter2/ö' | base64
printf 'hunter2%%2F%%C3%%B6\n'
printf '{"type":"item","path":"\\u0068unter2\\/\\u00f6","outcome":"skipped"}\n'
printf '{"type":"state","state":{"hunter2/ö":"hunter2/ö"}}\n'
head -c 65530 /dev/zero | tr '\0' x >&2; printf 'hunter2/ö\n' >&2
printf '{"type":"result","outcome":"failed","sentence":"The password hunter2/ö is wrong."}\n'"#,
    )
    .await;
    assert_eq!(ended.verdict.report.sentence, "The password [redacted] is wrong.");
    assert_eq!(ended.items[0].path, "[redacted]");
    let all = format!("{ended:?}{}", rig.detail());
    for form in ["hunter", "aHVudGVyMi/Dtg", "1bnRlcjIvw7", "ter2", "xhun"] {
        assert!(!all.contains(form), "{form}");
    }
}
