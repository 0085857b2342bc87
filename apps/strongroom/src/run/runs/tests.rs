use strongroom_model::Event;

use super::*;
use crate::run::testing::{Site, booking, enumerated, fetched, found};

const LINES: &str = "[schedule]\nevery = \"2m\"\ngrace = \"15m\"\n";

async fn keeper(site: &Site) -> Runs {
    Runs::new(&site.config(LINES), &site.log, &site.clock, &site.actor()).await.unwrap()
}

async fn asked(site: &Site) -> usize {
    site.count(|event| matches!(event, Event::RunRequested(_))).await
}

async fn newest(site: &Site) -> StreamName {
    request::newest(&site.log).await.unwrap().unwrap().stream
}

async fn overdue(site: &Site) -> bool {
    raised_alarms(&site.log).await.unwrap().iter().any(|alarm| alarm.kind == AlarmKind::RunOverdue)
}

#[tokio::test]
async fn r3_two_that_keep_one_schedule_ask_for_one_run_in_each_slot() {
    let site = Site::new().await;
    let (mut one, mut other) = (keeper(&site).await, keeper(&site).await);
    for runs in 1..=3 {
        for keeper in [&mut one, &mut other] {
            keeper.turn(true).await.unwrap();
        }
        assert_eq!(asked(&site).await, runs);
        site.happens(&newest(&site).await, found(0)).await;
        for keeper in [&mut other, &mut one] {
            keeper.turn(true).await.unwrap();
        }
        assert_eq!(asked(&site).await, runs, "the next slot has not come");
        site.wait(120);
    }
}

#[tokio::test]
async fn a_run_waits_for_the_one_before_whoever_works_on_it() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    site.happens(&newest(&site).await, found(1)).await;
    site.happens(&booking("B-1"), enumerated()).await;
    site.wait(121);
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1);
    site.happens(&booking("B-1"), crate::run::testing::failed(None)).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 2);
}

#[tokio::test]
async fn copies_on_a_drive_that_nobody_has_do_not_hold_up_the_others_for_ever() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    site.happens(&newest(&site).await, found(1)).await;
    site.happens(&booking("B-1"), enumerated()).await;
    site.happens(&booking("B-1"), fetched()).await;
    for (seconds, expected) in [(121, 1), (15 * 60, 2)] {
        site.wait(seconds);
        runs.turn(true).await.unwrap();
        assert_eq!(asked(&site).await, expected);
    }
}

#[tokio::test]
async fn r8_a_run_that_does_not_move_is_told_and_its_end_too() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    runs.turn(true).await.unwrap();
    site.wait(18 * 60);
    runs.turn(true).await.unwrap();
    assert!(overdue(&site).await);
    site.happens(&newest(&site).await, found(0)).await;
    runs.turn(false).await.unwrap();
    assert!(!overdue(&site).await);
}

#[tokio::test]
async fn what_is_in_the_way_has_an_alarm_of_its_own() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    let alarm = AlarmRaised {
        kind: AlarmKind::ServerUnreachable,
        subject: "server".to_owned(),
        message: "it does not answer".to_owned(),
        next_step: "look".to_owned(),
    };
    runs.alarms.raise(&alarm, None).await.unwrap();
    runs.turn(true).await.unwrap();
    site.wait(18 * 60);
    runs.turn(true).await.unwrap();
    assert!(!overdue(&site).await);
}

#[tokio::test]
async fn nothing_is_asked_for_where_there_may_be_no_run() {
    let site = Site::new().await;
    keeper(&site).await.turn(false).await.unwrap();
    assert_eq!(asked(&site).await, 0);
}

#[tokio::test]
async fn r8_that_nobody_asks_for_runs_is_told_by_another() {
    let site = Site::new().await;
    keeper(&site).await.turn(true).await.unwrap();
    site.happens(&newest(&site).await, found(0)).await;
    let mut other = keeper(&site).await;
    for (minutes, told) in [(0, false), (10, false), (10, true)] {
        site.wait(minutes * 60);
        other.watch().await.unwrap();
        assert_eq!(overdue(&site).await, told, "after {minutes} min more");
    }
}
