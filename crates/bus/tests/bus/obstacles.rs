//! What is in a stage's way pauses it: one alarm when it begins, one when it ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strongroom_bus::{Idle, StageContext};
use strongroom_model::booking::Phase;
use strongroom_model::event::{AlarmKey, AlarmKind, AlarmRaised};
use strongroom_model::{Event, StageName, StreamName};
use tokio::time::sleep;

use crate::rig::{Fake, Play, Rig, id, ids, obstacle, settled, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

/// What was said of an alarm's last end.
async fn over(rig: &Rig, obstacle: &AlarmRaised) -> String {
    let stream = StreamName::alarm(&AlarmKey::new(obstacle.kind, &obstacle.subject));
    match rig.log.stream(&stream).await.unwrap().pop().unwrap().event {
        Event::AlarmCleared(over) => over.message,
        other => panic!("it is not over: {other:?}"),
    }
}

#[tokio::test]
async fn r6_an_obstacle_raises_one_alarm_and_costs_no_attempt() {
    let rig = Rig::with(&ids(30)).await;
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("the alarm", || async { rig.alarm(&obstacle()).await == [true] }).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true]);
    assert_eq!(stage.calls(), 0, "nothing is tried");
    assert_eq!(pipeline.progress()[0].paused.as_ref().unwrap().obstacle, obstacle());

    stage.block(None);
    settled(&pipeline, &FETCH).await;
    until("the end", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    assert!(pipeline.progress()[0].paused.is_none());
    rig.each_was_fetched_at_the_first_attempt(&ids(30)).await;
}

#[tokio::test]
async fn an_obstacle_found_at_work_keeps_one_alarm_however_often_it_comes_back() {
    let rig = Rig::with(&ids(3)).await;
    // The drive has room, says `ready`, but not for these files, six times over.
    let left = Arc::new(AtomicUsize::new(6));
    let script = left.clone();
    let stage = Fake::new(StageName::Fetch, move |_| {
        let obstructed = script.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if obstructed { Play::obstructed() } else { Play::done(StageName::Fetch) }
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    until("the end", || async { rig.alarm(&obstacle()).await.len() == 2 }).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true, false]);
    assert_eq!(left.load(Ordering::SeqCst), 0);
    for id in ids(3) {
        assert_eq!(rig.booking(&id).await.failures, 0);
    }
}

#[tokio::test]
async fn an_obstacle_that_never_ends_does_not_make_it_spin() {
    let rig = Rig::with(&ids(3)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::obstructed());
    let pipeline = rig.start(&rig.wiring(), &stage);
    sleep(Duration::from_millis(1000)).await;
    assert!((2..=40).contains(&stage.calls()), "{} calls in a second, with pauses of 50 ms", stage.calls());
    assert_eq!(rig.alarm(&obstacle()).await, [true]);
    drop(pipeline);
}

#[tokio::test]
async fn each_obstacle_in_a_row_raises_its_alarm() {
    let rig = Rig::with(&ids(1)).await;
    let other = AlarmRaised { kind: AlarmKind::DriveReadOnly, ..obstacle() };
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("the first", || async { rig.alarm(&obstacle()).await == [true] }).await;
    stage.block(Some(other.clone()));
    until("the second", || async {
        rig.alarm(&obstacle()).await == [true, false] && rig.alarm(&other).await == [true]
    })
    .await;
    stage.block(None);
    until("its end", || async { rig.alarm(&other).await == [true, false] }).await;
    settled(&pipeline, &FETCH).await;
}

#[tokio::test]
async fn a_full_drive_is_not_called_well_while_it_is_missing() {
    let rig = Rig::with(&ids(1)).await;
    let full = AlarmRaised { kind: AlarmKind::DriveFull, ..obstacle() };
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(full.clone()));
    let _pipeline = rig.start(&rig.wiring(), &stage);
    until("the first", || async { rig.alarm(&full).await == [true] }).await;
    stage.block(Some(obstacle()));
    until("the second", || async { rig.alarm(&obstacle()).await == [true] }).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.alarm(&full).await, [true], "it may still be full");
    stage.block(None);
    for alarm in [full, obstacle()] {
        until("its end", || async { rig.alarm(&alarm).await == [true, false] }).await;
    }
}

#[tokio::test]
async fn a_restart_clears_the_alarm_that_an_earlier_process_left() {
    let rig = Rig::with(&ids(2)).await;
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("the alarm", || async { rig.alarm(&obstacle()).await == [true] }).await;
    rig.kill(&wiring, pipeline).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true]);

    // Still in the way: nothing changes, in that process nor in the next.
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("it is paused", || async { pipeline.progress()[0].paused.is_some() }).await;
    rig.kill(&wiring, pipeline).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true]);

    stage.block(None);
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("the end", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    settled(&pipeline, &FETCH).await;
    sleep(Duration::from_millis(150)).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true, false]);
}

#[tokio::test]
async fn a_restart_without_work_clears_it_once_it_has_been_quiet() {
    let rig = Rig::new().await;
    rig.context(StageName::Fetch).alarms().raise(&obstacle(), None).await.unwrap();
    let pipeline = rig.start(&rig.wiring(), &Fake::working(StageName::Fetch));
    until("the end", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    drop(pipeline);
}

#[tokio::test]
async fn a_stage_leaves_alarms_alone_that_are_not_its_obstacles() {
    let rig = Rig::new().await;
    let unwritable = AlarmRaised { kind: AlarmKind::DriveReadOnly, ..obstacle() };
    rig.context(StageName::Verify).alarms().raise(&unwritable, None).await.unwrap();
    let wrong = AlarmRaised { kind: AlarmKind::RecordWrong, subject: "B-1".to_owned(), ..obstacle() };
    rig.context(StageName::Fetch).alarms().raise(&wrong, None).await.unwrap();
    rig.enumerate(&ids(1)).await;
    let other = AlarmRaised { kind: AlarmKind::DriveFailing, ..obstacle() };
    let cause = rig.history(&id("B-0")).await.pop();
    rig.context(StageName::Fetch).alarms().raise(&other, cause.as_ref()).await.unwrap();
    let pipeline = rig.start(&rig.wiring(), &Fake::working(StageName::Fetch));
    settled(&pipeline, &FETCH).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.alarm(&unwritable).await, [true], "another stage met it at work");
    assert_eq!(rig.alarm(&wrong).await, [true], "it is about a booking, and no obstacle");
    assert_eq!(rig.alarm(&other).await, [true], "a booking's event led to it: the stage clears it itself");
    drop(pipeline);
}

#[tokio::test]
async fn r6_an_idle_stages_obstacle_raises_one_alarm_and_clears_it() {
    let rig = Rig::new().await;
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let pipeline = rig.start(&rig.wiring(), &stage);
    let checked = || async { pipeline.progress()[0].readiness_known };
    until("the first check", checked).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true], "it is raised before the check counts");
    sleep(Duration::from_millis(200)).await;
    stage.block(None);
    until("its end", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(rig.log.head().await.unwrap().size, 2, "a check that finds what the last one found writes nothing");
    assert_eq!(over(&rig, &obstacle()).await, "the drive at drive can be used");
    // It goes away once more, and nothing is to be done.
    stage.block(Some(obstacle()));
    until("the next one", || async { rig.alarm(&obstacle()).await == [true, false, true] }).await;
    assert_eq!(pipeline.progress()[0].paused.as_ref().unwrap().obstacle, obstacle());
}

#[tokio::test]
async fn what_any_look_shows_is_over_when_another_stage_looks() {
    let rig = Rig::new().await;
    rig.context(StageName::Verify).alarms().raise(&obstacle(), None).await.unwrap();
    let pipeline = rig.start(&rig.wiring(), &Fake::working(StageName::Fetch));
    until("the first check", || async { pipeline.progress()[0].readiness_known }).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true, false]);
}

#[tokio::test]
async fn a_full_drive_that_a_stage_found_is_that_stages_to_say() {
    let rig = Rig::new().await;
    let full = AlarmRaised { kind: AlarmKind::DriveFull, ..obstacle() };
    rig.context(StageName::Fetch).alarms().raise(&full, None).await.unwrap();
    let verify = rig.start(&rig.wiring(), &Fake::working(StageName::Verify));
    until("the first check", || async { verify.progress()[0].readiness_known }).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.alarm(&full).await, [true], "verify needs no room");
    let fetch = rig.start(&rig.wiring(), &Fake::working(StageName::Fetch));
    until("its end", || async { rig.alarm(&full).await == [true, false] }).await;
    drop((verify, fetch));
}

#[tokio::test]
async fn a_drive_that_is_well_on_one_host_may_be_missing_on_another() {
    let rig = Rig::new().await;
    let there = StageContext { actor: "fetch@there".parse().unwrap(), ..rig.context(StageName::Fetch) };
    there.alarms().raise(&obstacle(), None).await.unwrap();
    rig.sign("there", false).await;
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &Fake::working(StageName::Fetch));
    until("the first check", || async { pipeline.progress()[0].readiness_known }).await;
    sleep(Duration::from_millis(300)).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true], "a process is alive there, and says when it is over");
    // That host is gone, or has another name now.
    rig.sign("there", true).await;
    until("its end", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    drop(pipeline);
}

#[tokio::test]
async fn what_was_settled_before_the_obstacle_stays_settled() {
    let rig = Rig::with(&ids(8)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.stream.id() {
        "B-0" | "B-1" | "B-2" => Play::done(StageName::Fetch),
        _ => Play::obstructed(),
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    let idle = pipeline.idle(&FETCH, Duration::from_millis(300)).await;
    assert!(matches!(idle, Ok(Idle::Paused(ref alarm)) if *alarm == obstacle()), "{idle:?}");
    assert_eq!(rig.booking(&id("B-2")).await.phase, Phase::Fetched);
    assert_eq!(rig.history(&id("B-5")).await.len(), 1);
}

#[tokio::test]
async fn an_obstacle_met_at_work_lasts_until_that_work_succeeds() {
    let rig = Rig::with(&ids(2)).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let script = calls.clone();
    // After the obstacle, others seem to have the work: that shows nothing about the drive.
    let stage = Fake::new(StageName::Fetch, move |_| match script.fetch_add(1, Ordering::SeqCst) {
        0..2 => Play::obstructed(),
        2..12 => Play::superseded(),
        _ => Play::done(StageName::Fetch),
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("others have it", || async { calls.load(Ordering::SeqCst) >= 8 }).await;
    assert_eq!(rig.alarm(&obstacle()).await, [true]);
    until("it is done", || async { rig.alarm(&obstacle()).await == [true, false] }).await;
    assert!(
        rig.booking(&id("B-0")).await.phase == Phase::Fetched || rig.booking(&id("B-1")).await.phase == Phase::Fetched
    );
    drop(pipeline);
}

#[tokio::test]
async fn an_obstacle_that_comes_and_goes_ends_ever_more_slowly_and_ends() {
    let rig = Rig::new().await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = rig.start(&rig.wiring(), &stage);
    let mut changes = Vec::new();
    for n in 0..20 {
        stage.block(Some(obstacle()));
        rig.enumerate(&[id(&format!("B-{n}"))]).await;
        until("it is paused", || async { pipeline.progress()[0].paused.is_some() }).await;
        stage.block(None);
        settled(&pipeline, &FETCH).await;
        changes = rig.alarm(&obstacle()).await;
    }
    assert_eq!(changes, [true, false, true, false, true, false, true], "the fourth time it stays raised for a while");
    rig.clock.advance(Duration::from_secs(90));
    let again = rig.start(&rig.wiring(), &stage);
    until("its end", || async { rig.alarm(&obstacle()).await.len() == 8 }).await;
    drop((pipeline, again));
}
