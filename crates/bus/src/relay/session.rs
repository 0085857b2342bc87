//! The life of one connection: standby, active, lost.

use std::sync::Arc;
use std::time::Duration;

use strongroom_eventlog::LogError;
use strongroom_model::text::with_causes;
use strongroom_model::{Partition, StageName};
use tokio::time::{Instant, sleep, timeout};

use crate::broker::{BrokerError, Publisher, QueueName};
use crate::pace::Backoff;

use super::RelayWiring;
use super::queue::RelayQueue;
use super::queues::RelayQueues;
use super::status::SharedStatus;

/// Each has a queue.
const MAX_PARTITIONS: usize = 1_000;

const MAX_CLOSE: Duration = Duration::from_secs(5);

pub(super) struct Relay {
    pub(super) wiring: RelayWiring,
    pub(super) status: Arc<SharedStatus>,
    pub(super) published: u64,
    pub(super) connected_again: Option<Instant>,
    seen: u64,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum RoundError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Log(#[from] LogError),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NextRound {
    /// More in the log, and room for it.
    Now,
    /// A queue with consumers is full.
    Soon,
    /// At an append, or when something is due.
    Later,
}

struct Rounds {
    inspect_at: Instant,
    sweep_at: Instant,
    rescan_at: Instant,
}

impl Relay {
    pub(super) const fn new(wiring: RelayWiring, status: Arc<SharedStatus>) -> Self {
        Self { wiring, status, published: 0, connected_again: None, seen: 0 }
    }

    pub(super) async fn run(mut self) {
        let stop = self.wiring.stop.clone();
        let pace = self.wiring.pace;
        let mut backoff = Backoff::new(pace.reconnect_min, pace.reconnect_max);
        let mut was_connected = false;
        while !stop.is_cancelled() {
            let why = match stop.run_until_cancelled(Publisher::connect(&self.wiring.broker)).await {
                None => return,
                Some(Err(error)) => with_causes(&error),
                Some(Ok(publisher)) => {
                    if std::mem::replace(&mut was_connected, true) {
                        self.connected_again = Some(Instant::now());
                        metrics::counter!("strongroom_broker_reconnects_total").increment(1);
                    }
                    let publisher = Arc::new(publisher);
                    self.status.connected(publisher.clone());
                    match stop.run_until_cancelled(self.serve(&publisher, &mut backoff)).await {
                        None => {
                            // So that a standby relay can become active at once.
                            let _ = timeout(MAX_CLOSE, publisher.close()).await;
                            return;
                        }
                        Some(why) => why,
                    }
                }
            };
            let delay = backoff.jittered();
            tracing::warn!(why, retry_in_ms = delay.as_millis(), "the relay is not connected: trying again");
            self.status.lost(why);
            stop.run_until_cancelled(sleep(delay)).await;
        }
    }

    /// Returns why the connection ended.
    async fn serve(&mut self, publisher: &Publisher, backoff: &mut Backoff) -> String {
        const LOST: &str = "the connection to the broker is lost";
        tokio::select! {
            stood_by = self.stand_by(publisher) => if let Err(error) = stood_by {
                return with_causes(&error);
            },
            () = publisher.closed() => return LOST.to_owned(),
        }
        backoff.reset();
        self.status.lock().active = true;
        tracing::info!(broker = self.wiring.broker.place(), "the relay is active");
        tokio::select! {
            error = self.active(publisher) => with_causes(&error),
            // Its answers do not arrive any more.
            () = publisher.closed() => LOST.to_owned(),
        }
    }

    async fn stand_by(&self, publisher: &Publisher) -> Result<(), BrokerError> {
        let queue = QueueName::relay(self.wiring.broker.site());
        let mut logged = false;
        loop {
            match publisher.claim_exclusive(&queue).await {
                Ok(true) => return Ok(()),
                // Without the right to declare it publishes: two at once only make duplicates.
                Err(BrokerError::Forbidden { .. }) => return Ok(()),
                Err(error) => return Err(error),
                Ok(false) => {
                    if !std::mem::replace(&mut logged, true) {
                        tracing::info!("another relay of the site is active: standing by");
                    }
                    sleep(self.wiring.pace.standby).await;
                }
            }
        }
    }

    async fn active(&mut self, publisher: &Publisher) -> BrokerError {
        let pace = self.wiring.pace;
        let mut appended = self.wiring.log.appended();
        let mut queues = RelayQueues::new(self.wiring.broker.site());
        let now = Instant::now();
        let mut rounds = Rounds { inspect_at: now, sweep_at: now + pace.sweep, rescan_at: now + pace.rescan };
        let mut backoff = Backoff::new(pace.reconnect_min, pace.reconnect_max);
        loop {
            appended.borrow_and_update();
            let next = match self.round(publisher, &mut queues, &mut rounds).await {
                Ok(next) => {
                    backoff.reset();
                    self.status.lock().log = None;
                    next
                }
                Err(RoundError::Broker(error)) => {
                    queues.forget_gauges();
                    return error;
                }
                Err(RoundError::Log(error)) => {
                    tracing::warn!(
                        error = %with_causes(&error),
                        "pending work cannot be read from the log: trying again"
                    );
                    self.status.lock().log = Some(with_causes(&error));
                    queues.forget_gauges();
                    // The log may return without its newest events (a failover): what was published of those must not
                    // hide what takes their positions.
                    queues.restart();
                    sleep(backoff.jittered()).await;
                    continue;
                }
            };
            self.status.lock().filled_at = Some(Instant::now());
            let wait = match next {
                NextRound::Now => continue,
                NextRound::Soon => pace.room,
                NextRound::Later => pace.poll,
            };
            tokio::select! {
                // The sender is gone once the log is closed; the poll stays. An append makes no room in a full queue.
                Ok(()) = appended.changed(), if next == NextRound::Later => {}
                () = sleep(wait) => {}
            }
        }
    }

    async fn round(
        &mut self,
        publisher: &Publisher,
        queues: &mut RelayQueues,
        rounds: &mut Rounds,
    ) -> Result<NextRound, RoundError> {
        let pace = self.wiring.pace;
        let is_inspection_due = Instant::now() >= rounds.inspect_at;
        if is_inspection_due {
            // A queue that is queried before it is declared waits for a while.
            self.discover_partitions(queues).await?;
        }
        if queues.undeclared {
            self.declare(publisher, queues).await?;
        }
        if is_inspection_due {
            self.check_log_size(queues).await?;
            self.inspect_queues(publisher, queues).await?;
            rounds.inspect_at = Instant::now() + pace.inspect;
        }
        if Instant::now() >= rounds.sweep_at {
            self.sweep(publisher, queues).await?;
            let crowded = queues.all.iter().any(RelayQueue::is_crowded);
            rounds.sweep_at = Instant::now() + if crowded { pace.poll } else { pace.sweep };
        }
        if Instant::now() >= rounds.rescan_at {
            queues.rescan();
            rounds.rescan_at = Instant::now() + pace.rescan;
        }
        let mut next = NextRound::Later;
        let RelayQueues { all, undeclared, .. } = &mut *queues;
        for queue in all {
            next = next.min(self.fill(publisher, queue, undeclared).await?);
        }
        Ok(next.min(self.discover_partitions_with_work(queues).await?))
    }

    /// A log shrinks only by a failover or a restored copy. Then nothing is known of what is published.
    async fn check_log_size(&mut self, queues: &mut RelayQueues) -> Result<(), RoundError> {
        let size = self.wiring.log.head().await?.size;
        let before = std::mem::replace(&mut self.seen, size);
        if size < before {
            tracing::error!(before, size, "the log is shorter than it was: all that is pending is published again");
            queues.restart();
        }
        Ok(())
    }

    async fn discover_partitions(&self, queues: &mut RelayQueues) -> Result<(), RoundError> {
        for &stage in StageName::ALL {
            let Some(kind) = stage.partitions() else { continue };
            for head in self.wiring.log.newest(kind, MAX_PARTITIONS).await? {
                if let Ok(partition) = head.stream.id().parse::<Partition>() {
                    queues.add_partition(stage, &partition);
                }
            }
        }
        Ok(())
    }

    async fn inspect_queues(&mut self, publisher: &Publisher, queues: &mut RelayQueues) -> Result<(), RoundError> {
        let mut stuck = None;
        let RelayQueues { all, undeclared, .. } = queues;
        for queue in all {
            // A stuck queue is queried when it is filled, at intervals.
            let missing = !queue.stuck && {
                self.query_depth(publisher, queue).await?;
                queue.depth.is_none() && !queue.stuck
            };
            if queue.stuck {
                stuck = Some(queue.name.clone());
            }
            *undeclared |= missing;
        }
        let parked = publisher.depth(&QueueName::parked(self.wiring.broker.site())).await?;
        *undeclared |= parked.is_none();
        let mut status = self.status.lock();
        status.stuck = stuck;
        status.parked = parked.map(|depth| depth.ready);
        // Somebody may have fixed it.
        *undeclared |= status.topology.is_some();
        Ok(())
    }

    async fn declare(&self, publisher: &Publisher, queues: &mut RelayQueues) -> Result<(), RoundError> {
        let topology = queues.topology();
        let wrong = match publisher.apply(&topology).await {
            Ok(()) => None,
            Err(BrokerError::Forbidden { .. }) => match publisher.check(&topology).await {
                Ok(()) => None,
                Err(error @ BrokerError::Missing { .. }) => Some(with_causes(&error)),
                Err(error) => return Err(error.into()),
            },
            Err(error @ (BrokerError::Mismatch { .. } | BrokerError::Missing { .. } | BrokerError::Locked { .. })) => {
                Some(with_causes(&error))
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(wrong) = &wrong {
            tracing::warn!(wrong, "the topology on the broker is not in order");
        }
        queues.undeclared = false;
        self.status.lock().topology = wrong;
        Ok(())
    }
}
