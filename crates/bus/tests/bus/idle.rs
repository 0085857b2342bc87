//! Whether anything is left to do is read off the log, and is never answered too soon.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use strongroom_bus::{Fate, Idle, Pipeline};
use strongroom_model::StageName;
use strongroom_model::booking::Phase;
use tokio::time::sleep;

use crate::rig::{Fake, Play, Rig, actor, ids, obstacle, settled};

const ALL: [StageName; 3] = [StageName::Fetch, StageName::Verify, StageName::Archive];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_means_that_everything_went_all_the_way() {
    for round in 0..10 {
        let rig = Rig::with(&ids(20)).await;
        let mut pipeline = Pipeline::new(rig.wiring());
        for stage in ALL {
            let stage = Fake::working(stage).taking(round % 3);
            pipeline.spawn(stage.clone(), actor(stage.name));
        }
        settled(&pipeline, &ALL).await;
        for id in ids(20) {
            assert_eq!(rig.booking(&id).await.phase, Phase::Archived);
        }
    }
}

#[tokio::test]
async fn an_empty_log_is_idle() {
    let rig = Rig::new().await;
    let pipeline = rig.start(&rig.wiring(), &Fake::working(StageName::Fetch));
    settled(&pipeline, &ALL).await;
}

#[tokio::test]
async fn a_retry_within_the_patience_is_waited_for() {
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::failing_once();
    let pipeline = rig.start(&rig.wiring(), &stage);
    let waited = Arc::new(AtomicBool::new(false));
    let (clock, seen) = (rig.clock.clone(), waited.clone());
    tokio::spawn(async move {
        sleep(Duration::from_millis(200)).await;
        seen.store(true, Ordering::SeqCst);
        clock.advance(Duration::from_secs(20));
    });
    assert!(matches!(pipeline.idle(&ALL, Duration::from_secs(30)).await, Ok(Idle::NothingLeft)));
    assert!(waited.load(Ordering::SeqCst));
    assert_eq!(rig.booking(&ids(1)[0]).await.phase, Phase::Fetched);
}

#[tokio::test]
async fn retries_beyond_the_patience_are_counted() {
    let rig = Rig::with(&ids(7)).await;
    let pipeline = rig.start(&rig.wiring(), &Fake::new(StageName::Fetch, |_| Play::fail(Fate::Retry)));
    let idle = pipeline.idle(&ALL, Duration::from_secs(5)).await.unwrap();
    let Idle::RetriesLater { count, next } = idle else { panic!("{idle:?}") };
    assert_eq!(count, 7);
    assert!(next >= rig.clock.now() + Duration::from_secs(10));
}

#[tokio::test]
async fn what_was_put_off_by_a_clock_that_was_ahead_is_waited_for_and_done_as_soon_as_it_is_right() {
    let rig = Rig::new().await;
    let right = rig.clock.now();
    rig.clock.advance(jiff::SignedDuration::from_hours(24 * 3653));
    rig.enumerate(&ids(1)).await;
    let stage = Fake::failing_once();
    let wiring = rig.wiring();
    let pace = strongroom_bus::Pace { rescan: Duration::from_secs(600), ..wiring.pace };
    let pipeline = rig.start(&strongroom_bus::Wiring { pace, ..wiring }, &stage);
    let later = pipeline.idle(&ALL, Duration::from_secs(5)).await;
    assert!(matches!(later, Ok(Idle::RetriesLater { count: 1, .. })), "{later:?}");
    rig.clock.set(right);
    let idle = pipeline.idle(&ALL, Duration::from_secs(5)).await;
    assert!(matches!(idle, Ok(Idle::NothingLeft)), "{idle:?}");
    assert_eq!(rig.booking(&ids(1)[0]).await.phase, Phase::Fetched);
}

#[tokio::test]
async fn what_is_behind_an_obstacle_is_waited_for_with_patience() {
    let rig = Rig::with(&ids(7)).await;
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let pipeline = rig.start(&rig.wiring(), &stage);
    let began = std::time::Instant::now();
    let idle = pipeline.idle(&ALL, Duration::from_millis(300)).await.unwrap();
    assert!(matches!(idle, Idle::Paused(alarm) if alarm == obstacle()));
    assert!(began.elapsed() >= Duration::from_millis(290));
    stage.block(None);
    settled(&pipeline, &ALL).await;
}

#[tokio::test]
async fn what_another_worker_has_claimed_is_not_waited_for() {
    let rig = Rig::with(&ids(2)).await;
    let pipeline = rig.start(&rig.wiring(), &Fake::new(StageName::Fetch, |_| Play::superseded()));
    settled(&pipeline, &ALL).await;
}
