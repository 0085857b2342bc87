//! What is pending reaches its stage, once at a time, however often and late.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_bus::{Fate, Pipeline, RetryPolicy, Wiring};
use strongroom_model::booking::Phase;
use strongroom_model::{Expected, StageName, StreamName, Version};
use tokio::time::sleep;

use crate::rig::{Fake, Play, Rig, actor, done, enumerated, id, ids, open, settled, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_duplicate_delivery_changes_nothing() {
    let ids = ids(40);
    let rig = Rig::with(&ids).await;
    // Two processes, each with the file open for itself, and two runners in one of them.
    let elsewhere = Wiring { log: open(rig.dir.path()).await, ..rig.wiring() };
    let here = rig.wiring();
    let mut stages = Vec::new();
    let mut pipelines = Vec::new();
    for wiring in [&here, &here, &elsewhere] {
        let stage = Fake::working(StageName::Fetch).taking(3);
        pipelines.push(rig.start(wiring, &stage));
        stages.push(stage);
    }
    for pipeline in &pipelines {
        settled(pipeline, &FETCH).await;
    }
    rig.each_was_fetched_once(&ids).await;
    let done: u64 = pipelines.iter().map(|pipeline| pipeline.progress()[0].counts.done).sum();
    assert_eq!(done, 40);
    assert!(stages.iter().map(Fake::given).sum::<usize>() >= 40);
}

#[tokio::test]
async fn r3_a_late_delivery_never_reaches_the_stage() {
    let ids = ids(6);
    let rig = Rig::with(&ids).await;
    let slow = Fake::working(StageName::Fetch).limited(2, 1).taking(1_000);
    let pipeline = rig.start(&rig.wiring(), &slow);
    // Two are under way, two wait in the channel, and one more for room in it.
    until("it is at work", || async { pipeline.progress()[0].in_flight >= 5 }).await;
    let duplicate = Fake::working(StageName::Fetch);
    let other = rig.start(&rig.wiring(), &duplicate);
    settled(&other, &FETCH).await;
    settled(&pipeline, &FETCH).await;
    assert_eq!((slow.given(), duplicate.given()), (2, 6));
    assert_eq!(pipeline.progress()[0].counts.done, 0);
    assert!(pipeline.progress()[0].counts.duplicates >= 5, "{:?}", pipeline.progress());
}

#[tokio::test]
async fn no_stream_is_in_flight_twice_in_one_process() {
    let ids = ids(30);
    let rig = Rig::with(&ids).await;
    let stage = Fake::working(StageName::Fetch).limited(3, 4).taking(10);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    settled(&pipeline, &FETCH).await;
    // The log was looked through from its start several times meanwhile.
    assert_eq!(stage.given(), 30);
    let seen: HashSet<StreamName> =
        stage.batches.lock().unwrap().iter().flatten().map(|task| task.stream.clone()).collect();
    assert_eq!(seen.len(), 30);
}

#[tokio::test]
async fn limits_of_tasks_and_of_batches_are_kept_and_used() {
    let rig = Rig::with(&ids(60)).await;
    let stage = Fake::working(StageName::Fetch).limited(5, 3).taking(20);
    let pipeline = rig.start(&rig.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    assert_eq!(stage.busiest.load(Ordering::SeqCst), 3);
    let sizes: Vec<usize> = stage.batches.lock().unwrap().iter().map(Vec::len).collect();
    assert!(sizes.iter().all(|size| *size <= 5), "{sizes:?}");
    assert!(sizes.len() <= 20, "the batches were filled: {sizes:?}");
}

#[tokio::test]
async fn what_waits_in_this_process_is_bounded() {
    let rig = Rig::with(&ids(1000)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::Hang).limited(4, 2);
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
    let ids = ids(20);
    let rig = Rig::with(&ids).await;
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stuck);
    until("it is stuck", || async { stuck.calls() == 2 }).await;
    rig.kill(&wiring, pipeline).await;

    let stage = Fake::working(StageName::Fetch);
    let pipeline = rig.start(&rig.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    rig.each_was_fetched_at_the_first_attempt(&ids).await;
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
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::working(StageName::Fetch);
    let next = Fake::working(StageName::Verify);
    let mut pipeline = Pipeline::new(rig.wiring());
    pipeline.spawn(stage.clone(), actor(StageName::Fetch));
    pipeline.spawn(next.clone(), actor(StageName::Verify));
    let both = [StageName::Fetch, StageName::Verify];
    settled(&pipeline, &both).await;
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
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::failing_once();
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
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::fail(Fate::Retry));
    let wiring = Wiring {
        retry: RetryPolicy { delays: vec![Duration::ZERO], max_attempts: 3, ..RetryPolicy::default() },
        ..rig.wiring()
    };
    let pipeline = rig.start(&wiring, &stage);
    settled(&pipeline, &FETCH).await;
    let attempts: Vec<(u32, bool)> = (rig.history(&id("B-0")).await.iter())
        .filter_map(|event| event.event.failure())
        .map(|failed| (failed.attempt, failed.retry_at.is_some()))
        .collect();
    assert_eq!(attempts, [(1, true), (2, true), (3, false)]);
    assert!(rig.booking(&id("B-0")).await.needs_attention());
}

#[tokio::test]
async fn a_retry_for_ever_outlives_every_attempt() {
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.state.failures {
        0..9 => Play::fail(Fate::RetryForever),
        _ => Play::done(StageName::Fetch),
    });
    let wiring =
        Wiring { retry: RetryPolicy { delays: vec![], max_attempts: 3, ..RetryPolicy::default() }, ..rig.wiring() };
    let pipeline = rig.start(&wiring, &stage);
    settled(&pipeline, &FETCH).await;
    assert_eq!(rig.booking(&id("B-0")).await.phase, Phase::Fetched);
}

#[tokio::test]
async fn a_clock_that_is_put_back_strands_no_retry() {
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::failing_once();
    let pipeline = rig.start(&rig.wiring(), &stage);
    until("it failed", || async { rig.booking(&id("B-0")).await.failures == 1 }).await;
    rig.clock.set("1999-12-31T23:59:59Z".parse().unwrap());
    until("it was tried again", || async { rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
}

#[tokio::test]
async fn what_another_worker_has_claimed_is_delivered_again_later() {
    let rig = Rig::with(&ids(2)).await;
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
