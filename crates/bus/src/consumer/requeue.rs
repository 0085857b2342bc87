//! Requeues for another worker, or for later: a copy is published and confirmed, then the delivery is acknowledged.
//!
//! If we stop between the two, the message is there twice; the other way round it would be missing until the relay
//! notices. Most workers never requeue, so it connects when first needed.

use std::time::Duration;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::with_causes;
use strongroom_model::{Partition, Position};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::broker::route::RoutingKey;
use crate::broker::{Broker, BrokerError, EventMessage, Published, Publisher};
use crate::claims::Receipt;
use crate::pace::{Backoff, Pace};

const MAX_BATCH: usize = 256;

#[derive(Debug)]
pub(super) enum Requeue {
    /// A delivery, acknowledged once its copy is confirmed.
    Message(Receipt),
    /// An event whose delivery was acknowledged early, and its partition.
    Event(Position, Option<Partition>),
}

type CopyToPublish = (EventMessage, Option<Receipt>);

/// A task of its own: a broker that is short of memory blocks publishers for a while.
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
        // Bounded by what is in flight.
        let (queue, items) = mpsc::unbounded_channel();
        let worker = RequeueWorker { broker, log, publisher: None, backoff: pace.backoff() };
        Self { queue, task: tokio::spawn(worker.run(items)) }
    }

    pub(super) fn add(&self, item: Requeue) {
        // The receiver lives as long as we do.
        let _ = self.queue.send(item);
    }

    pub(super) async fn finish(&mut self, most: Duration) {
        let (nothing, _) = mpsc::unbounded_channel();
        self.queue = nothing;
        if timeout(most, &mut self.task).await.is_err() {
            tracing::warn!("requeueing was not finished in time: the broker redelivers the rest");
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
            for item in next.drain(..) {
                copies.extend(self.copy(item).await);
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
                            "messages cannot be requeued: trying again"
                        );
                        self.publisher = None;
                        sleep(self.backoff.jittered()).await;
                        // The broker redelivers what came by a lost connection; the relay republishes the rest.
                        copies.retain(|(_, incoming)| incoming.as_ref().is_some_and(|one| one.acker.is_usable()));
                    }
                }
            }
        }
    }

    async fn copy(&self, item: Requeue) -> Option<CopyToPublish> {
        match item {
            Requeue::Message(incoming) => match incoming.copy() {
                Some(message) => Some((message, Some(incoming))),
                None => {
                    // Its routing key is not ours: there is nothing to publish it with.
                    incoming.acker.park().await;
                    None
                }
            },
            Requeue::Event(position, partition) => match self.stored(position, partition.as_ref()).await {
                Ok(message) => Some((message?, None)),
                Err(error) => {
                    tracing::warn!(error = %with_causes(&error), %position,
                        "leased work cannot be requeued: it is published again when its lease expires");
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

    async fn publish(&mut self, copies: &[CopyToPublish]) -> Result<Vec<Published>, BrokerError> {
        let publisher = match &self.publisher {
            Some(publisher) => publisher,
            None => self.publisher.insert(Publisher::connect(&self.broker).await?),
        };
        let messages: Vec<EventMessage> = copies.iter().map(|(message, _)| message.clone()).collect();
        publisher.publish(&messages).await
    }
}

/// An unconfirmed copy is acknowledged too: the relay publishes the work again.
async fn acknowledge(copies: Vec<CopyToPublish>, published: Vec<Published>) {
    for ((message, incoming), published) in copies.into_iter().zip(published) {
        if published != Published::Confirmed {
            tracing::warn!(
                message_id = message.id,
                ?published,
                "a requeued message was not confirmed: the relay publishes it again"
            );
        }
        if let Some(incoming) = incoming {
            incoming.acker.ack().await;
        }
    }
}
