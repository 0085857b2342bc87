//! The relay: publishes what is pending in the log, so that workers in other processes get it.
//!
//! It keeps nothing. What is pending is what the streams' last events say, so it reads the log
//! upwards from a cursor for each queue, publishes until the queue holds enough, and looks at
//! what is due. After any doubt (a lost connection, a queue that is gone) it begins at the
//! log's first position again: what is published twice changes nothing (rule R3). What it
//! published long ago and is still pending, though the queue no longer holds it, is published
//! again: so even a broker that loses messages only costs time.
//!
//! One relay of a site is active at a time, the one that holds an exclusive queue. That is no
//! lock to rely on: two at once would only make duplicates.
//!
//! - [`pace`]: how often, how long, how much;
//! - `lane`: one queue, and what is known to be in it; `lanes`: all of a site's;
//! - `session`: the life of one connection; `turn`: what is published of one lane;
//! - `state`: how it stands, for health and for `conditions`: alarms and figures.

mod conditions;
mod fill;
pub mod pace;
mod queue;
mod queues;
mod session;
mod status;

use std::sync::Arc;

use strongroom_eventlog::EventLog;
use strongroom_model::Actor;
use strongroom_model::text::with_causes;
use strongroom_service::Clock;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alarms::Alarms;
use crate::broker::Broker;
use crate::retry::RetryPolicy;

pub use self::pace::RelayPace;
pub use self::status::RelayHealth;

use self::conditions::AlarmWatch;
use self::session::Relay;
use self::status::SharedStatus;

/// What a relay needs.
#[derive(Debug, Clone)]
pub struct RelayWiring {
    /// The site's log.
    pub log: EventLog,
    /// Where to publish to.
    pub broker: Broker,
    /// The time, for what is due and for alarms.
    pub clock: Clock,
    /// When failures are tried again: a retry that is due later than it allows was set before the
    /// clock was.
    pub retry: RetryPolicy,
    /// Whose name stands on its alarms, such as `relay@backup-1`.
    pub actor: Actor,
    /// How often, how long, how much.
    pub pace: RelayPace,
    /// Cancelled: end at once. Nothing is lost by that.
    pub stop: CancellationToken,
}

/// A relay that runs in this process. Dropped, it runs on.
#[derive(Debug)]
pub struct RelayHandle {
    status: Arc<SharedStatus>,
    task: JoinHandle<()>,
}

/// Shows how a relay stands, wherever that is asked.
#[derive(Debug, Clone)]
pub struct RelayView(Arc<SharedStatus>);

impl RelayView {
    /// How it stands.
    #[must_use]
    pub fn health(&self) -> RelayHealth {
        self.0.health()
    }
}

impl RelayHandle {
    /// Shows how it stands, wherever that is asked.
    #[must_use]
    pub fn view(&self) -> RelayView {
        RelayView(self.status.clone())
    }

    /// How it stands.
    #[must_use]
    pub fn health(&self) -> RelayHealth {
        self.status.health()
    }

    /// Whether it has ended: it was told to, or it met a fault of its own.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until it has ended, which it does soon after it was told to.
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(error = %with_causes(&error), "the relay ended in a fault of its own");
        }
    }
}

/// Starts a relay. It declares the topology where it may, and publishes until it is told to stop.
#[must_use]
pub fn spawn_relay(wiring: RelayWiring) -> RelayHandle {
    let status = Arc::new(SharedStatus::default());
    let alarms = Alarms::new(wiring.log.clone(), wiring.clock.clone(), wiring.actor.clone());
    let conditions = AlarmWatch::new(alarms, &wiring.broker, wiring.pace, status.clone());
    let stop = wiring.stop.clone();
    let relay = Relay::new(wiring, status.clone());
    let task = tokio::spawn(async move {
        tokio::join!(relay.run(), stop.run_until_cancelled(conditions.run()));
    });
    RelayHandle { status, task }
}
