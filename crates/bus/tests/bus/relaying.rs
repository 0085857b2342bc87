//! The relay: what is pending is published, enough of it, and again where it was lost.

use std::time::Duration;

use strongroom_bus::broker::{Publisher, QueueName};
use strongroom_bus::{Broker, BrokerSettings, RelayPace};
use strongroom_model::booking::Phase;
use strongroom_model::event::{AlarmKind, DriveInitialised};
use strongroom_model::{DriveId, Event, Expected, StageName, StreamName};
use strongroom_servers::{Database, rabbitmq};
use strongroom_service::config::Secret;
use tokio::time::sleep;

use crate::hub::{Hub, queue, quick, site};
use crate::rig::{Fake, drive, id, ids, settled, until};

const FETCH: [StageName; 1] = [StageName::Fetch];
const VERIFY: [StageName; 1] = [StageName::Verify];

fn other_drive() -> DriveId {
    "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap()
}

fn queue_of(drive: DriveId) -> QueueName {
    QueueName::stage(&site(), StageName::Verify, Some(&drive.into())).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_filled_up_to_its_bound_and_the_log_holds_the_rest() {
    let hub = Hub::new().await;
    hub.rig.enumerate(&ids(1_000)).await;
    for chunk in 1..10 {
        let ids: Vec<_> = (0..1_000).map(|n| id(&format!("B{chunk}-{n}"))).collect();
        hub.rig.enumerate(&ids).await;
    }
    let relay = hub.relay();
    let fetch = queue(StageName::Fetch);
    until("it is full", || async { hub.ready(&fetch).await >= 2_000 }).await;
    // Several looks and sweeps later it is no fuller.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(hub.ready(&fetch).await, 2_000);
    let stage = Fake::working(StageName::Fetch).limited(200, 2);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    assert_eq!(pipeline.progress()[0].counts.done, 10_000);
    assert_eq!(stage.given(), 10_000, "each was worked on once");
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_relays_one_is_active_and_the_other_takes_over() {
    let hub = Hub::with(&ids(20)).await;
    let first = hub.relay();
    first.until_active().await;
    let second = hub.relay();
    until("it stands by", || async { second.handle.view().health().connected }).await;
    sleep(Duration::from_millis(300)).await;
    assert!(first.handle.view().health().active && !second.handle.view().health().active);
    until("it has published", || async { hub.ready(&queue(StageName::Fetch)).await == 20 }).await;
    first.end().await;
    second.until_active().await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    assert_eq!(stage.given(), 20, "what two relays published was done once");
    hub.rig.enumerate(&[id("late")]).await;
    settled(&pipeline, &FETCH).await;
    second.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_are_deleted_under_it_are_declared_and_filled_again() {
    let hub = Hub::with(&ids(30)).await;
    let relay = hub.relay();
    let fetch = queue(StageName::Fetch);
    until("all are published", || async { hub.ready(&fetch).await == 30 }).await;
    rabbitmq().ctl(&["delete_queue", "--vhost", &hub.vhost.name, fetch.as_str()]);
    until("all are there again", || async { hub.ready(&fetch).await == 30 }).await;
    assert!(relay.handle.view().health().active);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_broker_lost_is_published_again() {
    let hub = Hub::with(&ids(30)).await;
    let relay = hub.relay_at(RelayPace { republish_after: Duration::from_millis(500), ..quick() });
    let fetch = queue(StageName::Fetch);
    until("all are published", || async { hub.ready(&fetch).await == 30 }).await;
    rabbitmq().ctl(&["purge_queue", "--vhost", &hub.vhost.name, fetch.as_str()]);
    until("all are there again", || async { hub.ready(&fetch).await == 30 }).await;
    // They lie there for long, and are not published a third time.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(hub.ready(&fetch).await, 30);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_broker_loses_that_has_just_come_back_is_published_again_soon() {
    let hub = Hub::new().await;
    let relay = hub.relay_at(RelayPace { doubt: Duration::from_millis(500), ..quick() });
    until("it is active", || async { relay.handle.view().health().active }).await;
    rabbitmq().close_connections(&hub.vhost);
    hub.rig.enumerate(&ids(30)).await;
    let fetch = queue(StageName::Fetch);
    until("all are published", || async { hub.ready(&fetch).await == 30 }).await;
    rabbitmq().ctl(&["purge_queue", "--vhost", &hub.vhost.name, fetch.as_str()]);
    until("all are there again", || async { hub.ready(&fetch).await == 30 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_published_when_it_is_due_and_not_before() {
    let hub = Hub::with(&ids(1)).await;
    let relay = hub.relay();
    let stage = Fake::failing_once();
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("it failed", || async { hub.rig.booking(&id("B-0")).await.failures == 1 }).await;
    hub.rig.clock.advance(Duration::from_secs(9));
    sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.given(), 1, "the policy says 10 s");
    hub.rig.clock.advance(Duration::from_secs(4));
    until("it was tried again", || async { hub.rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    assert_eq!(stage.given(), 2);
    drop(pipeline);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_put_back_strands_no_retry() {
    let hub = Hub::with(&ids(1)).await;
    let relay = hub.relay();
    let stage = Fake::failing_once();
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("it failed", || async { hub.rig.booking(&id("B-0")).await.failures == 1 }).await;
    hub.rig.clock.set("1999-12-31T23:59:59Z".parse().unwrap());
    until("it was tried again", || async { hub.rig.booking(&id("B-0")).await.phase == Phase::Fetched }).await;
    drop(pipeline);
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_relays_first_work_for_a_drive_waits_for_no_second_look() {
    let hub = Hub::new().await;
    let initialised = Event::DriveInitialised(DriveInitialised { label: "blue 1".to_owned() });
    let event = hub.rig.new_event(StreamName::drive(drive()), Expected::New, initialised);
    hub.rig.log.append(vec![event]).await.unwrap();
    hub.fetched(&ids(20), drive()).await;
    let relay = hub.relay_at(RelayPace { inspect: Duration::from_secs(600), ..quick() });
    until("its queue is filled", || async { hub.ready(&queue_of(drive())).await == 20 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drive_that_is_away_holds_up_no_other() {
    let mut hub = Hub::new().await;
    hub.settings.ready_most = 20;
    let away: Vec<_> = (0..200).map(|n| id(&format!("away-{n}"))).collect();
    let here: Vec<_> = (0..50).map(|n| id(&format!("here-{n}"))).collect();
    hub.fetched(&away, other_drive()).await;
    let relay = hub.relay();
    until("its queue is full", || async { hub.ready(&queue_of(other_drive())).await == 20 }).await;
    // The relay learns of this drive behind more of the other's than that one's queue takes.
    hub.fetched(&here, drive()).await;
    let stage = Fake::working(StageName::Verify);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("this drive's are proven", || async { pipeline.progress()[0].counts.done == 50 }).await;
    settled(&pipeline, &VERIFY).await;
    assert_eq!(hub.ready(&queue_of(other_drive())).await, 20);
    // The other drive is plugged in here instead: its queue is taken from.
    *stage.drive.lock().unwrap() = Some(other_drive());
    until("the other drive's are proven", || async { pipeline.progress()[0].counts.done == 250 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_may_declare_nothing_publishes_where_all_is_there() {
    let hub = Hub::with(&ids(10)).await;
    let url = hub.vhost.url_with(["^$", ".*", ".*"]);
    let least = Broker::new(BrokerSettings::new(Secret::new(url.as_str())), site()).unwrap();
    let relay = hub.relay_by(least, quick());
    hub.until_raised(AlarmKind::BrokerTopology, true).await;
    assert!(relay.handle.view().health().error.is_some());
    hub.apply().await;
    hub.until_raised(AlarmKind::BrokerTopology, false).await;
    until("all are published", || async { hub.ready(&queue(StageName::Fetch)).await == 10 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_published_at_once() {
    let hub = Hub::new().await;
    // Only an append can wake it.
    let relay = hub.relay_at(RelayPace { poll: Duration::from_secs(600), ..quick() });
    relay.until_active().await;
    until("it has filled the queues", || async { relay.handle.view().health().last_filled.is_some() }).await;
    hub.rig.enumerate(&ids(5)).await;
    until("all are published", || async { hub.ready(&queue(StageName::Fetch)).await == 5 }).await;
    let eye = Publisher::connect(&hub.broker()).await.unwrap();
    assert_eq!(eye.depth(&QueueName::parked(&site())).await.unwrap().map(|depth| depth.ready), Some(0));
    relay.end().await;
}

/// Takes the log back to its first events, as a server that takes over without the newest of them.
fn lose_all_but(database: &Database, size: usize) {
    let frontier = "(SELECT leaf_hash FROM strongroom.event WHERE position = 0)";
    assert_eq!(size, 1, "a tree of one leaf has that leaf for its frontier");
    let lost = database.query(&format!(
        "SET session_replication_role = replica;
         DELETE FROM strongroom.event WHERE position >= {size}; DELETE FROM strongroom.stream WHERE position >= {size};
         UPDATE strongroom.head SET size = {size}, frontier = {frontier}"
    ));
    assert_eq!(lost, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_a_log_that_loses_its_newest_events_while_the_relay_runs_stops_nothing() {
    let (hub, database) = Hub::on_database().await;
    hub.rig.enumerate(&ids(40)).await;
    let relay = hub.relay();
    let fetch = queue(StageName::Fetch);
    until("all are published", || async { hub.ready(&fetch).await == 40 }).await;
    sleep(Duration::from_millis(200)).await;
    lose_all_but(&database, 1);
    let after: Vec<_> = (0..5).map(|n| id(&format!("after-{n}"))).collect();
    hub.rig.enumerate(&after).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    for id in &after {
        assert_eq!(hub.rig.booking(id).await.phase, Phase::Fetched, "{id}");
    }
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r4_events_below_what_was_looked_at_are_found_by_the_slow_look_from_the_start() {
    let (hub, database) = Hub::on_database().await;
    hub.rig.enumerate(&ids(3)).await;
    // Its looks at the log's length are too rare to see that it was shorter in between.
    let pace = RelayPace { inspect: Duration::from_secs(3600), rescan: Duration::from_millis(300), ..quick() };
    let relay = hub.relay_at(pace);
    let fetch = queue(StageName::Fetch);
    until("all are published", || async { hub.ready(&fetch).await == 3 }).await;
    lose_all_but(&database, 1);
    let after: Vec<_> = (0..5).map(|n| id(&format!("after-{n}"))).collect();
    hub.rig.enumerate(&after).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    relay.end().await;
}
