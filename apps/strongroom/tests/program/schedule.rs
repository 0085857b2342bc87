//! `strongroom run`: a process that keeps the schedule.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use strongroom_eventlog::EventLog;
use strongroom_model::event::{RunEnumerated, RunRequested, Trigger, ZeroReason};
use strongroom_model::{Event, EventId, Expected, NewEvent, Recorded, RunId, StreamName, Version};

use crate::demo::demo;
use crate::rig::{Ended, Running, program, run, until};

/// A process that keeps the schedule, in a site of the demo's.
fn keeping(here: &Path, settings: &[(&str, &str)]) -> Running {
    let mut command = program(here, &["run"]);
    command.env("STRONGROOM_SCHEDULE_EVERY", "1s").envs(settings.iter().copied());
    Running::start(&mut command)
}

fn events(here: &Path) -> Vec<Recorded> {
    let export = run(here, &["log", "export"]).expect(0).stdout;
    export.lines().map(|line| Recorded::parse(line).unwrap()).collect()
}

fn count(here: &Path, is_it: impl Fn(&Event) -> bool) -> usize {
    events(here).iter().filter(|recorded| is_it(&recorded.event)).count()
}

fn site() -> (tempfile::TempDir, PathBuf, Running) {
    let folder = demo("1");
    let here = folder.path().join("here");
    let server = Running::start(&mut program(&here, &["server"]));
    (folder, here, server)
}

#[test]
fn r6_a_drive_that_comes_back_is_worked_on_without_a_restart() {
    let (folder, here, _server) = site();
    let away = folder.path().join("away");
    std::fs::rename(here.join("drive"), &away).unwrap();
    run(&here, &["server", "import", "more"]).expect(0);
    let process = keeping(&here, &[]);
    let status = || run(&here, &["status", "--json"]).json();
    until("the alarm", || (status()["alarms"][0]["kind"] == "drive-missing").then_some(()));
    assert_eq!(status()["bookings"]["archived"], 1);
    std::fs::rename(&away, here.join("drive")).unwrap();
    until("the work to be done", || (status()["bookings"]["archived"] == 4).then_some(()));
    until("the alarm's end", || status().get("alarms").is_none().then_some(()));
    assert_eq!(process.stop(), Some(0));
    assert_eq!(count(&here, |event| matches!(event, Event::AlarmRaised(_))), 1, "one alarm");
}

#[test]
fn a_mail_for_each_run_where_that_is_configured() {
    let (_folder, here, _server) = site();
    let sent = || count(&here, |event| matches!(event, Event::SummarySent(_)));
    let before = sent();
    let process = keeping(&here, &[("STRONGROOM_MAIL_SUMMARY", "run")]);
    until("two more mails", || (sent() >= before + 2).then_some(()));
    assert_eq!(process.stop(), Some(0));
    let runs = count(&here, |event| matches!(event, Event::RunEnumerated(_)));
    let composed = count(&here, |event| matches!(event, Event::SummaryComposed(_)));
    assert!(composed <= runs, "{composed} summaries of {runs} runs");
}

#[test]
fn a_night_is_not_over_and_no_mail_is_sent() {
    let (_folder, here, _server) = site();
    let runs = || count(&here, |event| matches!(event, Event::RunEnumerated(_)));
    let before = (runs(), count(&here, |event| matches!(event, Event::SummaryComposed(_))));
    let process = keeping(&here, &[]);
    until("three runs", || (runs() >= before.0 + 3).then_some(()));
    assert_eq!(process.stop(), Some(0));
    assert_eq!(count(&here, |event| matches!(event, Event::SummaryComposed(_))), before.1);
}

#[test]
fn r8_runs_that_did_not_happen_while_no_process_was_up_are_told() {
    let (_folder, here, _server) = site();
    let yesterday = events(&here).last().unwrap().time - jiff::SignedDuration::from_hours(24);
    tokio::runtime::Runtime::new().unwrap().block_on(scheduled(&here, yesterday));
    let process = keeping(&here, &[]);
    until("the alarm and its end", || {
        (count(&here, |event| matches!(event, Event::AlarmCleared(_))) == 1).then_some(())
    });
    assert_eq!(process.stop(), Some(0));
    let raised = events(&here).into_iter().find_map(|recorded| match recorded.event {
        Event::AlarmRaised(alarm) => Some(alarm),
        _ => None,
    });
    let message = raised.unwrap().message;
    assert!(message.starts_with("a run was due at "), "{message}");
}

#[test]
fn an_alarm_is_told_once() {
    let (_folder, here, _server) = site();
    std::fs::rename(here.join("drive"), here.join("away")).unwrap();
    let mut command = program(&here, &["run", "--once"]);
    let ended = Ended::from(command.env("STRONGROOM_RETRY_WAIT_ONCE", "1s").output().unwrap()).expect(2);
    assert_eq!((ended.stdout.matches("no drive").count(), ended.stderr.as_str()), (1, ""), "{}", ended.stdout);
}

/// A run that the schedule asked for, and that found nothing.
async fn scheduled(here: &Path, time: jiff::Timestamp) {
    let log = EventLog::open_sqlite(&here.join("data/log.sqlite"), &"demo".parse().unwrap()).await.unwrap();
    let run = RunId::new(time);
    let new = |expected, event| NewEvent {
        id: EventId::new(time),
        stream: StreamName::run(run),
        expected,
        time,
        actor: "run@backup-1".parse().unwrap(),
        cause: None,
        run: Some(run),
        event,
    };
    let found = RunEnumerated {
        waiting: 0,
        listed: 0,
        enumerated: 0,
        claimed: 0,
        forgotten: 0,
        unusable: 0,
        rejected: Vec::new(),
        zero_reason: Some(ZeroReason::NothingWaiting),
    };
    let requested = RunRequested { trigger: Trigger::Schedule, oldest: 100 };
    let events = vec![
        new(Expected::New, Event::RunRequested(requested)),
        new(Expected::After(Version(0)), Event::RunEnumerated(found)),
    ];
    log.append(events).await.unwrap();
    log.close().await;
}

#[test]
fn a_second_process_says_who_runs_and_leaves() {
    let (_folder, here, _server) = site();
    let process = keeping(&here, &[]);
    let holder = format!("process {} ", process.0.id());
    let lock = || std::fs::read_to_string(here.join("data/run.lock")).unwrap_or_default();
    until("the first to hold the lock", || lock().starts_with(&holder).then_some(()));
    let second = run(&here, &["run", "--once"]).expect(0);
    assert_eq!((second.stdout.as_str(), second.stderr.as_str()), ("", ""), "cron has nothing to mail");
    let second = run(&here, &["run", "--once", "--json"]).expect(0);
    assert!(second.json()["running"].as_str().unwrap().contains(&holder), "{}", second.stdout);
    let demo = run(here.parent().unwrap(), &["demo", "--dir", "here"]).expect(0);
    assert!(demo.stdout.contains("another process"), "{}", demo.stdout);
    assert_eq!(process.stop(), Some(0));
}

#[test]
fn a_second_process_that_keeps_the_schedule_waits_for_its_turn() {
    let (_folder, here, _server) = site();
    let lock = || std::fs::read_to_string(here.join("data/run.lock")).unwrap_or_default();
    let holds = |process: &Running| {
        let holder = format!("process {} ", process.0.id());
        move || lock().starts_with(&holder).then_some(())
    };
    let first = keeping(&here, &[]);
    until("the first to hold the lock", holds(&first));
    let waiting = keeping(&here, &[]);
    let mut stopped = Running(program(&here, &["run"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut told = String::new();
    BufReader::new(stopped.0.stdout.take().unwrap()).read_line(&mut told).unwrap();
    assert!(told.contains("waiting until it ends"), "{told}");
    assert_eq!(stopped.stop(), Some(0), "one that waits can be stopped");
    assert_eq!(first.stop(), Some(0));
    until("the second to hold the lock", holds(&waiting));
    assert_eq!(waiting.stop(), Some(0));
}
