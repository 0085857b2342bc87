//! Three nodes are one broker, and the one that everybody works with dies.

use strongroom_servers::{Cluster, postgres};
use strongroom_tests::fleet::{Fleet, bookings};

use crate::bears;

/// Where fetch's work waits.
const QUEUE: &str = "strongroom.kestrel.fetch.v1";

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_leader_of_a_cluster_is_killed() {
    let cluster = Cluster::start();
    bears(Fleet::on(postgres(), &cluster.nodes()[0]), |fleet, crew| {
        // A queue is led where it was declared: on the node that everybody is connected to.
        let leader = cluster.leader_of(&fleet.vhost, QUEUE);
        assert_eq!(leader.address(), cluster.nodes()[0].address(), "the leader is who everybody talks to");
        leader.kill();
        // As the balancer before a cluster does.
        fleet.to_rabbitmq.lead_to(cluster.nodes()[1].address());
        // The two that are left do all of it.
        crew.until_archived(bookings());
        leader.start_again();
    });
}
