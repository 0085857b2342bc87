//! How a relay stands: written by its session, read by whoever asks after its health and by
//! what raises its alarms.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::broker::{Publisher, QueueName};

/// How a relay is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHealth {
    /// Whether it is connected to the broker.
    pub connected: bool,
    /// Whether the broker takes nothing for now: it is short of memory or disk.
    pub blocked: bool,
    /// Whether it is the one that publishes. Another one of the site may be, and then this one
    /// stands by.
    pub active: bool,
    /// How long ago it last went through all queues and published what there was room for;
    /// `None`: it has not since it became active.
    pub looked: Option<Duration>,
    /// What is the matter, in the words of a person.
    pub trouble: Option<String>,
}

/// The same, as it is written.
#[derive(Debug, Default)]
pub(super) struct SharedStatus(Mutex<RelayStatus>);

#[derive(Debug, Default)]
pub(super) struct RelayStatus {
    /// The connection, while there is one.
    pub(super) publisher: Option<Arc<Publisher>>,
    pub(super) active: bool,
    pub(super) looked_at: Option<Instant>,
    /// Why it is not connected.
    pub(super) unreachable: Option<String>,
    /// What is wrong with the topology, while something is.
    pub(super) topology: Option<String>,
    /// A queue that gives no answer, if there is one.
    pub(super) stuck: Option<QueueName>,
    /// How many messages are parked, when that was last seen.
    pub(super) parked: Option<u32>,
    /// That the log cannot be read.
    pub(super) log: Option<String>,
}

impl RelayStatus {
    /// Whether the broker takes nothing for now.
    pub(super) fn is_blocked(&self) -> bool {
        self.publisher.as_ref().is_some_and(|publisher| publisher.is_blocked())
    }
}

impl SharedStatus {
    pub(super) fn lock(&self) -> MutexGuard<'_, RelayStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection was made.
    pub(super) fn connected(&self, publisher: Arc<Publisher>) {
        *self.lock() = RelayStatus { publisher: Some(publisher), ..RelayStatus::default() };
        metrics::gauge!("strongroom_broker_connected", "role" => "publish").set(1.0);
    }

    /// It is lost, or could not be made.
    pub(super) fn lost(&self, why: String) {
        *self.lock() = RelayStatus { unreachable: Some(why), ..RelayStatus::default() };
        metrics::gauge!("strongroom_broker_connected", "role" => "publish").set(0.0);
    }

    pub(super) fn health(&self) -> RelayHealth {
        let status = self.lock();
        let troubles = [&status.unreachable, &status.topology, &status.log];
        RelayHealth {
            connected: status.publisher.as_ref().is_some_and(|publisher| publisher.is_open()),
            blocked: status.is_blocked(),
            active: status.active,
            looked: status.looked_at.map(|at| at.elapsed()),
            trouble: troubles.into_iter().flatten().next().cloned(),
        }
    }
}
