//! Stages that take their work from a broker.

use std::sync::atomic::Ordering;
use std::time::Duration;

use strongroom_bus::Pipeline;
use strongroom_eventlog::EventLog;
use strongroom_model::{Position, StageName};
use strongroom_servers::rabbitmq;
use tokio::time::sleep;

use crate::hub::{Hub, queue};
use crate::rig::{Fake, Play, actor, id, ids, obstacle, settled, stop, until};

const FETCH: [StageName; 1] = [StageName::Fetch];
const WORK: [StageName; 3] = [StageName::Fetch, StageName::Verify, StageName::Archive];

#[tokio::test(flavor = "multi_thread")]
async fn every_booking_goes_all_the_way_and_the_queues_are_empty_after_it() {
    all_the_way(Hub::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_booking_goes_all_the_way_with_the_log_in_postgres() {
    all_the_way(Hub::on_postgres().await).await;
}

/// Whether anything is left to do, now or later, as the log says.
async fn is_work_left(log: &EventLog) -> bool {
    for stage in WORK {
        if !log.pending(stage, Position(0), 1).await.unwrap().is_empty() {
            return true;
        }
    }
    log.next_due(&WORK).await.unwrap().is_some()
}

async fn all_the_way(hub: Hub) {
    let ids = ids(300);
    let relay = hub.relay();
    let wiring = hub.wiring();
    let mut pipeline = Pipeline::new(wiring.clone());
    let stages = WORK.map(Fake::working);
    for stage in &stages {
        pipeline.spawn(stage.clone(), actor(stage.name));
    }
    hub.rig.enumerate(&ids).await;
    assert!(is_work_left(&hub.rig.log).await);
    settled(&pipeline, &WORK).await;
    assert!(!is_work_left(&hub.rig.log).await);
    for id in &ids {
        assert_eq!(hub.rig.history(id).await.len(), 4, "{id}");
    }
    assert!(pipeline.progress().iter().all(|stage| stage.link.as_ref().is_some_and(|link| link.connected)));
    stop(&wiring, pipeline).await;
    // What had not been acknowledged would be ready again.
    for stage in WORK {
        assert_eq!(hub.ready(&queue(stage)).await, 0, "{stage}");
    }
    assert_eq!(stages.iter().map(Fake::given).sum::<usize>(), 900, "nothing was done twice");
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_two_workers_on_one_queue_share_it_and_do_each_booking_once() {
    let ids = ids(300);
    let hub = Hub::with(&ids).await;
    let relay = hub.relay();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let stage = Fake::working(StageName::Fetch).limited(4, 2).taking(5);
            (hub.rig.start(&hub.wiring(), &stage), stage)
        })
        .collect();
    for (pipeline, _) in &workers {
        settled(pipeline, &FETCH).await;
    }
    let shares: Vec<usize> = workers.iter().map(|(_, stage)| stage.given()).collect();
    assert!(shares.iter().all(|share| *share > 50), "{shares:?}");
    assert_eq!(shares.iter().sum::<usize>(), 300);
    hub.rig.each_was_fetched_once(&ids).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_messages_that_come_twice_and_in_reverse_change_nothing() {
    let ids = ids(50);
    let hub = Hub::with(&ids).await;
    hub.apply().await;
    let mut messages = hub.messages(StageName::Fetch).await;
    messages.reverse();
    hub.publish(&messages).await;
    hub.publish(&messages).await;
    let stage = Fake::working(StageName::Fetch).taking(2);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    // Late ones as well: their streams have moved on.
    hub.publish(&messages).await;
    hub.until_empty(&queue(StageName::Fetch)).await;
    until("all were looked at", || async { pipeline.progress()[0].in_flight == 0 }).await;
    assert_eq!(stage.given(), 50);
    hub.rig.each_was_fetched_once(&ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_a_worker_that_is_killed_costs_only_time() {
    let ids = ids(40);
    let hub = Hub::with(&ids).await;
    // Only the broker can bring them again: no relay runs.
    hub.publish_pending().await;
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wiring = hub.wiring();
    let pipeline = hub.rig.start(&wiring, &stuck);
    until("it is stuck", || async { stuck.calls() == 2 }).await;
    hub.rig.kill(&wiring, pipeline).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    hub.rig.each_was_fetched_at_the_first_attempt(&ids).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_back_what_was_not_begun() {
    let ids = ids(60);
    let hub = Hub::with(&ids).await;
    hub.publish_pending().await;
    let slow = Fake::working(StageName::Fetch).limited(5, 2).taking(300);
    let wiring = hub.wiring();
    let pipeline = hub.rig.start(&wiring, &slow);
    until("it is at work", || async { slow.calls() == 2 }).await;
    stop(&wiring, pipeline).await;
    assert_eq!(slow.given(), 10, "what was begun was finished, and nothing else was begun");
    let left = u32::try_from(ids.len() - slow.given()).unwrap();
    until("the rest is in the queue", || async { hub.ready(&queue(StageName::Fetch)).await == left }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_worker_leaves_the_work_to_another() {
    let ids = ids(60);
    let hub = Hub::with(&ids).await;
    let relay = hub.relay();
    let paused = Fake::working(StageName::Fetch);
    paused.block(Some(obstacle()));
    let wiring = hub.wiring();
    let first = hub.rig.start(&wiring, &paused);
    until("it is paused", || async { first.progress()[0].paused.is_some() }).await;
    let working = Fake::working(StageName::Fetch);
    let second_wiring = hub.wiring();
    let second = hub.rig.start(&second_wiring, &working);
    settled(&second, &FETCH).await;
    assert_eq!((paused.given(), working.given()), (0, 60));
    for id in &ids {
        assert_eq!(hub.rig.booking(id).await.failures, 0, "a pause burns no attempt");
    }
    // Well again, it takes part again.
    paused.block(None);
    until("it is at work again", || async { first.progress()[0].paused.is_none() }).await;
    stop(&second_wiring, second).await;
    hub.rig.enumerate(&[id("late")]).await;
    until("it has fetched", || async { paused.given() == 1 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_obstacle_found_at_work_gives_the_batch_to_another_worker() {
    let ids = ids(30);
    let hub = Hub::with(&ids).await;
    hub.publish_pending().await;
    let hindered = Fake::new(StageName::Fetch, |_| Play::obstructed());
    let wiring = hub.wiring();
    let first = hub.rig.start(&wiring, &hindered);
    until("it tried", || async { hindered.calls() >= 1 }).await;
    let working = Fake::working(StageName::Fetch);
    let second = hub.rig.start(&hub.wiring(), &working);
    settled(&second, &FETCH).await;
    assert_eq!(working.given(), 30);
    hub.rig.kill(&wiring, first).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_made_again_and_what_is_in_flight_is_done_once() {
    let ids = ids(100);
    let hub = Hub::with(&ids).await;
    let relay = hub.relay();
    let stage = Fake::working(StageName::Fetch).limited(5, 2).taking(40);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("it is at work", || async { stage.calls() >= 2 }).await;
    rabbitmq().close_connections(&hub.vhost);
    settled(&pipeline, &FETCH).await;
    hub.rig.each_was_fetched_once(&ids).await;
    assert_eq!(pipeline.progress()[0].counts.done, 100);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_worker_is_bounded() {
    let hub = Hub::with(&ids(500)).await;
    hub.publish_pending().await;
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang).limited(4, 2);
    let wiring = hub.wiring();
    let pipeline = hub.rig.start(&wiring, &stuck);
    until("both batches", || async { stuck.calls() == 2 }).await;
    sleep(Duration::from_millis(300)).await;
    assert!(pipeline.progress()[0].in_flight <= 12, "{:?}", pipeline.progress());
    assert_eq!(hub.ready(&queue(StageName::Fetch)).await, 488);
    assert_eq!(stuck.busiest.load(Ordering::SeqCst), 2);
    hub.rig.kill(&wiring, pipeline).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_broker_waits_and_says_why() {
    let mut hub = Hub::new().await;
    hub.cut_off();
    let stage = Fake::working(StageName::Fetch);
    let wiring = hub.wiring();
    let pipeline = hub.rig.start(&wiring, &stage);
    until("it says so", || async {
        let link = pipeline.progress()[0].link.clone().unwrap();
        !link.connected && link.error.is_some_and(|error| error.contains("cannot be reached"))
    })
    .await;
    stop(&wiring, pipeline).await;
}
