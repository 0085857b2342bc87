use strongroom_model::event::{AlarmCleared, AlarmKey, DriveInitialised, RunRequested, Trigger};

use strongroom_model::{AlarmKind, Event, Recorded, RunId, StreamName};

use super::*;
use crate::samples;

fn alarm(version: u64, event: Event) -> Recorded {
    samples::recorded(StreamName::alarm(&AlarmKey::new(AlarmKind::DriveFull, "blue")), version, event)
}

fn raised() -> Recorded {
    let data = strongroom_model::event::AlarmRaised {
        kind: AlarmKind::DriveFull,
        subject: "blue".to_owned(),
        message: "the drive is full".to_owned(),
        next_step: "plug in the next drive".to_owned(),
    };
    alarm(0, Event::AlarmRaised(data))
}

fn requested(last: u8) -> Recorded {
    let id: RunId = format!("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a{last:02x}").parse().unwrap();
    samples::recorded(StreamName::run(id), 0, Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest: 9 }))
}

#[tokio::test]
async fn the_json_has_the_promised_shape() {
    let mut events = samples::life("B-1");
    events.push(samples::enumerated("B-2"));
    events.push(samples::failed("B-2", Some("2026-11-21T00:00:00Z")));
    events.push(requested(0x52));
    let (_folder, log) = samples::log_of(events).await;
    let drive = DriveState {
        id: Some(samples::drive()),
        label: Some("blue 1".to_owned()),
        state: "ready".to_owned(),
        free_bytes: Some(5 << 30),
    };
    let observed = Observed { waiting: Some(3), drives: vec![drive], ..Observed::default() };
    let status = Status::read(&log, observed).await.unwrap();
    insta::assert_json_snapshot!(status, { ".log.root" => "[root]" });
}

#[tokio::test]
async fn what_the_server_does_not_say_is_unknown_and_never_zero() {
    let (_folder, log) = samples::log_of(samples::life("B-1")).await;
    let status = Status::read(&log, Observed::default()).await.unwrap();
    let json = serde_json::to_value(&status).unwrap();
    assert_eq!(json["bookings"]["waiting"], serde_json::Value::Null);
    assert_eq!(json["last_run"], serde_json::Value::Null);
}

#[tokio::test]
async fn before_the_first_run_the_root_is_that_of_an_empty_log() {
    let (_folder, log) = samples::log_of(Vec::new()).await;
    let empty = Status::read(&log, Observed::default()).await.unwrap();
    assert_eq!(Status::before_the_first_run(log.site().clone(), Observed::default()), empty);
}

#[tokio::test]
async fn an_alarm_is_shown_until_it_is_cleared() {
    let (_folder, log) = samples::log_of(vec![raised()]).await;
    let status = Status::read(&log, Observed::default()).await.unwrap();
    assert_eq!(status.alarms.len(), 1);
    assert!(status.has_problems());
    let over = alarm(1, Event::AlarmCleared(AlarmCleared { message: "there is room".to_owned() }));
    log.append(vec![samples::new(over)]).await.unwrap();
    let observed = || Observed { waiting: Some(0), ..Observed::default() };
    assert!(!Status::read(&log, observed()).await.unwrap().has_problems());
    let unknown = Observed { waiting: None, ..observed() };
    assert!(Status::read(&log, unknown).await.unwrap().has_problems(), "what is unknown is not well");
    let overdue = Observed { overdue: Some("a run was due".to_owned()), ..observed() };
    assert!(Status::read(&log, overdue).await.unwrap().has_problems());
}

#[tokio::test]
async fn a_drive_that_the_log_knows_is_shown_though_it_is_away() {
    let label = "blue 1".to_owned();
    let event = Event::DriveInitialised(DriveInitialised { label: label.clone() });
    let (_folder, log) = samples::log_of(vec![samples::recorded(StreamName::drive(samples::drive()), 0, event)]).await;
    let drives = Status::read(&log, Observed::default()).await.unwrap().drives;
    let away = DriveState {
        id: Some(samples::drive()),
        label: Some(label),
        state: "not-attached".to_owned(),
        free_bytes: None,
    };
    assert_eq!(drives, [away]);
}

#[tokio::test]
async fn the_last_run_is_the_one_that_began_last() {
    let (_folder, log) = samples::log_of(vec![requested(0x53), requested(0x52)]).await;
    let run = Status::read(&log, Observed::default()).await.unwrap().last_run.unwrap();
    assert_eq!((run.id.to_string().ends_with("52"), run.state), (true, RunState::Due));
}
