//! The errors of a broker that cannot be used.

use std::net::TcpListener;
use std::time::Duration;

use strongroom_bus::broker::{BrokerError, Publisher, QueueName, Subscription};
use strongroom_bus::{Broker, BrokerSettings};
use strongroom_servers::rabbitmq;
use strongroom_service::config::Secret;

use crate::rig::{applied, broker_at, site, topology};

async fn refusal(broker: &Broker) -> BrokerError {
    Publisher::connect(broker).await.unwrap_err()
}

#[tokio::test]
async fn nobody_at_the_address_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = refusal(&broker_at(&format!("amqp://me:hunter2@{address}/x"))).await;
    assert!(matches!(error, BrokerError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_port_that_says_nothing_does_not_hold_us_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://{}/x", listener.local_addr().unwrap());
    let mut settings = BrokerSettings::new(Secret::new(url));
    settings.setup_timeout = Duration::from_millis(200);
    let error = refusal(&Broker::new(settings, site()).unwrap()).await;
    assert!(matches!(error, BrokerError::Silent { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_not_shown() {
    let vhost = rabbitmq().vhost();
    let error = refusal(&broker_at(&vhost.amqp_url.replace("guest@", "hunter2@"))).await;
    assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("guest") && !error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_virtual_host_that_is_not_there_is_named() {
    let vhost = rabbitmq().vhost();
    let error = refusal(&broker_at(&vhost.amqp_url.replace(&vhost.name, "nowhere"))).await;
    assert!(matches!(error, BrokerError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[tokio::test]
async fn a_broker_without_the_topology_names_what_is_missing() {
    let vhost = rabbitmq().vhost();
    let broker = broker_at(&vhost.amqp_url);
    let error = broker.check(&topology()).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Missing { what } if what == "strongroom.events"), "{error:?}");
    let parked = QueueName::parked(&site());
    let error = Subscription::open(&broker, &parked, 1).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Missing { what } if what == parked.as_str()), "{error:?}");
    assert!(error.to_string().contains("strongroom topology apply"), "{error}");
}

#[tokio::test]
async fn a_broker_with_the_topology_passes_the_check() {
    let (_, broker, _) = applied().await;
    broker.check(&topology()).await.unwrap();
}
