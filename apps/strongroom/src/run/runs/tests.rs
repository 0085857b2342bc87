use strongroom_model::Event;

use super::*;
use crate::run::testing::{Site, archived, backed_up, booking, enumerated, fetched, found};

const LINES: &str = "[schedule]\nevery = \"2m\"\ngrace = \"15m\"\n";

/// Keeps a schedule of runs that take one booking each.
async fn keeper(site: &Site) -> Runs {
    let lines = format!("{LINES}[enumerate]\noldest = 1\n");
    Runs::new(&site.config(&lines), &site.log, &site.clock, &site.actor()).await.unwrap()
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

/// Time passes, and is looked at each minute.
async fn pass(site: &Site, runs: &mut Runs, minutes: u64) {
    for _ in 0..minutes {
        site.wait(60);
        runs.turn(true).await.unwrap();
    }
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
    for id in ["B-1", "B-2"] {
        site.happens(&booking(id), enumerated()).await;
        site.happens(&booking(id), fetched()).await;
    }
    site.happens(&newest(&site).await, found(2)).await;
    for (minutes, expected) in [(3, 1), (15, 2)] {
        pass(&site, &mut runs, minutes).await;
        assert_eq!(asked(&site).await, expected);
    }
}

#[tokio::test]
async fn a_run_begins_while_the_last_files_of_the_one_before_are_proven() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    for id in ["B-1", "B-2"] {
        site.happens(&booking(id), enumerated()).await;
    }
    site.happens(&newest(&site).await, found(2)).await;
    site.happens(&booking("B-1"), fetched()).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1, "the slot has not come");
    site.wait(120);
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1, "one file is not on the drive");
    site.happens(&booking("B-2"), fetched()).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1, "more are left than a run takes");
    site.happens(&booking("B-1"), backed_up()).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1, "one is still to be archived");
    site.happens(&booking("B-1"), archived()).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 2);
    site.wait(120);
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 2, "that one has not asked the server yet");
}

#[tokio::test]
async fn r8_runs_that_overlap_end_the_alarm_that_none_happens() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    pass(&site, &mut runs, 18).await;
    assert!(overdue(&site).await);
    site.happens(&booking("B-1"), enumerated()).await;
    site.happens(&booking("B-1"), fetched()).await;
    site.happens(&newest(&site).await, found(1)).await;
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 2);
    assert!(!overdue(&site).await);
}

#[tokio::test]
async fn a_run_that_has_a_summary_of_its_own_is_waited_for_to_its_end() {
    let site = Site::new().await;
    let config = site.config(&format!("{LINES}[enumerate]\noldest = 1\n[mail]\nsummary = \"run\"\n"));
    let mut runs = Runs::new(&config, &site.log, &site.clock, &site.actor()).await.unwrap();
    runs.turn(true).await.unwrap();
    site.happens(&booking("B-1"), enumerated()).await;
    site.happens(&newest(&site).await, found(1)).await;
    site.happens(&booking("B-1"), fetched()).await;
    site.wait(120);
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 1);
}

#[tokio::test]
async fn r8_a_run_that_does_not_move_is_told_and_its_end_too() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    runs.turn(true).await.unwrap();
    pass(&site, &mut runs, 18).await;
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
    pass(&site, &mut runs, 18).await;
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
    for (minutes, told) in [(0, false), (15, false), (5, true)] {
        for _ in 0..minutes {
            site.wait(60);
            other.watch().await.unwrap();
        }
        assert_eq!(overdue(&site).await, told, "after {minutes} min more");
    }
}

#[tokio::test]
async fn a_clock_that_leaps_in_the_middle_of_a_run_makes_it_neither_late_nor_the_next_one_early() {
    for hours in [24 * 3653, -1, -24 * 20_000] {
        let site = Site::new().await;
        let mut runs = keeper(&site).await;
        runs.turn(true).await.unwrap();
        site.clock.advance(SignedDuration::from_hours(hours));
        pass(&site, &mut runs, 10).await;
        assert!(!overdue(&site).await, "{hours} h");
        assert_eq!(asked(&site).await, 1, "{hours} h");
        site.happens(&newest(&site).await, found(0)).await;
        pass(&site, &mut runs, 3).await;
        assert_eq!(asked(&site).await, 2, "{hours} h");
    }
}

#[tokio::test]
async fn r8_a_clock_that_was_ahead_for_one_run_neither_stops_the_schedule_nor_its_watch() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    site.wait(3653 * 24 * 3600);
    runs.turn(true).await.unwrap();
    site.happens(&newest(&site).await, found(0)).await;
    site.clock.set("2026-11-20T23:10:00Z".parse().unwrap());
    let (mut runs, mut other) = (keeper(&site).await, keeper(&site).await);
    for _ in 0..20 {
        site.wait(60);
        other.watch().await.unwrap();
    }
    assert!(overdue(&site).await, "nobody asked for runs");
    runs.turn(true).await.unwrap();
    assert_eq!(asked(&site).await, 2);
}

#[tokio::test]
async fn r8_runs_that_did_not_happen_while_the_host_slept_are_told_and_the_run_under_way_is_not_late() {
    let site = Site::new().await;
    let mut runs = keeper(&site).await;
    pass(&site, &mut runs, 1).await;
    site.wait(8 * 3600);
    pass(&site, &mut runs, 10).await;
    assert!(!overdue(&site).await, "it goes on where it was");
    site.happens(&newest(&site).await, found(0)).await;
    pass(&site, &mut runs, 1).await;
    assert_eq!(asked(&site).await, 2);
    site.happens(&newest(&site).await, found(0)).await;
    site.wait(8 * 3600);
    runs.turn(true).await.unwrap();
    assert!(overdue(&site).await, "none began for eight hours");
    assert_eq!(asked(&site).await, 3, "the next one begins at once");
    site.happens(&newest(&site).await, found(0)).await;
    runs.turn(true).await.unwrap();
    assert!(!overdue(&site).await);
}

#[tokio::test]
async fn r9_a_run_whose_request_cannot_be_read_does_not_hold_up_the_next_one() {
    let site = Site::new().await;
    keeper(&site).await.turn(true).await.unwrap();
    let script = "import sqlite3\n\
        log = sqlite3.connect('log.sqlite')\n\
        for (name,) in log.execute(\"SELECT name FROM sqlite_schema WHERE type = 'trigger'\").fetchall():\n\
        \x20   log.execute(f'DROP TRIGGER \"{name}\"')\n\
        assert log.execute(\"UPDATE event SET body = replace(body, 'trigger', 'imagined')\").rowcount == 1\n\
        log.commit()\n";
    let mut python = std::process::Command::new("python3");
    let output = python.args(["-c", script]).current_dir(site.folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let unreadable = newest(&site).await;
    let mut runs = keeper(&site).await;
    pass(&site, &mut runs, 3).await;
    assert_ne!(newest(&site).await, unreadable, "the next slot has a run");
    site.happens(&newest(&site).await, found(0)).await;
    pass(&site, &mut runs, 3).await;
    assert_eq!(site.log.head().await.unwrap().size, 4, "and so has the one after it");
}
