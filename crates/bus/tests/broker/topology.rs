//! The topology as it is declared.

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use strongroom_bus::Topology;
use strongroom_bus::broker::{BrokerError, Published, Publisher, Subscription};
use strongroom_model::StageName;
use strongroom_servers::rabbitmq;

use crate::rig::{applied, broker_at, drive, fetch_queue, next, other_drive, proof, ready, send, site, topology, work};

/// A worker's rights, as `definitions` gives them.
const WORKER: [&str; 3] = ["^$", "^strongroom\\.events$", "^strongroom\\."];
/// The relay's.
const RELAY: [&str; 3] = ["^strongroom\\.", "^(strongroom\\..*|amq\\.default)$", "^strongroom\\."];

#[tokio::test]
async fn applied_twice_it_is_the_same() {
    let (vhost, broker, publisher) = applied().await;
    let first = vhost.definitions();
    publisher.apply(&topology()).await.unwrap();
    broker.apply(&topology()).await.unwrap();
    assert_eq!(vhost.definitions(), first);
    assert_eq!(first["queues"].as_array().unwrap().len(), topology().queues().len());
}

#[tokio::test]
async fn another_drive_adds_its_queue_and_changes_nothing_else() {
    let (vhost, _, publisher) = applied().await;
    let before = vhost.definitions()["queues"].as_array().unwrap().clone();
    publisher
        .apply(&Topology::new(site(), &[drive(), other_drive()].map(|drive| (StageName::Verify, drive.into()))))
        .await
        .unwrap();
    let after = vhost.definitions()["queues"].as_array().unwrap().clone();
    assert_eq!(after.len(), before.len() + 1);
    assert!(before.iter().all(|queue| after.contains(queue)));
    send(&publisher, &[proof(1, other_drive())]).await;
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_named_with_what_to_do() {
    let vhost = rabbitmq().vhost();
    let connection = Connection::connect(&vhost.amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let name = fetch_queue();
    channel.queue_declare(name.as_str().into(), QueueDeclareOptions::durable(), FieldTable::default()).await.unwrap();
    let error = broker_at(&vhost.amqp_url).apply(&topology()).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Mismatch { what, .. } if what == name.as_str()), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(name.as_str()) && text.contains("delete it"), "{text}");
}

#[tokio::test]
async fn a_worker_that_may_configure_nothing_works() {
    let (vhost, _, publisher) = applied().await;
    let broker = broker_at(&vhost.url_with(WORKER));
    broker.check(&topology()).await.unwrap();
    let worker = Publisher::connect(&broker).await.unwrap();
    send(&worker, &[work(1)]).await;
    assert_eq!(worker.depth(&fetch_queue()).await.unwrap().unwrap().ready, 1);
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    assert!(next(&mut subscription).await.unwrap().acker.ack().await);
    assert_eq!(ready(&publisher, &fetch_queue()).await, 0);
}

#[tokio::test]
async fn a_worker_is_refused_the_topology_and_stays_connected() {
    let (vhost, _, _) = applied().await;
    let worker = Publisher::connect(&broker_at(&vhost.url_with(WORKER))).await.unwrap();
    let error = worker.apply(&Topology::new(site(), &[(StageName::Verify, other_drive().into())])).await.unwrap_err();
    assert!(matches!(error, BrokerError::Forbidden { .. }), "{error:?}");
    assert!(error.to_string().contains("user-"), "{error}");
    let error = worker.claim_exclusive(&strongroom_bus::broker::QueueName::relay(&site())).await.unwrap_err();
    assert!(matches!(error, BrokerError::Forbidden { .. }), "{error:?}");
    assert_eq!(worker.publish(&[work(1)]).await.unwrap(), [Published::Confirmed]);
}

#[tokio::test]
async fn a_relay_needs_no_more_rights_than_the_definitions_give_it() {
    let vhost = rabbitmq().vhost();
    let broker = broker_at(&vhost.url_with(RELAY));
    let relay = Publisher::connect(&broker).await.unwrap();
    relay.apply(&topology()).await.unwrap();
    assert!(relay.claim_exclusive(&strongroom_bus::broker::QueueName::relay(&site())).await.unwrap());
    send(&relay, &[work(1), proof(2, drive())]).await;
}
