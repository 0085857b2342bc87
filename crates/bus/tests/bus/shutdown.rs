//! Stopping: what is in flight is finished or dropped, and never lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use strongroom_bus::{BatchLimits, Idle};
use strongroom_model::StageName;
use strongroom_model::booking::Phase;
use tokio::time::{sleep, timeout};

use crate::rig::{Fake, PATIENCE, Play, Rig, ids, obstacle, stop, until};

#[tokio::test]
async fn a_stop_finishes_what_is_in_flight_and_begins_nothing() {
    let rig = Rig::with(&ids(50)).await;
    let stage = Fake::working(StageName::Fetch).limited(3, 2).taking(100);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("two batches", || async { stage.busy.load(Ordering::SeqCst) == 2 }).await;
    stop(&wiring, pipeline).await;
    let given = stage.given();
    assert!((2..=6).contains(&given), "{given}");
    let mut fetched = 0;
    for id in ids(50) {
        fetched += usize::from(rig.booking(&id).await.phase == Phase::Fetched);
    }
    assert_eq!(fetched, given, "all that was begun was finished");
}

#[tokio::test]
async fn an_abort_gives_up_at_once() {
    let rig = Rig::with(&ids(5)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("it hangs", || async { stage.calls() == 1 }).await;
    wiring.stop.cancel();
    let mut ended = tokio::spawn(pipeline.ended());
    assert!(timeout(Duration::from_millis(100), &mut ended).await.is_err(), "it finishes what is in flight");
    let aborted = Instant::now();
    wiring.abort.cancel();
    timeout(PATIENCE, ended).await.unwrap().unwrap();
    assert!(aborted.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_stop_ends_a_pause() {
    let rig = Rig::with(&ids(5)).await;
    let stage = Fake::working(StageName::Fetch);
    stage.block(Some(obstacle()));
    let mut wiring = rig.wiring();
    wiring.pace.pause_min = Duration::from_secs(3600);
    wiring.pace.pause_max = Duration::from_secs(3600);
    let pipeline = rig.start(&wiring, &stage);
    until("it is paused", || async { pipeline.progress()[0].paused.is_some() }).await;
    stop(&wiring, pipeline).await;
}

#[tokio::test]
async fn a_stop_ends_a_question_that_is_not_answered() {
    use strongroom_bus::{Pipeline, Settle, Stage, Task};
    use strongroom_model::booking::Booking;
    use strongroom_model::event::AlarmRaised;

    struct Mute(Arc<AtomicBool>);

    impl Stage for Mute {
        type State = Booking;
        fn name(&self) -> StageName {
            StageName::Fetch
        }
        fn limits(&self) -> BatchLimits {
            BatchLimits { tasks: 1, batches: 1 }
        }
        async fn ready(&self) -> Result<(), AlarmRaised> {
            self.0.store(true, Ordering::SeqCst);
            std::future::pending().await
        }
        async fn handle(&self, _: Vec<Task<Booking>>, _: &Settle<Booking>) {}
    }

    let rig = Rig::with(&ids(1)).await;
    let asked = Arc::new(AtomicBool::new(false));
    let wiring = rig.wiring();
    let mut pipeline = Pipeline::new(wiring.clone());
    pipeline.spawn(Mute(asked.clone()), crate::rig::actor(StageName::Fetch));
    until("it is asked", || async { asked.load(Ordering::SeqCst) }).await;
    stop(&wiring, pipeline).await;
}

#[tokio::test]
async fn idle_ends_with_the_stop() {
    let rig = Rig::with(&ids(1)).await;
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &Fake::new(StageName::Fetch, |_| Play::Hang));
    let stop = wiring.stop.clone();
    tokio::spawn(async move {
        sleep(Duration::from_millis(50)).await;
        stop.cancel();
    });
    assert!(matches!(pipeline.idle(&[StageName::Fetch], PATIENCE).await, Ok(Idle::Stopped)));
    rig.kill(&wiring, pipeline).await;
}
