//! Confirmed publishing.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use futures_util::stream::FuturesOrdered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Confirmation, ErrorKind};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::broker::link::{Link, REPLY_SUCCESS};
use crate::broker::message::EventMessage;
use crate::broker::topology::{EXCHANGE, QueueName, Topology};
use crate::broker::{Broker, BrokerError, apply};

/// How many messages may be on their way without a confirmation. The client's own queue has no
/// bound; at about 1 KiB each this is half a MiB.
const WINDOW: usize = 500;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// It lies in a queue, on disk.
    Confirmed,
    /// No queue is bound by its key: it lies nowhere.
    Unroutable,
    /// The queue is full, or the broker could not keep it: it lies nowhere, or perhaps it does.
    Refused,
}

/// How much a queue holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// The messages that nobody has been sent.
    pub ready: u32,
    /// The consumers.
    pub consumers: u32,
}

/// A connection to publish by. It consumes nothing: the broker may block it for as long as it
/// is short of memory, and with it every acknowledgement.
///
/// It may be used from many tasks; calls of one kind wait for each other. After an error it
/// is of no use any more, but for [`BrokerError::Missing`], [`BrokerError::Forbidden`],
/// [`BrokerError::Mismatch`] and [`BrokerError::Locked`], which leave the connection as it is.
#[derive(Debug)]
pub struct Publisher {
    link: Arc<Link>,
    publishing: Arc<Mutex<Option<Channel>>>,
    asking: Mutex<Option<Channel>>,
    /// Holds what is held alone, for as long as the connection lives.
    holding: Mutex<Option<Channel>>,
    /// Ends what is still being published once this is dropped.
    over: CancellationToken,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl Publisher {
    /// Connects.
    ///
    /// # Errors
    /// The broker cannot be reached, refuses us, or does not answer in time.
    pub async fn connect(broker: &Broker) -> Result<Self, BrokerError> {
        let link = Arc::new(Link::open(broker, "publish").await?);
        Ok(Self {
            link,
            publishing: Arc::default(),
            asking: Mutex::default(),
            holding: Mutex::default(),
            over: CancellationToken::new(),
        })
    }

    /// Publishes messages, in their order, and says what became of each, in their order.
    /// It waits for as long as the broker has blocked the connection.
    ///
    /// Dropped half-way it still goes on by itself: a channel that is left with messages on
    /// their way back takes the whole connection with it.
    ///
    /// # Errors
    /// The connection or the channel is lost, or the exchange is missing: what became of any of
    /// them is unknown. Publish them again; a message that comes twice is harmless.
    pub async fn publish(&self, messages: &[EventMessage]) -> Result<Vec<Published>, BrokerError> {
        let sending = Sending { link: self.link.clone(), messages: messages.to_vec() };
        let (slot, over) = (self.publishing.clone(), self.over.clone());
        let task = tokio::spawn(async move { over.run_until_cancelled(sending.run(&slot)).await });
        match task.await {
            Ok(Some(published)) => published,
            // We are not dropped, so it was not told to end: it panicked, or the runtime ends.
            Ok(None) | Err(_) => Err(self.link.fault(ErrorKind::FutureCompleted.into(), EXCHANGE)),
        }
    }

    /// How much a queue holds; `None`: it is not there.
    ///
    /// # Errors
    /// The connection is lost, or the user may not ask.
    pub async fn depth(&self, queue: &QueueName) -> Result<Option<Depth>, BrokerError> {
        let mut slot = self.asking.lock().await;
        // A queue that is missing closes the channel that asked, and no other one.
        let channel = match slot.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.link.channel().await?,
        };
        let asked = channel.queue_declare(queue.as_str().into(), apply::passive(), FieldTable::default());
        match self.link.answer(queue.as_str(), asked).await {
            Ok(found) => {
                *slot = Some(channel);
                Ok(Some(Depth { ready: found.message_count(), consumers: found.consumer_count() }))
            }
            Err(BrokerError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Declares the exchange and the queues; what is there already stays.
    ///
    /// # Errors
    /// The user may not, a queue is there with other arguments, or the connection is lost.
    pub async fn apply(&self, topology: &Topology) -> Result<(), BrokerError> {
        apply::declare(&self.link, topology).await
    }

    /// Whether all of the topology is there.
    ///
    /// # Errors
    /// The first part that is missing, or the connection is lost.
    pub async fn check(&self, topology: &Topology) -> Result<(), BrokerError> {
        apply::check(&self.link, topology).await
    }

    /// Takes hold of a queue that only one connection can have, until this one ends. `false`:
    /// another has it.
    ///
    /// # Errors
    /// The user may not declare it, or the connection is lost.
    pub async fn claim_exclusive(&self, queue: &QueueName) -> Result<bool, BrokerError> {
        let mut slot = self.holding.lock().await;
        let channel = self.link.channel().await?;
        let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
        let claimed = channel.queue_declare(queue.as_str().into(), options, FieldTable::default());
        match self.link.answer(queue.as_str(), claimed).await {
            Ok(_) => {
                *slot = Some(channel);
                Ok(true)
            }
            Err(BrokerError::Locked { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the connection is up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.link.is_open()
    }

    /// Whether the broker takes nothing for now, because it is short of memory or disk.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.link.is_blocked()
    }

    /// Waits until the connection is lost.
    pub async fn closed(&self) {
        self.link.closed().await;
    }

    /// Closes the connection in order, which frees what it held before this returns.
    pub async fn close(&self) {
        self.link.close().await;
    }
}

/// Messages on their way.
struct Sending {
    link: Arc<Link>,
    messages: Vec<EventMessage>,
}

impl Sending {
    async fn run(&self, slot: &Mutex<Option<Channel>>) -> Result<Vec<Published>, BrokerError> {
        let mut slot = slot.lock().await;
        // Taken out until all is known: what an error leaves on its way must not be told to
        // the next call.
        let channel = match slot.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.confirming().await?,
        };
        let confirmations = self.all(&channel).await?;
        if confirmations.iter().any(Confirmation::is_nack) {
            // A channel that first met a queue while its leader was gone may be refused by it for ever, though
            // the queue takes from everybody else (seen on RabbitMQ 3.10.8): the next call gets a new one.
            self.give_up(&channel).await;
        } else {
            *slot = Some(channel);
        }
        Ok(outcomes(&self.messages, confirmations))
    }

    async fn confirming(&self) -> Result<Channel, BrokerError> {
        let channel = self.link.channel().await?;
        self.link.answer("a channel", channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    /// Closes a channel. One that cannot be closed ends with the connection.
    async fn give_up(&self, channel: &Channel) {
        let closing = channel.close(REPLY_SUCCESS, "it was refused".into());
        if let Err(error) = self.link.answer("a channel", closing).await {
            tracing::debug!(%error, "a channel did not close in order");
        }
    }

    async fn all(&self, channel: &Channel) -> Result<Vec<Confirmation>, BrokerError> {
        let mut confirmations = Vec::with_capacity(self.messages.len());
        let mut window = FuturesOrdered::new();
        for message in &self.messages {
            window.push_back(self.one(channel, message));
            if window.len() == WINDOW {
                confirmations.extend(window.try_next().await?);
            }
        }
        while let Some(confirmation) = window.try_next().await? {
            confirmations.push(confirmation);
        }
        Ok(confirmations)
    }

    async fn one(&self, channel: &Channel, message: &EventMessage) -> Result<Confirmation, BrokerError> {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let key = message.key.as_str().into();
        let published = async {
            let sent = channel.basic_publish(EXCHANGE.into(), key, options, &message.body, message.properties());
            match sent.await?.await? {
                // Nothing was confirmed at all.
                Confirmation::NotRequested => Err(ErrorKind::FutureCompleted.into()),
                confirmation => Ok(confirmation),
            }
        };
        self.link.answer(EXCHANGE, published).await
    }
}

/// What became of each message.
///
/// A returned message comes before its own confirmation, but the client hands it to whichever
/// confirmation it settles next: so it is looked for in all of them, by its id.
fn outcomes(messages: &[EventMessage], confirmations: Vec<Confirmation>) -> Vec<Published> {
    let nacked: Vec<_> = confirmations.iter().map(Confirmation::is_nack).collect();
    let returned: HashSet<String> = confirmations.into_iter().filter_map(returned_id).collect();
    let outcome = |(message, nacked): (&EventMessage, bool)| match (returned.contains(&message.id), nacked) {
        (true, _) => Published::Unroutable,
        (false, true) => Published::Refused,
        (false, false) => Published::Confirmed,
    };
    messages.iter().zip(nacked).map(outcome).collect()
}

fn returned_id(confirmation: Confirmation) -> Option<String> {
    let returned = confirmation.take_message()?;
    returned.delivery.properties.message_id().as_ref().map(ToString::to_string)
}
