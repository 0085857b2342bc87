//! Cancellation, step by step.

use std::time::{Duration, Instant};

use strongroom_plugin::host::{End, Ended, run};
use strongroom_plugin::protocol::Outcome;

use crate::rig::{HELLO, Rig, verdict};

/// Runs a script that greets first, and cancels it once it says how far it is.
async fn cancelled(script: &str) -> (Ended, Duration) {
    let rig = Rig::new(&format!("{HELLO}\n{script}"));
    let begun = Instant::now();
    let (cancel, launch) = (rig.cancel.clone(), rig.launch.clone());
    let mut on_progress = |_| cancel.cancel();
    let ended = run(&launch, rig.request.clone(), &rig.bounds, &rig.cancel, &mut on_progress).await.unwrap();
    (ended, begun.elapsed())
}

const READY: &str = r#"echo '{"type":"progress"}'"#;
const CANCELLED: &str = r#"echo '{"type":"result","outcome":"cancelled","sentence":"Stopped."}'"#;

#[tokio::test]
async fn a_line_is_enough_for_a_plugin_that_reads() {
    let (ended, _) =
        cancelled(&format!(r#"{READY}; read -r next; case $next in *'"cancel"'*'"stop"'*) {CANCELLED};; esac"#)).await;
    assert_eq!((verdict(&ended), ended.end), ((Outcome::Cancelled, "cancelled"), End::Code(0)));
    assert_eq!(ended.verdict.report.sentence, "Stopped.");
}

#[tokio::test]
async fn sigterm_reaches_the_whole_group_of_one_that_does_not_read() {
    let (ended, _) = cancelled(&format!("trap '{CANCELLED}; exit 0' TERM\n{READY}; sleep 300")).await;
    assert_eq!((verdict(&ended), ended.end), ((Outcome::Cancelled, "cancelled"), End::Code(0)));
}

#[tokio::test]
async fn one_that_ignores_both_is_killed() {
    let (ended, took) = cancelled(&format!("trap '' TERM\n{READY}\nwhile :; do sleep 1; done")).await;
    assert_eq!((verdict(&ended), ended.end), ((Outcome::Cancelled, "cancelled"), End::Signal(9)));
    assert!(ended.verdict.report.sentence.contains("by force"));
    assert!(took >= Duration::from_millis(600) && took < Duration::from_secs(20), "{took:?}");
}

#[tokio::test]
async fn after_the_whole_time_it_is_cancelled() {
    let mut rig = Rig::new(&format!("{HELLO}; sleep 300")).with(|rig| rig.bounds.total = Duration::from_millis(300));
    let ended = rig.run().await;
    assert_eq!(verdict(&ended), (Outcome::Cancelled, "timeout"));
    assert!(ended.verdict.report.sentence.contains("longer than 300 ms"));
}

#[tokio::test]
async fn what_floods_its_output_can_be_cancelled() {
    let (ended, _) = cancelled(&format!("{READY}; while :; do echo '{{\"type\":\"later\"}}'; done")).await;
    assert_eq!(verdict(&ended), (Outcome::Cancelled, "cancelled"));
}
