//! The feed's connection: opened, and opened again whenever it ends, for ever.

use std::sync::Arc;
use std::time::Duration;

use strongroom_model::text::with_causes;
use strongroom_model::{Partition, SiteId, StageName};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use crate::broker::{Broker, BrokerError, Incoming, QueueName, Subscription};
use crate::erased::AnyStage;
use crate::pace::{Backoff, Pace};
use crate::progress::{LinkHealth, Progress};

use super::ConsumerParts;

/// How long the rest of what was on its way is waited for when nothing more is wanted.
const MAX_REST: Duration = Duration::from_secs(5);

/// What is needed to open a connection.
#[derive(Clone)]
pub(super) struct Connector {
    broker: Broker,
    stage: Arc<dyn AnyStage>,
    prefetch: u16,
}

/// Why no connection could be opened.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error("the broker did not let us take from the queue within {} s", .0.as_secs())]
    Slow(Duration),
    #[error("no queue is known to take from: {0}")]
    NoPartition(String),
}

/// What connection_event on a connection.
#[derive(Debug)]
pub(super) enum ConnectionEvent {
    /// Nothing that needs to be dealt with.
    Nothing,
    /// A message came.
    Incoming(Box<Incoming>),
    /// The connection is lost.
    Lost,
}

type Connected = Result<(Subscription, Option<Partition>), ConnectError>;

#[derive(Debug)]
enum ConnectionState {
    Down { until: Instant },
    Connecting(JoinSet<Connected>),
    Up(Box<Subscription>, Option<Partition>),
}

/// A connection to the stage's queue.
#[derive(Debug)]
pub(super) struct QueueConnection {
    state: ConnectionState,
    backoff: Backoff,
    progress: Arc<Progress>,
    stage: StageName,
    /// Whether there has been one: the next one is a reconnection.
    was_up: bool,
}

impl QueueConnection {
    pub(super) fn new(stage: StageName, progress: Arc<Progress>, pace: Pace) -> Self {
        let state = ConnectionState::Down { until: Instant::now() };
        let connection = Self { state, backoff: pace.backoff(), progress, stage, was_up: false };
        connection.report(false, None, None);
        connection
    }

    /// The partition whose queue it takes from.
    pub(super) const fn partition(&self) -> Option<&Partition> {
        match &self.state {
            ConnectionState::Up(_, partition) => partition.as_ref(),
            _ => None,
        }
    }

    /// What happens next. It may be dropped while it waits.
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
                    // It panicked: the client's fault, and nothing is known to be open.
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
                    self.disconnected("the queue delivers no more".to_owned());
                    ConnectionEvent::Lost
                }
            },
        }
    }

    /// Takes nothing more for now, and gives what was on its way. A next call begins anew.
    pub(super) async fn unsubscribe(&mut self) -> Vec<Incoming> {
        let state = std::mem::replace(&mut self.state, ConnectionState::Down { until: Instant::now() });
        let ConnectionState::Up(mut subscription, _) = state else { return Vec::new() };
        let mut rest = Vec::new();
        // Where it cannot be cancelled it is lost, and the broker delivers all of it again.
        let resting = async {
            if subscription.cancel().await.is_ok() {
                while let Some(incoming) = subscription.next().await {
                    rest.push(incoming);
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
        tracing::warn!(stage = %self.stage, why, retry_in_ms = delay.as_millis(), "no work comes from the broker: connecting again");
        self.state = ConnectionState::Down { until: Instant::now() + delay };
        self.report(false, None, Some(why));
    }

    fn report(&self, connected: bool, partition: Option<Partition>, trouble: Option<String>) {
        let before = self.progress.link_now();
        let since = before.filter(|link| link.connected == connected).map_or_else(Instant::now, |link| link.since);
        self.progress.link(LinkHealth { connected, since, trouble, partition });
        metrics::gauge!("strongroom_broker_connected", "role" => "consume").set(f64::from(u8::from(connected)));
    }
}

impl Connector {
    pub(super) fn of(parts: &ConsumerParts, prefetch: u16) -> Self {
        Self { broker: parts.broker.clone(), stage: parts.stage.clone(), prefetch }
    }

    async fn open(self) -> Connected {
        let most = self.broker.settings().setup_timeout;
        let stage = self.stage.name();
        let mut partition = self.stage.partition();
        if stage.is_partitioned() && partition.is_none() {
            // Only a look at what it works on says which one it is.
            self.stage.ready().await.map_err(|obstacle| ConnectError::NoPartition(obstacle.message))?;
            partition = self.stage.partition();
        }
        let queue = queue(self.broker.site(), stage, partition.as_ref())?;
        let subscribing = Subscription::open(&self.broker, &queue, self.prefetch);
        let subscription = timeout(most, subscribing).await.map_err(|_| ConnectError::Slow(most))??;
        tracing::info!(%stage, %queue, "taking work from the broker");
        Ok((subscription, partition))
    }
}

fn queue(site: &SiteId, stage: StageName, partition: Option<&Partition>) -> Result<QueueName, ConnectError> {
    QueueName::stage(site, stage, partition).ok_or_else(|| ConnectError::NoPartition("the stage names none".to_owned()))
}
