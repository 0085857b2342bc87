//! Wires that are cut and brokers that go down: an error, or an end, and nothing is lost.

use std::collections::BTreeSet;

use strongroom_bus::broker::{BrokerError, Published, Publisher, Subscription};
use strongroom_servers::{Cluster, RabbitMq, Wire, rabbitmq};
use tokio::time::{Duration, sleep, timeout};

use crate::rig::{applied, broker_at, fetch_queue, next, ready, send, take, topology, until, until_ready, work, works};

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_cut_amid_confirmations_is_an_error_and_republishing_loses_nothing() {
    let (vhost, broker, _) = applied().await;
    let wire = Wire::to(rabbitmq().address());
    let behind = broker_at(&vhost.url_at(wire.address()));
    let messages = works(0..3_000);
    let publisher = Publisher::connect(&behind).await.unwrap();
    let counter = Publisher::connect(&broker).await.unwrap();
    let publishing = tokio::spawn({
        let messages = messages.clone();
        async move { publisher.publish(&messages).await }
    });
    until("some have arrived", || async { ready(&counter, &fetch_queue()).await > 0 }).await;
    wire.cut();
    match publishing.await.unwrap() {
        Err(error) => assert!(matches!(error, BrokerError::Lost { .. }), "{error:?}"),
        // On a machine this fast all was confirmed before the cut, and nothing is left to show.
        Ok(published) => assert!(published.iter().all(|published| *published == Published::Confirmed)),
    }
    let error = Publisher::connect(&behind).await.unwrap_err();
    assert!(matches!(error, BrokerError::Unreachable { .. }), "{error:?}");
    wire.mend();
    send(&Publisher::connect(&behind).await.unwrap(), &messages).await;
    let expected: BTreeSet<_> = messages.into_iter().map(|message| message.id).collect();
    assert_eq!(take(&broker, &fetch_queue(), expected.len()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wire_cut_under_a_subscription_ends_it_and_the_work_comes_again() {
    let (vhost, broker, publisher) = applied().await;
    send(&publisher, &[work(1)]).await;
    let wire = Wire::to(rabbitmq().address());
    let mut subscription =
        Subscription::open(&broker_at(&vhost.url_at(wire.address())), &fetch_queue(), 10).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    wire.cut();
    assert!(next(&mut subscription).await.is_none());
    until("the connection is known to be lost", || async { !subscription.is_open() }).await;
    assert!(!incoming.acker.ack().await, "it cannot be acknowledged any more");
    until_ready(&publisher, &fetch_queue(), 1).await;
    assert_eq!(take(&broker, &fetch_queue(), 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_cut_half_way_is_an_error_and_not_a_wait() {
    let (vhost, _, _) = applied().await;
    let wire = Wire::to(rabbitmq().address());
    let broker = broker_at(&vhost.url_at(wire.address()));
    let publisher = Publisher::connect(&broker).await.unwrap();
    wire.halve_the_next_reply();
    let error = publisher.publish(&works(0..100)).await.unwrap_err();
    assert!(matches!(error, BrokerError::Lost { .. }), "{error:?}");
    wire.halve_the_next_reply();
    let error = Publisher::connect(&broker).await.unwrap_err();
    assert!(matches!(error, BrokerError::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_connections_are_reported_and_replaced() {
    let (vhost, broker, publisher) = applied().await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    rabbitmq().close_connections(&vhost);
    timeout(crate::rig::PATIENCE, publisher.closed()).await.unwrap();
    assert!(next(&mut subscription).await.is_none());
    assert!(publisher.publish(&[work(1)]).await.is_err());
    let publisher = Publisher::connect(&broker).await.unwrap();
    send(&publisher, &[work(1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_was_restarted_is_reached_again_and_kept_what_it_confirmed() {
    let server = RabbitMq::start();
    let broker = broker_at(&server.vhost().amqp_url);
    let publisher = Publisher::connect(&broker).await.unwrap();
    publisher.apply(&topology()).await.unwrap();
    send(&publisher, &works(0..20)).await;
    for end in [RabbitMq::stop, RabbitMq::kill] {
        let publisher = Publisher::connect(&broker).await.unwrap();
        let mut subscription = Subscription::open(&broker, &fetch_queue(), 1).await.unwrap();
        next(&mut subscription).await.unwrap();
        end(&server);
        assert!(next(&mut subscription).await.is_none());
        assert!(publisher.publish(&[work(99)]).await.is_err());
        server.start_again();
        let again = Publisher::connect(&broker).await.unwrap();
        again.check(&topology()).await.unwrap();
        until_ready(&again, &fetch_queue(), 20).await;
    }
    server.wipe();
    let again = Publisher::connect(&broker).await.unwrap();
    assert_eq!(again.depth(&fetch_queue()).await.unwrap(), None);
    again.apply(&topology()).await.unwrap();
    send(&again, &works(0..20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_short_of_memory_holds_publishing_up_and_not_the_acknowledgements() {
    let server = RabbitMq::start();
    let broker = broker_at(&server.vhost().amqp_url);
    let publisher = std::sync::Arc::new(Publisher::connect(&broker).await.unwrap());
    publisher.apply(&topology()).await.unwrap();
    send(&publisher, &works(0..5)).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    server.memory_alarm(true);
    let publishing = tokio::spawn({
        let publisher = publisher.clone();
        async move { publisher.publish(&[work(9)]).await }
    });
    until("the connection is blocked", || async { publisher.is_blocked() }).await;
    assert!(timeout(crate::rig::PATIENCE, incoming.acker.ack()).await.unwrap());
    sleep(Duration::from_millis(200)).await;
    assert!(!publishing.is_finished() && publisher.is_open());
    server.memory_alarm(false);
    let published = timeout(crate::rig::PATIENCE, publishing).await.unwrap().unwrap().unwrap();
    assert_eq!(published, [Published::Confirmed]);
    until("it is blocked no more", || async { !publisher.is_blocked() }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "three nodes take minutes on a busy machine: cargo xtask faults"]
async fn a_cluster_that_loses_the_leader_of_a_queue_loses_no_message() {
    let cluster = Cluster::start();
    let vhost = cluster.vhost();
    let brokers: Vec<_> = cluster.nodes().iter().map(|node| broker_at(&vhost.url_at(node.address()))).collect();
    brokers[0].apply(&topology()).await.unwrap();
    let messages = works(0..50);
    send(&Publisher::connect(&brokers[0]).await.unwrap(), &messages).await;
    let leader = cluster.leader_of(&vhost, fetch_queue().as_str());
    let left = cluster.nodes().iter().position(|node| node.address() != leader.address()).unwrap();
    leader.kill();
    let expected: BTreeSet<_> = messages.into_iter().map(|message| message.id).collect();
    let taking = async {
        let mut taken = BTreeSet::new();
        while taken.len() < expected.len() {
            // As a worker does: while a leader is chosen, the queue may answer nobody.
            let Ok(mut subscription) = Subscription::open(&brokers[left], &fetch_queue(), 100).await else { continue };
            while taken.len() < expected.len()
                && let Some(incoming) = subscription.next().await
            {
                if incoming.acker.ack().await {
                    taken.extend(incoming.message_id);
                }
            }
        }
        taken
    };
    assert_eq!(timeout(crate::rig::PATIENCE * 3, taking).await.unwrap(), expected);
    leader.start_again();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_loses_patience_ends_the_subscription_and_delivers_again() {
    let server = RabbitMq::start_with(&[("consumer_timeout", "2000")]);
    let broker = broker_at(&server.vhost().amqp_url);
    let publisher = Publisher::connect(&broker).await.unwrap();
    publisher.apply(&topology()).await.unwrap();
    send(&publisher, &[work(1)]).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    assert!(next(&mut subscription).await.is_none());
    assert!(!incoming.acker.ack().await, "it is somebody else's by now");
    drop((incoming, subscription));
    let mut again = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    assert!(next(&mut again).await.unwrap().redelivered);
}
