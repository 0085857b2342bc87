//! What is given back for another worker, or for later: a fresh copy is published and
//! confirmed, then the delivery is acknowledged.
//!
//! If we stop between the two, the message is there twice; the other way round it would be
//! gone until the relay misses it. The connection to publish by is made when it is first
//! needed: most workers never give anything back.

use std::time::Duration;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::with_causes;
use strongroom_model::{Partition, Position};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::broker::route::RoutingKey;
use crate::broker::{Broker, BrokerError, EventMessage, Incoming, Published, Publisher};
use crate::pace::{Backoff, Pace};

/// How many are published at a time.
const MAX_BATCH: usize = 256;

/// What is given back.
#[derive(Debug)]
pub(super) enum Requeue {
    /// A delivery that waits for its acknowledgement.
    Message(Incoming),
    /// An event of the log whose delivery was acknowledged early, and the partition that it is bound to.
    Event(Position, Option<Partition>),
}

/// A copy that is to be published, and what waits for it.
type Copy = (EventMessage, Option<Incoming>);

/// Gives back, beside the feed: a broker that is short of memory takes nothing for a while.
#[derive(Debug)]
pub(super) struct Requeuer {
    queue: mpsc::UnboundedSender<Requeue>,
    task: JoinHandle<()>,
}

struct RequeueWorker {
    broker: Broker,
    log: EventLog,
    publisher: Option<Publisher>,
    backoff: Backoff,
}

impl Requeuer {
    pub(super) fn start(broker: Broker, log: EventLog, pace: Pace) -> Self {
        // No longer than what is in hand: what its connection took along is dropped.
        let (queue, items) = mpsc::unbounded_channel();
        let worker = RequeueWorker { broker, log, publisher: None, backoff: pace.backoff() };
        Self { queue, task: tokio::spawn(worker.run(items)) }
    }

    pub(super) fn add(&self, item: Requeue) {
        // It takes them for as long as we live.
        let _ = self.queue.send(item);
    }

    /// Waits until all has been given back, but no longer than `most`.
    pub(super) async fn finish(&mut self, most: Duration) {
        let (nothing, _) = mpsc::unbounded_channel();
        self.queue = nothing;
        if timeout(most, &mut self.task).await.is_err() {
            tracing::warn!("not all that was not begun could be given back: the broker delivers it again");
        }
    }
}

impl Drop for Requeuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RequeueWorker {
    async fn run(mut self, mut items: mpsc::UnboundedReceiver<Requeue>) {
        let mut next = Vec::with_capacity(MAX_BATCH);
        while items.recv_many(&mut next, MAX_BATCH).await > 0 {
            let mut copies = Vec::with_capacity(next.len());
            for one in next.drain(..) {
                copies.extend(self.copy(one).await);
            }
            while !copies.is_empty() {
                match self.publish(&copies).await {
                    Ok(published) => {
                        self.backoff.reset();
                        acknowledge(copies, published).await;
                        break;
                    }
                    Err(error) => {
                        tracing::warn!(
                            error = %with_causes(&error),
                            "messages cannot be given back: trying again"
                        );
                        self.publisher = None;
                        sleep(self.backoff.jittered()).await;
                        // The broker delivers those itself whose connection is gone, and the relay
                        // knows of the others.
                        copies.retain(|(_, incoming)| incoming.as_ref().is_some_and(|one| one.acker.is_usable()));
                    }
                }
            }
        }
    }

    async fn copy(&self, items: Requeue) -> Option<Copy> {
        match items {
            Requeue::Message(incoming) => match incoming.copy() {
                Some(message) => Some((message, Some(incoming))),
                None => {
                    // It did not come by a way of ours: there is none to send it back by.
                    incoming.acker.park().await;
                    None
                }
            },
            Requeue::Event(position, partition) => match self.stored(position, partition.as_ref()).await {
                Ok(message) => Some((message?, None)),
                Err(error) => {
                    tracing::warn!(error = %with_causes(&error), %position,
                        "work that was held cannot be given back: it is handed out when its time has passed");
                    None
                }
            },
        }
    }

    async fn stored(
        &self,
        position: Position,
        partition: Option<&Partition>,
    ) -> Result<Option<EventMessage>, LogError> {
        let stored = self.log.read(position, 1).await?.pop();
        let Some(stored) = stored else { return Ok(None) };
        let event = stored.decode()?;
        let key = RoutingKey::of(self.broker.site(), &event, partition);
        Ok(key.map(|key| EventMessage::of(&event, stored.body, key)))
    }

    async fn publish(&mut self, copies: &[Copy]) -> Result<Vec<Published>, BrokerError> {
        let publisher = match &self.publisher {
            Some(publisher) => publisher,
            None => self.publisher.insert(Publisher::connect(&self.broker).await?),
        };
        let messages: Vec<EventMessage> = copies.iter().map(|(message, _)| message.clone()).collect();
        publisher.publish(&messages).await
    }
}

/// A copy that no queue took is as good as one that it did: the log holds the work, and the
/// relay publishes it again when it has waited for long.
async fn acknowledge(copies: Vec<Copy>, published: Vec<Published>) {
    for ((message, incoming), published) in copies.into_iter().zip(published) {
        if published != Published::Confirmed {
            tracing::warn!(
                message_id = message.id,
                ?published,
                "a message that was given back was not taken: the relay publishes it again"
            );
        }
        if let Some(incoming) = incoming {
            incoming.acker.ack().await;
        }
    }
}
