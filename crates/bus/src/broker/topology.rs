//! The one table: the exchange, the queues, what binds them and with which arguments.
//!
//! Arguments are only those that RabbitMQ 3.10 to 4.x all accept and honour. A queue that is
//! there keeps what it was declared with, so its name carries a version: other arguments are
//! a new name, and the old queue is drained and deleted.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use strongroom_model::{Partition, Recorded, SiteId, StageName};

use crate::broker::definitions;
use crate::broker::route::RoutingKey;

/// The topic exchange that every event with work in it is published to.
pub const EXCHANGE: &str = "strongroom.events";
/// What every name of ours begins with, so that rights can be given by it.
pub const PREFIX: &str = "strongroom.";

/// How many messages a stage's queue takes before it refuses more. The relay keeps far fewer
/// ready: this only bounds what several publishers at once, or a fault, could put there.
const MAX: u32 = 50_000;
/// How many parked messages are kept before the broker leaves more where they were.
const MAX_PARKED: u32 = 10_000;
/// How often a message may come back without an acknowledgement before it is parked: a worker
/// that dies returns all that it was sent, and a handful of such deaths is not a message's fault.
const DELIVERY_LIMIT: u32 = 20;
/// The parked queue's own: people look at it by taking and returning, which counts, and there
/// is nowhere to go from there. RabbitMQ 4 has a limit of 20 where none is named.
const LOOK_LIMIT: u32 = 1_000_000;

/// A queue's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// The queue of a stage; a partitioned one's is of a partition, and `None` without one.
    #[must_use]
    pub fn stage(site: &SiteId, stage: StageName, partition: Option<&Partition>) -> Option<Self> {
        if !stage.is_partitioned() {
            return Some(Self(format!("{PREFIX}{site}.{stage}.v1")));
        }
        partition.map(|partition| Self(format!("{PREFIX}{site}.{stage}.{partition}.v1")))
    }

    /// The queue of what nobody could read.
    #[must_use]
    pub fn parked(site: &SiteId) -> Self {
        Self(format!("{PREFIX}{site}.parked.v1"))
    }

    /// The queue that the active relay holds alone; nothing is ever put there.
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
    /// A stage's work; a partitioned stage's is of a partition.
    Work(StageName, Option<Partition>),
    /// What nobody could read, or what came back too often.
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

/// A quorum queue, durable, as it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Its name.
    pub name: QueueName,
    /// What it holds.
    pub purpose: Purpose,
    /// The topic pattern that binds it to [`EXCHANGE`]; the parked queue is bound by none.
    pub binding: Option<String>,
    /// Its arguments, by name.
    pub arguments: Vec<(&'static str, Argument)>,
}

/// What a site needs on the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    site: SiteId,
    queues: Vec<Queue>,
}

impl Topology {
    /// The queues of a site where partitioned stages have those partitions. The parked queue comes first: what is to be
    /// parked needs a place before it can come.
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

    /// Whose it is.
    #[must_use]
    pub const fn site(&self) -> &SiteId {
        &self.site
    }

    /// Every queue, in the order in which they are declared.
    #[must_use]
    pub fn queues(&self) -> &[Queue] {
        &self.queues
    }

    /// The queue of what nobody could read.
    #[must_use]
    pub fn parked(&self) -> QueueName {
        QueueName::parked(&self.site)
    }

    /// The queue of a stage, and of a partition where it has them, if it is part of this topology.
    #[must_use]
    pub fn queue_of(&self, stage: StageName, partition: Option<&Partition>) -> Option<&Queue> {
        let name = QueueName::stage(&self.site, stage, partition)?;
        self.queues.iter().find(|queue| queue.name == name)
    }

    /// The key that hands an event's subject on; see [`RoutingKey::of`].
    #[must_use]
    pub fn routing_key(&self, event: &Recorded, partition: Option<&Partition>) -> Option<RoutingKey> {
        RoutingKey::of(&self.site, event, partition)
    }

    /// The same as a file that `rabbitmqctl import_definitions` reads, for a broker whose
    /// administrator declares everything: the exchange, the queues and their bindings. It may
    /// be imported any number of times, also by the broker at each of its starts.
    #[must_use]
    pub fn definitions(&self, vhost: &str) -> Value {
        definitions::render(self, vhost)
    }

    /// The relay's user and the workers', with their least rights at this site's queues, as a file of the same kind.
    /// They have no password, and cannot log in, until somebody gives them one (`rabbitmqctl
    /// change_password`). It is imported once: another time would take the passwords away.
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
        // Only together with `reject-publish`; otherwise the broker drops what it cannot park.
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
