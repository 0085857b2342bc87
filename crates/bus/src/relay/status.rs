use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::broker::{Publisher, QueueName};

/// A relay's health.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayHealth {
    /// Whether it is connected to the broker.
    pub connected: bool,
    /// Whether the broker blocks it: short of memory or disk.
    pub blocked: bool,
    /// Whether it publishes; otherwise another relay does.
    pub active: bool,
    /// How long ago it last filled all queues; `None`: not since it became active.
    pub last_filled: Option<Duration>,
    /// What is wrong, for a person.
    pub error: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct SharedStatus(Mutex<RelayStatus>);

#[derive(Debug, Default)]
pub(super) struct RelayStatus {
    pub(super) publisher: Option<Arc<Publisher>>,
    pub(super) active: bool,
    pub(super) filled_at: Option<Instant>,
    pub(super) unreachable: Option<String>,
    pub(super) topology: Option<String>,
    pub(super) stuck: Option<QueueName>,
    pub(super) parked: Option<u32>,
    pub(super) log: Option<String>,
}

impl RelayStatus {
    pub(super) fn is_blocked(&self) -> bool {
        self.publisher.as_ref().is_some_and(|publisher| publisher.is_blocked())
    }
}

impl SharedStatus {
    pub(super) fn lock(&self) -> MutexGuard<'_, RelayStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connected(&self, publisher: Arc<Publisher>) {
        *self.lock() = RelayStatus { publisher: Some(publisher), ..RelayStatus::default() };
        metrics::gauge!("strongroom_broker_connected", "role" => "publish").set(1.0);
    }

    pub(super) fn lost(&self, why: String) {
        *self.lock() = RelayStatus { unreachable: Some(why), ..RelayStatus::default() };
        metrics::gauge!("strongroom_broker_connected", "role" => "publish").set(0.0);
    }

    pub(super) fn health(&self) -> RelayHealth {
        let status = self.lock();
        let errors = [&status.unreachable, &status.topology, &status.log];
        RelayHealth {
            connected: status.publisher.as_ref().is_some_and(|publisher| publisher.is_open()),
            blocked: status.is_blocked(),
            active: status.active,
            last_filled: status.filled_at.map(|at| at.elapsed()),
            error: errors.into_iter().flatten().next().cloned(),
        }
    }
}
