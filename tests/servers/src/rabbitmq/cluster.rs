//! Three nodes that are one broker.

use std::sync::Arc;

use super::epmd::Epmd;
use super::node::{Node, Setup};
use super::{RabbitMq, Vhost};
use crate::port;

/// How many nodes keep each message: one may be lost.
const NODES: usize = 3;

/// A cluster of three nodes on one machine. It ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<RabbitMq>,
}

impl Cluster {
    /// Starts the nodes; they find each other by a list of their names.
    pub fn start() -> Self {
        port::on_free_ones(Self::try_start)
    }

    fn try_start() -> Option<Self> {
        let epmd = Arc::new(Epmd::start());
        let setups: Vec<_> = (0..NODES).map(|_| Setup::new(&epmd)).collect();
        let names: Vec<_> = setups.iter().map(|setup| setup.name.clone()).collect();
        let keys: Vec<_> =
            (1..=NODES).map(|number| format!("cluster_formation.classic_config.nodes.{number}")).collect();
        let mut settings: Vec<_> = keys.iter().zip(&names).map(|(key, name)| (key.as_str(), name.as_str())).collect();
        settings.push(("cluster_formation.peer_discovery_backend", "classic_config"));
        let mut nodes = Vec::new();
        // The others join the first: it has made the cluster when they come.
        for setup in setups {
            let node = Node::prepare(&epmd, setup, "strongroom", &settings);
            if !node.begin() {
                node.must_have_met_another();
                return None;
            }
            nodes.push(RabbitMq::of(node));
        }
        Some(Self { nodes })
    }

    pub fn nodes(&self) -> &[RabbitMq] {
        &self.nodes
    }

    /// A fresh virtual host, as the first node shows it.
    pub fn vhost(&self) -> Vhost {
        self.nodes[0].vhost()
    }

    /// The node that leads a quorum queue.
    pub fn leader_of(&self, vhost: &Vhost, queue: &str) -> &RabbitMq {
        let alive = self.nodes.iter().find(|node| node.node.lives()).expect("a node is there");
        let path = format!("/api/queues/{}/{}", vhost.name, super::http::escaped(queue));
        let text = alive.node.http().get(&path);
        let queue: serde_json::Value = serde_json::from_str(&text).expect("the management API answers with JSON");
        let leader = queue["leader"].as_str().unwrap_or_default();
        self.nodes.iter().find(|node| node.node.name() == leader).unwrap_or_else(|| panic!("no leader in {queue}"))
    }
}
