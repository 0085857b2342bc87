//! The exchange, the queues and their bindings: one table.
//!
//! RabbitMQ 3.10 to 4.x accept and honour all arguments. An existing queue keeps its arguments, so its name carries a
//! version: others need a new queue, and the old one is drained and deleted.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use strongroom_model::{Partition, SiteId, StageName};

use crate::broker::definitions;

/// The topic exchange for every event with work in it.
pub const EXCHANGE: &str = "strongroom.events";
/// Every name's prefix, for the users' rights.
const PREFIX: &str = "strongroom.";

/// The relay keeps far fewer messages ready: this bounds what several publishers, or a fault, could add.
const MAX: u32 = 50_000;
/// Beyond it the broker leaves messages where they were.
const MAX_PARKED: u32 = 10_000;
/// A dying worker returns all that it was sent; a few such deaths are not a message's fault.
const DELIVERY_LIMIT: u32 = 20;
/// People look at parked messages by taking and returning them, which counts. RabbitMQ 4 sets 20 by default.
const LOOK_LIMIT: u32 = 1_000_000;

/// A queue's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// The queue of a stage; `None` if the stage has partitions and none is given.
    #[must_use]
    pub fn stage(site: &SiteId, stage: StageName, partition: Option<&Partition>) -> Option<Self> {
        if !stage.is_partitioned() {
            return Some(Self(format!("{PREFIX}{site}.{stage}.v1")));
        }
        partition.map(|partition| Self(format!("{PREFIX}{site}.{stage}.{partition}.v1")))
    }

    /// The queue for messages that no worker could use.
    #[must_use]
    pub fn parked(site: &SiteId) -> Self {
        Self(format!("{PREFIX}{site}.parked.v1"))
    }

    /// The queue that the active relay holds exclusively; it stays empty.
    #[must_use]
    pub fn relay(site: &SiteId) -> Self {
        Self(format!("{PREFIX}{site}.relay"))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a queue holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// A stage's work, or that of one partition.
    Work(StageName, Option<Partition>),
    /// What no worker could use, or was redelivered too often.
    Parked,
}

/// The value of a queue's argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// A number.
    Number(u32),
    /// A text.
    Text(String),
}

/// A durable quorum queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// What it holds.
    pub purpose: Purpose,
    /// The topic pattern that binds it to [`EXCHANGE`]; none for the parked queue.
    pub binding: Option<String>,
    /// Its arguments.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// What a site needs on the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    site: SiteId,
    queues: Vec<Queue>,
}

impl Topology {
    /// The queues of a site with those partitions. The parked queue comes first: parking needs it.
    #[must_use]
    pub fn new(site: SiteId, partitions: &[(StageName, Partition)]) -> Self {
        let partitions: BTreeSet<_> = partitions.iter().collect();
        let mut queues = vec![parked(&site)];
        for &stage in StageName::ALL {
            if stage.is_partitioned() {
                let own = partitions.iter().filter(|(of, _)| *of == stage);
                queues.extend(own.filter_map(|(_, partition)| work(&site, stage, Some(partition))));
            } else {
                queues.extend(work(&site, stage, None));
            }
        }
        Self { site, queues }
    }

    /// Every queue, in the order in which they are declared.
    #[must_use]
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// The topology as a file for `rabbitmqctl import_definitions`; importing it again is harmless.
    #[must_use]
    pub fn definitions(&self, vhost: &str) -> Value {
        definitions::render(self, vhost)
    }

    /// The relay's user and the workers', with their least rights, as such a file. Import it once: a second import
    /// removes the passwords that `rabbitmqctl change_password` set.
    #[must_use]
    pub fn users(&self, vhost: &str) -> Value {
        definitions::users(&self.site, vhost)
    }
}

fn work(site: &SiteId, stage: StageName, partition: Option<&Partition>) -> Option<Queue> {
    let binding = match partition {
        Some(partition) => format!("{site}.{stage}.*.*.{partition}"),
        None => format!("{site}.{stage}.#"),
    };
    let mut arguments = common(MAX, DELIVERY_LIMIT);
    arguments.extend([
        ("x-dead-letter-exchange", Argument::Text(String::new())),
        ("x-dead-letter-routing-key", Argument::Text(QueueName::parked(site).0)),
        // Needs `reject-publish`; otherwise the broker drops what it cannot park.
        ("x-dead-letter-strategy", Argument::Text("at-least-once".to_owned())),
    ]);
    let name = QueueName::stage(site, stage, partition)?;
    Some(Queue { name, purpose: Purpose::Work(stage, partition.cloned()), binding: Some(binding), arguments })
}

fn parked(site: &SiteId) -> Queue {
    Queue {
        name: QueueName::parked(site),
        purpose: Purpose::Parked,
        binding: None,
        arguments: common(MAX_PARKED, LOOK_LIMIT),
    }
}

fn common(most: u32, delivery_limit: u32) -> Vec<(&'static str, Argument)> {
    vec![
        ("x-queue-type", Argument::Text("quorum".to_owned())),
        ("x-delivery-limit", Argument::Number(delivery_limit)),
        ("x-max-length", Argument::Number(most)),
        ("x-overflow", Argument::Text("reject-publish".to_owned())),
    ]
}
