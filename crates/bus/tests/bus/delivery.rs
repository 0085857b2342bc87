//! What is pending reaches its stage, once at a time, however often and late.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_bus::{BatchLimits, Fate, Idle, Pipeline, RetryPolicy, Wiring};
use strongroom_model::booking::Phase;
use strongroom_model::{Expected, StageName, StreamName, Version};
use tokio::time::sleep;

use crate::rig::{Fake, PATIENCE, Play, Rig, actor, done, enumerated, id, ids, open, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_duplicate_delivery_changes_nothing() {
    let rig = Rig::new().await;
    let ids = ids(40);
    rig.enumerate(&ids).await;
    // Two processes, each with the file open for itself, and two runners in one of them.
    let elsewhere = Wiring { log: open(rig.dir.path()).await, ..rig.wiring() };
    let here = rig.wiring();
    let mut stages = Vec::new();
    let mut pipelines = Vec::new();
    for wiring in [&here, &here, &elsewhere] {
        let mut stage = Fake::working(StageName::Fetch);
        stage.takes = Duration::from_millis(3);
        pipelines.push(rig.start(wiring, &stage));
        stages.push(stage);
    }
    for pipeline in &pipelines {
        assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    }
    for id in &ids {
        assert_eq!(rig.history(id).await.len(), 2, "{id} was fetched once");
    }
    let done: u64 = pipelines.iter().map(|pipeline| pipeline.progress()[0].counts.done).sum();
    assert_eq!(done, 40);
    assert!(stages.iter().map(Fake::given).sum::<usize>() >= 40);
}

#[tokio::test]
async fn r3_a_late_delivery_never_reaches_the_stage() {
    let rig = Rig::new().await;
    let ids = ids(6);
    rig.enumerate(&ids).await;
    let mut slow = Fake::working(StageName::Fetch);
    slow.limits = BatchLimits { tasks: 2, batches: 1 };
    slow.takes = Duration::from_secs(1);
    let pipeline = rig.start(&rig.wiring(), &slow);
    // Two are under way, two wait in the channel, and one more for room in it.
    until("it is at work", || async { pipeline.progress()[0].in_flight >= 5 }).await;
    let duplicate = Fake::working(StageName::Fetch);
    let other = rig.start(&rig.wiring(), &duplicate);
    assert!(matches!(other.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    assert_eq!((slow.given(), duplicate.given()), (2, 6));
    assert_eq!(pipeline.progress()[0].counts.done, 0);
    assert!(pipeline.progress()[0].counts.duplicates >= 5, "{:?}", pipeline.progress());
}

#[tokio::test]
async fn no_stream_is_in_flight_twice_in_one_process() {
    let rig = Rig::new().await;
    let ids = ids(30);
    rig.enumerate(&ids).await;
    let mut stage = Fake::working(StageName::Fetch);
    stage.limits = BatchLimits { tasks: 3, batches: 4 };
    stage.takes = Duration::from_millis(10);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    // The log was looked through from its start several times meanwhile.
    assert_eq!(stage.given(), 30);
    let seen: HashSet<StreamName> =
        stage.batches.lock().unwrap().iter().flatten().map(|task| task.stream.clone()).collect();
    assert_eq!(seen.len(), 30);
}

#[tokio::test]
async fn limits_of_tasks_and_of_batches_are_kept_and_used() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(60)).await;
    let mut stage = Fake::working(StageName::Fetch);
    stage.limits = BatchLimits { tasks: 5, batches: 3 };
    stage.takes = Duration::from_millis(20);
    let pipeline = rig.start(&rig.wiring(), &stage);
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    assert_eq!(stage.busiest.load(Ordering::SeqCst), 3);
    let sizes: Vec<usize> = stage.batches.lock().unwrap().iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size <= 5), "{sizes:?}");
    assert!(sizes.len() <= 20, "the batches were filled: {sizes:?}");
}

#[tokio::test]
async fn what_waits_in_this_process_is_bounded() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1000)).await;
    let mut stage = Fake::new(StageName::Fetch, |_| Play::Hang);
    stage.limits = BatchLimits { tasks: 4, batches: 2 };
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("both batches", || async { stage.calls() == 2 }).await;
    sleep(Duration::from_millis(100)).await;
    // Two batches of 4 under way, one of 4 in the channel, one that waits for room in it.
    let in_flight = pipeline.progress()[0].in_flight;
    assert!((8..=13).contains(&in_flight), "{in_flight}");
    rig.kill(&wiring, pipeline).await;
}

#[tokio::test]
async fn r2_a_restart_finds_what_is_pending() {
    let rig = Rig::new().await;
    let ids = ids(20);
    rig.enumerate(&ids).await;
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stuck);
    until("it is stuck", || async { stuck.calls() == 2 }).await;
    rig.kill(&wiring, pipeline).await;

    let stage = Fake::working(StageName::Fetch);
    let pipeline = rig.start(&rig.wiring(), &stage);
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    for id in &ids {
        assert_eq!(rig.booking(id).await.phase, Phase::Fetched);
        assert_eq!(rig.booking(id).await.failures, 0, "a kill burns no attempt");
    }
}

#[tokio::test]
async fn what_another_process_appends_is_found() {
    let rig = Rig::new().await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = rig.start(&rig.wiring(), &stage);
    sleep(Duration::from_millis(30)).await;
    let elsewhere = open(rig.dir.path()).await;
    let event = rig.new_event(StreamName::booking(&id("B-1")), Expected::New, enumerated());
    elsewhere.append(vec![event]).await.unwrap();
    until("it is fetched", || async { rig.booking(&id("B-1")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
}

#[tokio::test]
async fn a_stage_gets_the_state_of_that_moment() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1)).await;
    let stage = Fake::working(StageName::Fetch);
    let next = Fake::working(StageName::Verify);
    let mut pipeline = Pipeline::new(rig.wiring());
    pipeline.spawn(stage.clone(), actor(StageName::Fetch));
    pipeline.spawn(next.clone(), actor(StageName::Verify));
    let both = [StageName::Fetch, StageName::Verify];
    assert!(matches!(pipeline.idle(&both, PATIENCE).await, Ok(Idle::NothingLeft)));
    let batches = next.batches.lock().unwrap().clone();
    let task = &batches[0][0];
    assert_eq!((task.version, task.state.phase), (Version(1), Phase::Fetched));
    assert_eq!(task.trigger.event, done(StageName::Fetch));
    let last = rig.history(&id("B-0")).await.pop().unwrap();
    assert_eq!(last.cause, Some(task.trigger.id));
    assert_eq!(last.actor, actor(StageName::Verify));
}

#[tokio::test]
async fn a_retry_comes_when_it_is_due_and_not_before() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.state.failures {
        0 => Play::fail(Fate::Retry),
        _ => Play::done(StageName::Fetch),
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("it failed", || async { rig.booking(&id("B-0")).await.failures == 1 }).await;
    rig.clock.advance(Duration::from_secs(9));
    sleep(Duration::from_millis(100)).await;
    assert_eq!(stage.given(), 1, "the policy says 10 s");
    rig.clock.advance(Duration::from_secs(4));
    until("it was tried again", || async { rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
}

#[tokio::test]
async fn attempts_that_are_used_up_need_a_person() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::fail(Fate::Retry));
    let wiring = Wiring { retry: RetryPolicy { delays: vec![Duration::ZERO], max_attempts: 3 }, ..rig.wiring() };
    let pipeline = rig.start(&wiring, &stage);
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    let attempts: Vec<(u32, bool)> = (rig.history(&id("B-0")).await.iter())
        .filter_map(|event| event.event.failure())
        .map(|failed| (failed.attempt, failed.retry_at.is_some()))
        .collect();
    assert_eq!(attempts, [(1, true), (2, true), (3, false)]);
    assert!(rig.booking(&id("B-0")).await.needs_attention());
}

#[tokio::test]
async fn a_retry_for_ever_outlives_every_attempt() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.state.failures {
        0..9 => Play::fail(Fate::RetryForever),
        _ => Play::done(StageName::Fetch),
    });
    let wiring = Wiring { retry: RetryPolicy { delays: vec![], max_attempts: 3 }, ..rig.wiring() };
    let pipeline = rig.start(&wiring, &stage);
    assert!(matches!(pipeline.idle(&FETCH, PATIENCE).await, Ok(Idle::NothingLeft)));
    assert_eq!(rig.booking(&id("B-0")).await.phase, Phase::Fetched);
}

#[tokio::test]
async fn a_clock_that_is_put_back_strands_no_retry() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.state.failures {
        0 => Play::fail(Fate::Retry),
        _ => Play::done(StageName::Fetch),
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("it failed", || async { rig.booking(&id("B-0")).await.failures == 1 }).await;
    rig.clock.set("1999-12-31T23:59:59Z".parse().unwrap());
    until("it was tried again", || async { rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
}

#[tokio::test]
async fn what_another_worker_has_claimed_is_delivered_again_later() {
    let rig = Rig::new().await;
    rig.enumerate(&ids(2)).await;
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let stage = Fake::new(StageName::Fetch, move |task| {
        // The other process that seemed to have claimed B-0 has died.
        if task.stream.id() == "B-0" && calls.fetch_add(1, Ordering::SeqCst) == 0 {
            Play::superseded()
        } else {
            Play::done(StageName::Fetch)
        }
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("it was fetched after all", || async { rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
}
