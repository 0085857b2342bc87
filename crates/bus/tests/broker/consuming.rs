//! What a subscription delivers, and how it ends.

use std::time::Duration;

use lapin::options::QueueDeleteOptions;
use lapin::{Connection, ConnectionProperties};
use strongroom_bus::broker::Subscription;
use tokio::time::timeout;

use crate::rig::{applied, fetch_queue, next, send, until_ready, work, works};

#[tokio::test]
async fn no_more_is_delivered_than_may_be_unacknowledged() {
    let (_, broker, publisher) = applied().await;
    send(&publisher, &works(0..10)).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 3).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(next(&mut subscription).await.unwrap());
    }
    assert!(timeout(Duration::from_millis(300), subscription.next()).await.is_err());
    assert!(held.remove(0).acker.ack().await);
    assert!(next(&mut subscription).await.is_some());
    until_ready(&publisher, &fetch_queue(), 6).await;
}

#[tokio::test]
async fn what_is_acknowledged_is_gone_and_the_rest_comes_again() {
    let (_, broker, publisher) = applied().await;
    send(&publisher, &works(0..4)).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let first = next(&mut subscription).await.unwrap();
    assert!(first.acker.ack().await);
    assert!(!first.acker.ack().await, "only the first acknowledgement counts");
    drop((first, subscription));
    until_ready(&publisher, &fetch_queue(), 3).await;
    let mut again = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    assert!(next(&mut again).await.unwrap().redelivered);
}

#[tokio::test]
async fn cancelled_it_delivers_what_was_under_way_and_ends() {
    let (_, broker, publisher) = applied().await;
    send(&publisher, &works(0..50)).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 20).await.unwrap();
    let first = next(&mut subscription).await.unwrap();
    subscription.cancel().await.unwrap();
    let mut drained = vec![first];
    while let Some(incoming) = next(&mut subscription).await {
        drained.push(incoming);
    }
    assert!(next(&mut subscription).await.is_none(), "an end stays one");
    // All of it can still be given back: a copy first, then the acknowledgement.
    let copies: Vec<_> = drained.iter().map(|incoming| incoming.copy().unwrap()).collect();
    send(&publisher, &copies).await;
    for incoming in &drained {
        assert!(incoming.acker.ack().await);
    }
    drop((drained, subscription));
    until_ready(&publisher, &fetch_queue(), 50).await;
}

#[tokio::test]
async fn it_ends_when_its_queue_is_deleted() {
    let (vhost, broker, _) = applied().await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let admin = Connection::connect(&vhost.amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = admin.create_channel().await.unwrap();
    channel.queue_delete(fetch_queue().as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    assert!(next(&mut subscription).await.is_none());
}

#[tokio::test]
async fn a_delivery_may_be_acknowledged_after_its_subscription_is_dropped() {
    let (_, broker, publisher) = applied().await;
    send(&publisher, &[work(1)]).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    drop(subscription);
    assert!(incoming.acker.is_usable());
    assert!(incoming.acker.ack().await);
    drop(incoming);
    // Only once the connection has ended is it certain that nothing comes again.
    let mut again = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    assert!(timeout(Duration::from_millis(300), again.next()).await.is_err());
}
