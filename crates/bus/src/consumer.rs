//! The consumer of a stage's queue.
//!
//! A delivery is acknowledged only when the log says what became of it. To requeue one, a copy is published first: a
//! return by the broker counts against the delivery limit. Nothing here is durable: what is lost with a connection or
//! the process is redelivered, and finds its stream moved on (rule R3).

mod backstop;
mod connection;
mod decode;
mod requeue;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use strongroom_eventlog::EventLog;
use strongroom_model::{Recorded, StageName, partition_of};
use strongroom_service::Clock;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;
use crate::claims::{Claims, Disposition, Receipt, Released};
use crate::delivery::ClaimedEvent;
use crate::erased::AnyStage;
use crate::pace::Pace;
use crate::progress::{Pause, Progress};
use crate::stage::BatchLimits;
use crate::stranded::Horizon;

use self::connection::{ConnectionEvent, QueueConnection};
use self::requeue::{Requeue, Requeuer};

/// The bound of unacknowledged deliveries: what the largest batches take. Each is about 1 KiB.
const MAX_PREFETCH: usize = 2_000;

/// How long a shutdown waits for the confirmations of requeued copies. The rest is redelivered, as after a kill.
const MAX_REQUEUE: Duration = Duration::from_secs(5);

const PARTITION_INTERVAL: Duration = Duration::from_secs(1);

const SCAN_INTERVAL: Duration = Duration::from_secs(10);

pub(crate) struct ConsumerParts {
    pub(crate) broker: Broker,
    pub(crate) stage: Arc<dyn AnyStage>,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    pub(crate) horizon: Horizon,
}

pub(crate) struct Consumer {
    parts: ConsumerParts,
    name: StageName,
    claims: Arc<Claims>,
    released: mpsc::UnboundedReceiver<Released<Receipt>>,
    out: mpsc::Sender<ClaimedEvent>,
    pace: Pace,
    stop: CancellationToken,
    abort: CancellationToken,
    pauses: watch::Receiver<Option<Pause>>,
    connection: QueueConnection,
    /// What the runner has no room for yet; bounded by the prefetch.
    waiting: VecDeque<ClaimedEvent>,
    requeuer: Requeuer,
    more: bool,
    scan_at: Instant,
}

impl Consumer {
    pub(crate) fn new(
        parts: ConsumerParts,
        claims: Arc<Claims>,
        released: mpsc::UnboundedReceiver<Released<Receipt>>,
        progress: &Arc<Progress>,
        out: mpsc::Sender<ClaimedEvent>,
        pace: Pace,
        (stop, abort): (CancellationToken, CancellationToken),
    ) -> Self {
        let name = parts.stage.name();
        let requeuer = Requeuer::start(parts.broker.clone(), parts.log.clone(), pace);
        let pauses = progress.pauses();
        Self {
            name,
            claims,
            released,
            out,
            pace,
            stop,
            abort,
            pauses,
            connection: QueueConnection::new(name, progress.clone(), pace),
            waiting: VecDeque::new(),
            requeuer,
            more: false,
            scan_at: Instant::now(),
            parts,
        }
    }

    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            self.step().await;
        }
        let abort = self.abort.clone();
        abort.run_until_cancelled(self.drain()).await;
    }

    async fn step(&mut self) {
        let paused = self.is_paused();
        let scan_at = self.scan_at(paused);
        let partition_at = Instant::now() + PARTITION_INTERVAL;
        let connector = connection::Connector::of(&self.parts, prefetch(self.parts.stage.limits()));
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            Some(released) = self.released.recv() => self.dispose(released).await,
            _ = self.pauses.changed() => self.on_pause_change().await,
            Ok(permit) = self.out.clone().reserve_owned(), if !paused && !self.waiting.is_empty() => {
                if let Some(claimed) = self.waiting.pop_front() {
                    permit.send(claimed);
                }
            }
            connection_event = self.connection.next(&connector), if !paused => self.connection_event(connection_event).await,
            () = sleep_until(scan_at.unwrap_or(partition_at)), if scan_at.is_some() => self.scan_log().await,
            () = sleep(self.pace.linger), if self.more => self.expect_more(false),
            () = sleep_until(partition_at), if self.name.is_partitioned() => self.check_partition().await,
        }
    }

    async fn connection_event(&mut self, connection_event: ConnectionEvent) {
        match connection_event {
            ConnectionEvent::Nothing => {}
            // The broker redelivers what came by it; what is in flight goes on.
            ConnectionEvent::Lost => self.claims.forget_lost(),
            ConnectionEvent::Incoming(incoming) => {
                self.expect_more(true);
                self.take(incoming).await;
            }
        }
    }

    async fn take(&mut self, incoming: Receipt) {
        match decode::decode(&incoming.body, self.parts.broker.site(), self.name) {
            Ok(event) => self.offer(event, incoming).await,
            Err(error) => {
                tracing::error!(stage = %self.name, message_id = incoming.message_id.as_deref(),
                    error = &error as &dyn std::error::Error,
                    "a message cannot be used and is parked: see `strongroom queue parked`");
                incoming.acker.park().await;
            }
        }
    }

    async fn offer(&mut self, event: Recorded, incoming: Receipt) {
        if self.is_of_former_partition(&event) {
            self.requeuer.add(Requeue::Message(incoming));
            return self.check_partition().await;
        }
        self.deliver(event, Some(incoming)).await;
    }

    async fn deliver(&mut self, event: Recorded, receipt: Option<Receipt>) {
        match self.claims.claim(&event, receipt) {
            Ok(claim) => self.waiting.push_back(ClaimedEvent { trigger: event, claim }),
            Err(Some(superfluous)) => {
                superfluous.acker.ack().await;
            }
            Err(None) => {}
        }
    }

    async fn dispose(&mut self, released: Released<Receipt>) {
        match released.disposition {
            Some(Disposition::Acknowledge(incoming)) => {
                incoming.acker.ack().await;
            }
            Some(Disposition::Park(incoming)) => {
                incoming.acker.park().await;
            }
            Some(Disposition::Requeue(incoming)) => self.requeuer.add(Requeue::Message(incoming)),
            Some(Disposition::Republish(position)) => {
                let partition = self.parts.stage.partition();
                self.requeuer.add(Requeue::Event(position, partition));
            }
            None => {}
        }
        if let Some((event, receipt)) = released.later {
            self.deliver(event, receipt).await;
        }
    }

    fn is_paused(&self) -> bool {
        self.pauses.borrow().is_some()
    }

    async fn on_pause_change(&mut self) {
        self.pauses.mark_unchanged();
        if self.is_paused() {
            self.unsubscribe().await;
        }
    }

    /// Requeues what was not begun.
    async fn unsubscribe(&mut self) {
        self.expect_more(false);
        // Each dropped claim comes back to `dispose`.
        self.waiting.clear();
        for incoming in self.connection.unsubscribe().await {
            self.requeuer.add(Requeue::Message(incoming));
        }
    }

    /// Whether the partition changed (a drive was swapped) while a message of the former one was on its way. A third
    /// partition's message would be requeued for ever.
    fn is_of_former_partition(&self, event: &Recorded) -> bool {
        let of = partition_of(&event.event).filter(|_| self.name.is_partitioned());
        of.is_some() && of.as_ref() == self.connection.partition() && of != self.parts.stage.partition()
    }

    /// Another partition has another queue.
    async fn check_partition(&mut self) {
        if self.connection.partition().is_some_and(|partition| Some(partition) != self.parts.stage.partition().as_ref())
        {
            self.unsubscribe().await;
        }
    }

    fn expect_more(&mut self, more: bool) {
        self.more = more;
        self.claims.expect_more(more);
    }

    async fn drain(&mut self) {
        self.unsubscribe().await;
        // The runner finishes its batches, and drops the claims of what it did not begin.
        loop {
            let released =
                if self.claims.is_empty() { self.released.try_recv().ok() } else { self.released.recv().await };
            let Some(released) = released else { break };
            self.dispose(released).await;
            // A later event of the same stream is not begun.
            self.waiting.clear();
        }
        self.requeuer.finish(MAX_REQUEUE).await;
    }
}

/// One batch waits beside those in flight.
fn prefetch(limits: BatchLimits) -> u16 {
    let most = limits.tasks.max(1).saturating_mul(limits.batches.max(1) + 1).min(MAX_PREFETCH);
    u16::try_from(most).unwrap_or(u16::MAX)
}
