//! The brokers that tests get are what they say.

use std::net::TcpStream;

use strongroom_servers::{Cluster, RabbitMq, rabbitmq};

#[test]
fn a_broker_can_be_ended_started_again_and_wiped() {
    let broker = RabbitMq::start();
    let vhost = broker.vhost();
    broker.stop();
    assert!(TcpStream::connect(broker.address()).is_err());
    broker.start_again();
    assert!(broker.ctl(&["list_vhosts", "name"]).contains(&vhost.name));
    broker.kill();
    assert!(TcpStream::connect(broker.address()).is_err());
    broker.wipe();
    assert!(broker.ctl(&["list_vhosts", "name"]).contains(&vhost.name));
}

#[test]
fn each_test_gets_a_virtual_host_of_its_own() {
    let (one, other) = (rabbitmq().vhost(), rabbitmq().vhost());
    assert_ne!(one.name, other.name);
    assert_eq!(one.definitions()["queues"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_cluster_keeps_its_queues_when_a_node_is_killed() {
    let cluster = Cluster::start();
    let vhost = cluster.vhost();
    let running = cluster.nodes()[2].ctl(&["cluster_status", "--formatter", "json"]);
    let running: serde_json::Value = serde_json::from_str(&running).expect("it is JSON");
    assert_eq!(running["running_nodes"].as_array().map(Vec::len), Some(3), "{running}");
    cluster.nodes()[0].kill();
    assert!(cluster.nodes()[1].ctl(&["list_vhosts", "name"]).contains(&vhost.name));
    cluster.nodes()[0].start_again();
}
