//! A broker that goes down, is wiped, or runs short of memory.

use std::time::Duration;

use strongroom_bus::RelayPace;
use strongroom_model::StageName;
use strongroom_model::event::AlarmKind;
use strongroom_servers::RabbitMq;
use tokio::time::sleep;

use crate::hub::{Hub, queue, quick};
use crate::rig::{Fake, id, ids, settled, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_restarted_or_wiped_costs_only_time() {
    let server = RabbitMq::start();
    let hub = Hub::on(&server).await;
    let relay = hub.relay_at(RelayPace { unreachable_after: Duration::from_millis(500), ..quick() });
    let stage = Fake::working(StageName::Fetch).limited(4, 2).taking(50);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    for (name, end) in [("restart", RabbitMq::stop as fn(&RabbitMq)), ("wipe", RabbitMq::wipe)] {
        let ids: Vec<_> = (0..100).map(|n| id(&format!("{name}-{n}"))).collect();
        hub.rig.enumerate(&ids).await;
        until("it is at work", || async { pipeline.progress()[0].in_flight > 0 }).await;
        end(&server);
        if name != "wipe" {
            server.start_again();
        }
        settled(&pipeline, &FETCH).await;
        hub.rig.each_was_fetched_once(&ids).await;
        hub.until_raised(AlarmKind::BrokerUnreachable, false).await;
    }
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_stuck_holds_up_no_other() {
    let server = RabbitMq::start();
    let hub = Hub::on(&server).await;
    let relay = hub.relay();
    relay.until_active().await;
    until("all is declared", || async { hub.depth(&queue(StageName::Fetch)).await.is_some() }).await;
    // What serves the queue still is there, and does nothing: so it is with 3.10 after some kills.
    let leader = format!("'{}_{}'", hub.vhost.name, queue(StageName::Archive));
    server.ctl(&["eval", &format!("sys:suspend({leader}).")]);
    let proven: Vec<_> = (0..20).map(|n| id(&format!("proven-{n}"))).collect();
    hub.backed_up(&proven).await;
    hub.rig.enumerate(&ids(20)).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    hub.until_raised(AlarmKind::BrokerTopology, true).await;
    server.ctl(&["eval", &format!("sys:resume({leader}).")]);
    hub.until_raised(AlarmKind::BrokerTopology, false).await;
    until("all are published", || async { hub.ready(&queue(StageName::Archive)).await >= 20 }).await;
    relay.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_short_of_memory_is_waited_for_and_shows_in_the_health() {
    let server = RabbitMq::start();
    let hub = Hub::on(&server).await;
    let relay = hub.relay_at(RelayPace { unreachable_after: Duration::from_secs(1), ..quick() });
    relay.until_active().await;
    server.memory_alarm(true);
    hub.rig.enumerate(&ids(50)).await;
    until("its health says so", || async { relay.handle.view().health().blocked }).await;
    hub.until_raised(AlarmKind::BrokerUnreachable, true).await;
    sleep(Duration::from_millis(500)).await;
    server.memory_alarm(false);
    hub.until_raised(AlarmKind::BrokerUnreachable, false).await;
    until("all are published", || async { hub.ready(&queue(StageName::Fetch)).await == 50 }).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &FETCH).await;
    assert_eq!(stage.given(), 50);
    relay.end().await;
}
