//! The consumer's connection: opened again whenever it ends.

use std::sync::Arc;
use std::time::Duration;

use strongroom_model::text::with_causes;
use strongroom_model::{Partition, StageName};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::broker::{Broker, BrokerError, QueueName, Subscription};
use crate::claims::Receipt;
use crate::erased::AnyStage;
use crate::pace::{Backoff, Pace};
use crate::progress::{LinkHealth, Progress};

use super::ConsumerParts;

/// How long `unsubscribe` waits for deliveries that are on their way.
const MAX_REST: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Connector {
    broker: Broker,
    stage: Arc<dyn AnyStage>,
    prefetch: u16,
}

#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("no queue to consume: {0}")]
    NoPartition(String),
}

#[derive(Debug)]
pub(super) enum ConnectionEvent {
    Nothing,
    Incoming(Receipt),
    Lost,
}

type Connected = Result<(Subscription, Option<Partition>), ConnectError>;

#[derive(Debug)]
enum ConnectionState {
    Down { until: Instant },
    Connecting(JoinSet<Connected>),
    Up(Box<Subscription>, Option<Partition>),
}

#[derive(Debug)]
pub(super) struct QueueConnection {
    state: ConnectionState,
    backoff: Backoff,
    progress: Arc<Progress>,
    stage: StageName,
    was_up: bool,
}

impl QueueConnection {
    pub(super) fn new(stage: StageName, progress: Arc<Progress>, pace: Pace) -> Self {
        let state = ConnectionState::Down { until: Instant::now() };
        let connection = Self { state, backoff: pace.backoff(), progress, stage, was_up: false };
        connection.report(false, None, None);
        connection
    }

    pub(super) const fn partition(&self) -> Option<&Partition> {
        match &self.state {
            ConnectionState::Up(_, partition) => partition.as_ref(),
            _ => None,
        }
    }

    /// Waits for the next event; cancel-safe.
    pub(super) async fn next(&mut self, connector: &Connector) -> ConnectionEvent {
        match &mut self.state {
            ConnectionState::Down { until } => {
                sleep_until(*until).await;
                let mut task = JoinSet::new();
                task.spawn(connector.clone().open());
                self.state = ConnectionState::Connecting(task);
                ConnectionEvent::Nothing
            }
            ConnectionState::Connecting(task) => {
                let opened = task.join_next().await;
                match opened {
                    Some(Ok(Ok((subscription, partition)))) => self.connected(subscription, partition),
                    Some(Ok(Err(error))) => self.disconnected(with_causes(&error)),
                    // The client panicked; nothing is known to be open.
                    Some(Err(error)) => self.disconnected(format!("the attempt to connect broke off: {error}")),
                    None => self.disconnected("the attempt to connect broke off".to_owned()),
                }
                ConnectionEvent::Nothing
            }
            ConnectionState::Up(subscription, _) => match subscription.next().await {
                Some(incoming) => {
                    self.backoff.reset();
                    ConnectionEvent::Incoming(Box::new(incoming))
                }
                None => {
                    self.disconnected("the queue's consumer has ended".to_owned());
                    ConnectionEvent::Lost
                }
            },
        }
    }

    /// Stops consuming, and returns what was on its way. `next` connects anew.
    pub(super) async fn unsubscribe(&mut self) -> Vec<Receipt> {
        let state = std::mem::replace(&mut self.state, ConnectionState::Down { until: Instant::now() });
        let ConnectionState::Up(mut subscription, _) = state else { return Vec::new() };
        let mut rest = Vec::new();
        // If it cannot be cancelled, the connection is lost, and the broker redelivers everything.
        let resting = async {
            if subscription.cancel().await.is_ok() {
                while let Some(incoming) = subscription.next().await {
                    rest.push(Box::new(incoming));
                }
            }
        };
        let _ = timeout(MAX_REST, resting).await;
        rest
    }

    fn connected(&mut self, subscription: Subscription, partition: Option<Partition>) {
        if std::mem::replace(&mut self.was_up, true) {
            metrics::counter!("strongroom_broker_reconnects_total").increment(1);
        }
        self.report(true, partition.clone(), None);
        self.state = ConnectionState::Up(Box::new(subscription), partition);
    }

    fn disconnected(&mut self, why: String) {
        let delay = self.backoff.jittered();
        tracing::warn!(stage = %self.stage, why, retry_in_ms = delay.as_millis(), "not connected to the queue: connecting again");
        self.state = ConnectionState::Down { until: Instant::now() + delay };
        self.report(false, None, Some(why));
    }

    fn report(&self, connected: bool, partition: Option<Partition>, error: Option<String>) {
        let before = self.progress.link_now();
        let since = before.filter(|link| link.connected == connected).map_or_else(Instant::now, |link| link.since);
        self.progress.link(LinkHealth { connected, since, error, partition });
        metrics::gauge!("strongroom_broker_connected", "role" => "consume").set(f64::from(u8::from(connected)));
    }
}

impl Connector {
    pub(super) fn of(parts: &ConsumerParts, prefetch: u16) -> Self {
        Self { broker: parts.broker.clone(), stage: parts.stage.clone(), prefetch }
    }

    async fn open(self) -> Connected {
        let stage = self.stage.name();
        let mut partition = self.stage.partition();
        if stage.is_partitioned() && partition.is_none() {
            // Only `ready` finds out which partition it is.
            self.stage.ready().await.map_err(|obstacle| ConnectError::NoPartition(obstacle.message))?;
            partition = self.stage.partition();
        }
        let queue = QueueName::stage(self.broker.site(), stage, partition.as_ref())
            .ok_or_else(|| ConnectError::NoPartition("the stage names none".to_owned()))?;
        let subscription = Subscription::open(&self.broker, &queue, self.prefetch).await?;
        tracing::info!(%stage, %queue, "consuming the queue");
        Ok((subscription, partition))
    }
}
