//! Publishes what is pending in the log, for workers in other processes.
//!
//! It keeps nothing: for each queue it reads the log upwards from a cursor, publishes until the queue holds enough,
//! and checks what is due. After any doubt (a lost connection, a missing queue) it begins at the log's first position
//! again: a duplicate changes nothing (rule R3). What was published long ago, is still pending and not in the queue
//! is published again: a broker that loses messages only costs time.
//!
//! One relay of a site is active, the one that holds an exclusive queue. Two at once only make duplicates.

mod alarm_watch;
mod fill;
mod pace;
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

use self::alarm_watch::AlarmWatch;
use self::session::Relay;
use self::status::SharedStatus;

/// What a relay needs.
#[derive(Debug, Clone)]
pub struct RelayWiring {
    /// The site's log.
    pub log: EventLog,
    /// Where to publish.
    pub broker: Broker,
    /// The time, for what is due and for alarms.
    pub clock: Clock,
    /// For the longest delay; see `stranded`.
    pub retry: RetryPolicy,
    /// Recorded in its alarms, such as `relay@backup-1`.
    pub actor: Actor,
    /// The intervals and time-outs.
    pub pace: RelayPace,
    /// Ends it at once; nothing is lost by that.
    pub stop: CancellationToken,
}

/// A relay that runs in this process. Dropped, it runs on.
#[derive(Debug)]
pub struct RelayHandle {
    status: Arc<SharedStatus>,
    task: JoinHandle<()>,
}

/// Shows a relay's health; clones share it.
#[derive(Debug, Clone)]
pub struct RelayView(Arc<SharedStatus>);

impl RelayView {
    /// Its health.
    #[must_use]
    pub fn health(&self) -> RelayHealth {
        self.0.health()
    }
}

impl RelayHandle {
    /// A view to share.
    #[must_use]
    pub fn view(&self) -> RelayView {
        RelayView(self.status.clone())
    }

    /// Whether it has ended, by `stop` or by a bug.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until it has ended, soon after `stop`.
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(error = %with_causes(&error), "the relay has stopped because of a bug: this process ends; start it again and report this");
        }
    }
}

/// Starts a relay. It declares the topology if its user may.
#[must_use]
pub fn spawn_relay(wiring: RelayWiring) -> RelayHandle {
    let status = Arc::new(SharedStatus::default());
    let alarms = Alarms::new(wiring.log.clone(), wiring.clock.clone(), wiring.actor.clone());
    let alarm_watch = AlarmWatch::new(alarms, &wiring.broker, wiring.pace, status.clone());
    let stop = wiring.stop.clone();
    let relay = Relay::new(wiring, status.clone());
    let task = tokio::spawn(async move {
        tokio::join!(relay.run(), stop.run_until_cancelled(alarm_watch.run()));
    });
    RelayHandle { status, task }
}
