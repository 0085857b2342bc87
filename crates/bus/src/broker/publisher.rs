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
use crate::broker::topology::{EXCHANGE, QueueName};
use crate::broker::{Broker, BrokerError, apply};

/// The bound of unconfirmed messages. The client's own queue has no bound; at about 1 KiB each this is half a MiB.
const WINDOW: usize = 500;

/// The result for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Published {
    /// A queue has it on disk.
    Confirmed,
    /// No queue is bound by its key.
    Unroutable,
    /// The queue is full, or the broker could not store it; it may be there all the same.
    Refused,
}

/// A queue's depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Messages that are not delivered to a consumer.
    pub ready: u32,
    /// The number of its consumers.
    pub consumers: u32,
}

/// A connection to publish by. It consumes nothing: a broker that is short of memory blocks it, acknowledgements
/// included.
///
/// Concurrent calls of one kind wait for each other. An error ends its use, except [`BrokerError::Missing`],
/// [`BrokerError::Forbidden`], [`BrokerError::Mismatch`] and [`BrokerError::Locked`].
#[derive(Debug)]
pub struct Publisher {
    pub(super) link: Arc<Link>,
    publishing: Arc<Mutex<Option<Channel>>>,
    asking: Mutex<Option<Channel>>,
    /// Keeps the exclusive queue while the connection lives.
    holding: Mutex<Option<Channel>>,
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
    /// The broker cannot be reached, or refuses us.
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

    /// Publishes messages in order, and returns each one's result. It waits while the broker blocks the connection.
    ///
    /// Dropped half-way it goes on by itself: a late `basic.return` on a dropped channel would end the connection.
    ///
    /// # Errors
    /// The connection is lost, or the exchange is missing: the results are unknown. Publish again; duplicates are
    /// harmless.
    pub async fn publish(&self, messages: &[EventMessage]) -> Result<Vec<Published>, BrokerError> {
        let sending = Sending { link: self.link.clone(), messages: messages.to_vec() };
        let (slot, over) = (self.publishing.clone(), self.over.clone());
        let task = tokio::spawn(async move { over.run_until_cancelled(sending.run(&slot)).await });
        match task.await {
            Ok(Some(published)) => published,
            // We are not dropped: it panicked, or the runtime ends.
            Ok(None) | Err(_) => Err(self.link.fault(ErrorKind::FutureCompleted.into(), EXCHANGE)),
        }
    }

    /// A queue's depth; `None`: it does not exist.
    ///
    /// # Errors
    /// The connection is lost, or the user may not ask.
    pub async fn depth(&self, queue: &QueueName) -> Result<Option<Depth>, BrokerError> {
        let mut slot = self.asking.lock().await;
        // A missing queue closes the channel of the query, and no other one.
        let channel = match slot.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.link.channel().await?,
        };
        let query = channel.queue_declare(queue.as_str().into(), apply::passive(), FieldTable::default());
        match self.link.answer(queue.as_str(), query).await {
            Ok(found) => {
                *slot = Some(channel);
                Ok(Some(Depth { ready: found.message_count(), consumers: found.consumer_count() }))
            }
            Err(BrokerError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Claims a queue exclusively until the connection ends. `false`: another one has it.
    ///
    /// # Errors
    /// The user may not declare it.
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

    /// Whether the broker blocks it, short of memory or disk.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.link.is_blocked()
    }

    /// Waits until the connection is lost.
    pub async fn closed(&self) {
        self.link.closed().await;
    }

    /// Closes the connection; then an exclusive queue is free.
    pub async fn close(&self) {
        self.link.close().await;
    }
}

struct Sending {
    link: Arc<Link>,
    messages: Vec<EventMessage>,
}

impl Sending {
    async fn run(&self, slot: &Mutex<Option<Channel>>) -> Result<Vec<Published>, BrokerError> {
        let mut slot = slot.lock().await;
        // Taken out until all is confirmed: what an error leaves must not reach the next call.
        let channel = match slot.take() {
            Some(channel) if channel.status().connected() => channel,
            _ => self.confirming().await?,
        };
        let confirmations = self.all(&channel).await?;
        if confirmations.iter().any(Confirmation::is_nack) {
            // A channel that used a queue while its leader was gone may be refused by it for ever (seen on RabbitMQ
            // 3.10.8).
            self.close_channel(&channel).await;
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

    async fn close_channel(&self, channel: &Channel) {
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
                Confirmation::NotRequested => Err(ErrorKind::FutureCompleted.into()),
                confirmation => Ok(confirmation),
            }
        };
        self.link.answer(EXCHANGE, published).await
    }
}

/// A returned message comes before its confirmation, but the client may attach it to another one: it is looked for in
/// all.
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
