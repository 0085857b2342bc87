//! The brokers that tests get are what they say.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
#[ignore = "three nodes take minutes on a busy machine: cargo xtask faults"]
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

#[test]
#[ignore = "the test below runs it in a process of its own"]
fn child_has_a_broker_until_it_is_killed() {
    println!("\nat {}", rabbitmq().address());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_broker_does_not_outlive_a_process_that_was_killed() {
    let mut child = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--ignored", "--exact", "--nocapture", "child_has_a_broker_until_it_is_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a test can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.strip_prefix("at ").map(str::to_owned)).expect("it says where");
    child.kill().expect("a child can be killed");
    child.wait().expect("a child can be waited for");
    let begin = Instant::now();
    while TcpStream::connect(&address).is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the broker at {address} has outlived its test");
        std::thread::sleep(Duration::from_millis(20));
    }
}
