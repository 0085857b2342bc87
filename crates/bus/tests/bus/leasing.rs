//! Long work: done once, however impatient the broker is.

use std::time::Duration;

use strongroom_model::booking::Phase;
use strongroom_model::{Event, Expected, StageName, StreamName};
use strongroom_servers::RabbitMq;
use tokio::time::sleep;

use crate::hub::{Hub, queue};
use crate::rig::{Fake, Play, done, id, ids, settled, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

async fn leases(hub: &Hub) -> usize {
    let history = hub.rig.history(&id("B-0")).await;
    history.iter().filter(|event| matches!(event.event, Event::TimesheetHeld(_))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_takes_long_is_done_once_though_the_broker_loses_patience() {
    let server = RabbitMq::start();
    // It looks every second, and waits for two.
    server.ctl(&["eval", "application:set_env(rabbit, channel_tick_interval, 1000), application:set_env(rabbit, consumer_timeout, 2000)."]);
    let mut hub = Hub::on(&server).await;
    hub.settings.lease_after = Duration::from_millis(500);
    hub.rig.enumerate(&ids(3)).await;
    let relay = hub.relay();
    let stage = Fake::working(StageName::Fetch).taking(6_000);
    let duplicate = stage.clone();
    let pipelines = [hub.rig.start(&hub.wiring(), &stage), hub.rig.start(&hub.wiring(), &duplicate)];
    for pipeline in &pipelines {
        settled(pipeline, &FETCH).await;
    }
    assert_eq!(stage.given(), 3, "each was worked on once, by whichever worker");
    assert!(leases(&hub).await >= 5, "its lease was renewed again and again");
    assert_eq!(hub.rig.booking(&id("B-0")).await.phase, Phase::Fetched);
    let done: u64 = pipelines.iter().map(|pipeline| pipeline.progress()[0].counts.done).sum();
    assert_eq!(done, 3);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_lease_in_the_log_the_same_work_is_redelivered() {
    // What the test above is proof against.
    let server = RabbitMq::start();
    server.ctl(&["eval", "application:set_env(rabbit, channel_tick_interval, 1000), application:set_env(rabbit, consumer_timeout, 2000)."]);
    let mut hub = Hub::on(&server).await;
    hub.settings.lease_after = Duration::from_secs(600);
    hub.rig.enumerate(&ids(1)).await;
    hub.publish_pending().await;
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wirings = [hub.wiring(), hub.wiring()];
    let pipelines = wirings.each_ref().map(|wiring| hub.rig.start(wiring, &stuck));
    until("the other worker got it as well", || async { stuck.given() >= 2 }).await;
    for (wiring, pipeline) in wirings.iter().zip(pipelines) {
        hub.rig.kill(wiring, pipeline).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_in_long_work_costs_only_the_time_it_had_asked_for() {
    let mut hub = Hub::new().await;
    hub.settings.lease_after = Duration::from_millis(300);
    hub.rig.enumerate(&ids(1)).await;
    let relay = hub.relay();
    let stuck = Fake::new(StageName::Fetch, |_| Play::Hang);
    let wiring = hub.wiring();
    let pipeline = hub.rig.start(&wiring, &stuck);
    until("it has a lease", || async { leases(&hub).await >= 1 }).await;
    hub.rig.kill(&wiring, pipeline).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.given(), 0, "until then it is the dead worker's");
    hub.rig.clock.advance(Duration::from_secs(1));
    settled(&pipeline, &FETCH).await;
    let booking = hub.rig.booking(&id("B-0")).await;
    assert_eq!((booking.phase, booking.failures), (Phase::Fetched, 0));
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_another_worker_has_taken_over_is_dropped() {
    let mut hub = Hub::new().await;
    hub.settings.lease_after = Duration::from_millis(500);
    hub.rig.enumerate(&ids(2)).await;
    hub.publish_pending().await;
    let slow = Fake::working(StageName::Fetch).taking(2_000);
    let pipeline = hub.rig.start(&hub.wiring(), &slow);
    until("it is at work", || async { slow.given() == 2 }).await;
    let task = hub.rig.task(&id("B-0")).await;
    let event = hub.rig.new_event(task.stream, Expected::After(task.version), done(StageName::Fetch));
    hub.rig.log.append(vec![event]).await.unwrap();
    until("the other one is done", || async { hub.rig.booking(&id("B-1")).await.phase == Phase::Fetched }).await;
    until("it has released it", || async { pipeline.progress()[0].in_flight == 0 }).await;
    assert_eq!(hub.rig.history(&id("B-0")).await.len(), 2, "the other worker's outcome stands alone");
    let counts = pipeline.progress()[0].counts;
    assert_eq!((counts.done, counts.duplicates), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn leased_work_is_requeued_at_once_where_it_can_be() {
    let mut hub = Hub::new().await;
    hub.settings.lease_after = Duration::from_millis(200);
    hub.rig.enumerate(&ids(1)).await;
    hub.publish_pending().await;
    let hindered = Fake::new(StageName::Fetch, |_| Play::obstructed()).taking(500);
    let wiring = hub.wiring();
    let first = hub.rig.start(&wiring, &hindered);
    until("it has tried", || async { first.progress()[0].paused.is_some() }).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("the other has done it", || async { hub.rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    hub.rig.kill(&wiring, first).await;
    hub.until_empty(&queue(StageName::Fetch)).await;
    assert!(hub.rig.log.stream(&StreamName::booking(&id("B-0"))).await.unwrap().len() >= 3);
    drop(pipeline);
}
