//! A virtual host with the topology, and events to send there.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use strongroom_bus::broker::{
    EventMessage, Incoming, Published, Publisher, QueueName, RoutingKey, Subscription, Topology,
};
use strongroom_bus::{Broker, BrokerSettings};
use strongroom_model::{DriveId, Event, Expected, NewEvent, Position, Recorded, RunId, SiteId, StageName, StreamName};
use strongroom_servers::{Vhost, rabbitmq};
use strongroom_service::config::Secret;
use strongroom_stage_rig::sample;
use tokio::time::{sleep, timeout};

/// Long enough for the slowest machine; a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

pub(crate) fn drive() -> DriveId {
    "5f0c2f3e-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap()
}

pub(crate) fn topology() -> Topology {
    Topology::new(site(), &[(StageName::Verify, drive().into()), (StageName::Custody, drive().into())])
}

/// A drive that the topology knows nothing of.
pub(crate) fn other_drive() -> DriveId {
    "00000000-8a57-4a0e-9a43-0b7a5c1d2e3f".parse().unwrap()
}

pub(crate) fn broker_at(url: &str) -> Broker {
    Broker::new(BrokerSettings::new(Secret::new(url)), site()).unwrap()
}

pub(crate) fn fetch_queue() -> QueueName {
    QueueName::stage(&site(), StageName::Fetch, None).unwrap()
}

/// A virtual host of the shared broker, with the topology in it.
pub(crate) async fn applied() -> (Vhost, Broker, Publisher) {
    let vhost = rabbitmq().vhost();
    let broker = broker_at(&vhost.amqp_url);
    let publisher = Publisher::connect(&broker).await.unwrap();
    publisher.apply(&topology()).await.unwrap();
    (vhost, broker, publisher)
}

fn recorded(number: u64, event: Event) -> (Recorded, String) {
    let time = "2026-11-20T22:00:00Z".parse().unwrap();
    let stream = StreamName::booking(&format!("B-{number}").parse().unwrap());
    let event = NewEvent::new(stream, Expected::New, time, "test@host".parse().unwrap(), event);
    let event = NewEvent { run: Some(RunId::new(time)), ..event };
    let body = event.render(&site(), Position(number));
    (Recorded::parse(&body).unwrap(), body)
}

pub(crate) fn enumerated_event(number: u64) -> (Recorded, String) {
    recorded(number, sample::enumerated("hours.pdf", 3, sample::sha256(b"abc")))
}

pub(crate) fn fetched_event(number: u64, drive: DriveId) -> (Recorded, String) {
    recorded(number, sample::fetched(drive, "harbour/2026-11/data/x/hours.pdf", 3, &sample::sha256(b"abc")))
}

fn message((event, body): (Recorded, String)) -> EventMessage {
    let key = RoutingKey::of(&site(), &event, None).unwrap();
    EventMessage::of(&event, body, key)
}

/// Work for fetch.
pub(crate) fn work(number: u64) -> EventMessage {
    message(enumerated_event(number))
}

pub(crate) fn works(numbers: std::ops::Range<u64>) -> Vec<EventMessage> {
    numbers.map(work).collect()
}

/// Work for verify, on a drive.
pub(crate) fn proof(number: u64, drive: DriveId) -> EventMessage {
    message(fetched_event(number, drive))
}

pub(crate) async fn send(publisher: &Publisher, messages: &[EventMessage]) {
    let published = publisher.publish(messages).await.unwrap();
    assert!(published.iter().all(|published| *published == Published::Confirmed), "{published:?}");
}

pub(crate) async fn next(subscription: &mut Subscription) -> Option<Incoming> {
    timeout(PATIENCE, subscription.next()).await.expect("a delivery, or the end")
}

/// Takes that many messages, acknowledges them, and gives their ids.
pub(crate) async fn take(broker: &Broker, queue: &QueueName, count: usize) -> BTreeSet<String> {
    let mut subscription = Subscription::open(broker, queue, 100).await.unwrap();
    let mut ids = BTreeSet::new();
    while ids.len() < count {
        let incoming = next(&mut subscription).await.expect("more is there");
        assert!(incoming.acker.ack().await);
        ids.insert(incoming.message_id.unwrap());
    }
    ids
}

pub(crate) async fn ready(publisher: &Publisher, queue: &QueueName) -> u32 {
    publisher.depth(queue).await.unwrap().expect("the queue is there").ready
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: impl Debug, mut so: impl FnMut() -> F) {
    let waited = timeout(PATIENCE, async {
        while !so().await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what:?}"));
}

/// Waits until a queue has that many ready messages.
pub(crate) async fn until_ready(publisher: &Publisher, queue: &QueueName, count: u32) {
    until((queue, count), || async { ready(publisher, queue).await == count }).await;
}
