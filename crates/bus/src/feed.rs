//! The feed of a stage that takes its work from a broker.
//!
//! A delivery is acknowledged when the log says what became of it, and not before; what is
//! given back is published as a fresh copy first, since a return counts against the few that
//! a message has. Nothing here is durable: what is lost with a connection or with the process
//! is delivered again, by the broker or by the relay, and finds its stream moved on (rule R3).
//!
//! - `line`: the connection, opened again and again;
//! - `read`: what a message says, and whether it is for us;
//! - `give_back`: copies for another worker;
//! - `net`: what is told even while there is no broker.

mod give_back;
mod line;
mod net;
mod read;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use strongroom_eventlog::EventLog;
use strongroom_model::{Recorded, StageName, partition_of};
use strongroom_service::Clock;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::broker::{Broker, Incoming};
use crate::claims::{Claims, Disposition, Released};
use crate::delivery::Handover;
use crate::erased::AnyStage;
use crate::pace::Pace;
use crate::progress::{Pause, Progress};
use crate::stage::BatchLimits;
use crate::stranded::Horizon;

use self::give_back::{GiveBack, Returned};
use self::line::{Happened, Line};

/// How many deliveries a worker is sent at most before it has acknowledged any: what the
/// largest batches take. Each is about 1 KiB.
const MAX_PREFETCH: usize = 2_000;

/// How long an end waits for the copies of what was not begun to be confirmed. What is not
/// by then comes again all the same, as after a kill.
const MAX_RETURNS: Duration = Duration::from_secs(5);

/// How often a stage is asked whether its partition still is the one whose queue it takes from.
const PARTITION_EVERY: Duration = Duration::from_secs(1);

/// How often the log is looked through for what the broker should have brought long ago.
const NET_EVERY: Duration = Duration::from_secs(10);

/// Where a feed takes from.
pub(crate) struct Sources {
    pub(crate) broker: Broker,
    pub(crate) stage: Arc<dyn AnyStage>,
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    pub(crate) horizon: Horizon,
}

/// What feeds one stage from its queue.
pub(crate) struct Feed {
    sources: Sources,
    name: StageName,
    claims: Arc<Claims>,
    released: mpsc::UnboundedReceiver<Released<Incoming>>,
    out: mpsc::Sender<Handover>,
    pace: Pace,
    stop: CancellationToken,
    abort: CancellationToken,
    pauses: watch::Receiver<Option<Pause>>,
    line: Line,
    /// What the runner has no room for yet: no more than the broker sends ahead.
    waiting: VecDeque<Handover>,
    give_back: GiveBack,
    /// Whether more is probably on its way.
    more: bool,
    /// When the net below the queue is drawn in next.
    net_at: Instant,
}

impl Feed {
    pub(crate) fn new(
        sources: Sources,
        claims: Arc<Claims>,
        released: mpsc::UnboundedReceiver<Released<Incoming>>,
        progress: &Arc<Progress>,
        out: mpsc::Sender<Handover>,
        pace: Pace,
        (stop, abort): (CancellationToken, CancellationToken),
    ) -> Self {
        let name = sources.stage.name();
        let give_back = GiveBack::start(sources.broker.clone(), sources.log.clone(), pace);
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
            line: Line::new(name, progress.clone(), pace),
            waiting: VecDeque::new(),
            give_back,
            more: false,
            net_at: Instant::now(),
            sources,
        }
    }

    /// Feeds the stage until it is told to stop; then hears out what is under way.
    pub(crate) async fn run(mut self) {
        while !self.stop.is_cancelled() {
            self.step().await;
        }
        let abort = self.abort.clone();
        abort.run_until_cancelled(self.drain()).await;
    }

    /// Waits for the next thing to happen, and deals with it.
    async fn step(&mut self) {
        let paused = self.is_paused();
        let net_at = self.net_at(paused);
        let partition_at = Instant::now() + PARTITION_EVERY;
        let opening = line::Opening::of(&self.sources, prefetch(self.sources.stage.limits()));
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            Some(released) = self.released.recv() => self.dispose(released).await,
            _ = self.pauses.changed() => self.pause_or_go_on().await,
            Ok(permit) = self.out.clone().reserve_owned(), if !paused && !self.waiting.is_empty() => {
                if let Some(handover) = self.waiting.pop_front() {
                    permit.send(handover);
                }
            }
            happened = self.line.next(&opening), if !paused => self.happened(happened).await,
            () = sleep_until(net_at.unwrap_or(partition_at)), if net_at.is_some() => self.net().await,
            () = sleep(self.pace.linger), if self.more => self.expect_more(false),
            () = sleep_until(partition_at), if self.name.is_partitioned() => self.look_at_partition().await,
        }
    }

    async fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Nothing => {}
            // What was delivered by it comes again; what is in hand of that is worked on.
            Happened::Lost => self.claims.forget_lost(),
            Happened::Incoming(incoming) => {
                self.expect_more(true);
                self.take(*incoming).await;
            }
        }
    }

    /// Takes a message in hand, if it is work for us.
    async fn take(&mut self, incoming: Incoming) {
        match read::read(&incoming, self.sources.broker.site(), self.name) {
            Ok(event) => self.offer(event, incoming).await,
            Err(fault) => {
                tracing::error!(stage = %self.name, message_id = incoming.message_id.as_deref(),
                    fault = &fault as &dyn std::error::Error,
                    "a message cannot be used and is parked: see `strongroom queue parked`");
                incoming.acker.park().await;
            }
        }
    }

    async fn offer(&mut self, event: Recorded, incoming: Incoming) {
        if self.is_of_another_partition(&event) {
            self.give_back.give(Returned::Message(incoming));
            return self.look_at_partition().await;
        }
        self.deliver(event, Some(incoming)).await;
    }

    async fn deliver(&mut self, event: Recorded, receipt: Option<Incoming>) {
        match self.claims.claim(&event, receipt) {
            Ok(claim) => self.waiting.push_back(Handover { trigger: event, claim }),
            Err(Some(superfluous)) => {
                superfluous.acker.ack().await;
            }
            Err(None) => {}
        }
    }

    /// Disposes of a delivery whose claim ended. The log says what became of it by now, or nothing has happened.
    async fn dispose(&mut self, released: Released<Incoming>) {
        match released.disposition {
            Some(Disposition::Acknowledge(incoming)) => {
                incoming.acker.ack().await;
            }
            Some(Disposition::Park(incoming)) => {
                incoming.acker.park().await;
            }
            Some(Disposition::Requeue(incoming)) => self.give_back.give(Returned::Message(incoming)),
            Some(Disposition::Republish(position)) => {
                let partition = self.sources.stage.partition();
                self.give_back.give(Returned::Event(position, partition));
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

    async fn pause_or_go_on(&mut self) {
        self.pauses.mark_unchanged();
        if self.is_paused() {
            self.let_go().await;
        }
    }

    /// Takes nothing more for now, and gives back what was not begun.
    async fn let_go(&mut self) {
        self.expect_more(false);
        // Each tells of its end, and is given back then.
        self.waiting.clear();
        for incoming in self.line.let_go().await {
            self.give_back.give(Returned::Message(incoming));
        }
    }

    /// Whether the partition changed (a drive was swapped, say) while a message of the one before was on its way. One
    /// that names another than its queue's is not believed: given back it would come again for ever.
    fn is_of_another_partition(&self, event: &Recorded) -> bool {
        let of = partition_of(&event.event).filter(|_| self.name.is_partitioned());
        of.is_some() && of.as_ref() == self.line.partition() && of != self.sources.stage.partition()
    }

    /// Another partition has another queue.
    async fn look_at_partition(&mut self) {
        if self.line.partition().is_some_and(|partition| Some(partition) != self.sources.stage.partition().as_ref()) {
            self.let_go().await;
        }
    }

    fn expect_more(&mut self, more: bool) {
        self.more = more;
        self.claims.expect_more(more);
    }

    /// Waits until what is under way has ended and what was not begun has been given back.
    async fn drain(&mut self) {
        self.let_go().await;
        // The runner finishes its batches, and drops the claims of what it did not begin.
        loop {
            let released =
                if self.claims.is_empty() { self.released.try_recv().ok() } else { self.released.recv().await };
            let Some(released) = released else { break };
            self.dispose(released).await;
            // A later event of the same stream is not begun any more.
            self.waiting.clear();
        }
        self.give_back.finish(MAX_RETURNS).await;
    }
}

/// How much a worker is sent ahead: what is under way, and one batch that waits.
fn prefetch(limits: BatchLimits) -> u16 {
    let most = limits.tasks.max(1).saturating_mul(limits.batches.max(1) + 1).min(MAX_PREFETCH);
    u16::try_from(most).unwrap_or(u16::MAX)
}
