//! What a queue delivers.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, BasicRejectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Consumer};
use strongroom_model::SiteId;
use tokio::time::timeout;

use crate::broker::link::Link;
use crate::broker::message::{EventMessage, TRACE_HEADER};
use crate::broker::route::RoutingKey;
use crate::broker::topology::QueueName;
use crate::broker::{Broker, BrokerError, apply};

/// Open while a delivery may still be acknowledged.
#[derive(Debug)]
pub(super) struct OpenChannel {
    pub(super) link: Arc<Link>,
    pub(super) channel: Channel,
}

/// A consumer of one queue, with its own connection.
///
/// Its end ([`next`](Self::next) is `None`) is a failure, unless it was cancelled: the queue was deleted, its node
/// went down, a delivery timed out, or the connection was lost. Then open another one. What can no longer be
/// acknowledged is redelivered.
#[derive(Debug)]
pub struct Subscription {
    channel: Arc<OpenChannel>,
    consumer: Consumer,
    site: SiteId,
    ended: bool,
}

impl Subscription {
    /// Consumes a queue, with at most `prefetch` unacknowledged deliveries.
    ///
    /// # Errors
    /// The queue is missing, or the user may not.
    pub async fn open(broker: &Broker, queue: &QueueName, prefetch: u16) -> Result<Self, BrokerError> {
        let after = broker.settings.setup_timeout;
        let silent = |_| BrokerError::Silent { place: broker.place(), after };
        timeout(after, Self::begin(broker, queue, prefetch)).await.map_err(silent)?
    }

    async fn begin(broker: &Broker, queue: &QueueName, prefetch: u16) -> Result<Self, BrokerError> {
        let link = Arc::new(Link::open(broker, "consume").await?);
        let channel = link.channel().await?;
        let name = queue.as_str();
        let looked = channel.queue_declare(name.into(), apply::passive(), FieldTable::default());
        link.answer(name, looked).await?;
        // Per consumer: quorum queues support nothing else.
        link.answer(name, channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
        let consumer = link.answer(name, consuming).await?;
        let channel = Arc::new(OpenChannel { link, channel });
        Ok(Self { channel, consumer, site: broker.site.clone(), ended: false })
    }

    /// The next delivery. `None`: it has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Incoming> {
        if self.ended {
            return None;
        }
        let next = self.consumer.next().await.and_then(|delivered| {
            delivered.inspect_err(|error| tracing::debug!(%error, "a queue's consumer has ended")).ok()
        });
        self.ended = next.is_none();
        next.map(|delivery| Incoming::new(delivery, &self.site, self.channel.clone()))
    }

    /// Stops consuming. What was on its way is still delivered, then `None`.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn cancel(&self) -> Result<(), BrokerError> {
        let cancelling = self.channel.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        self.channel.link.answer(self.consumer.queue().as_str(), cancelling).await
    }

    /// Whether the connection is up.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.channel.link.is_open()
    }
}

/// A delivery. Dropped, it is redelivered once the connection ends.
#[derive(Debug)]
pub struct Incoming {
    /// Should be an event's stored bytes.
    pub body: Vec<u8>,
    /// The message's id.
    pub message_id: Option<String>,
    /// The event type that it names.
    pub type_name: Option<String>,
    /// Its routing key, if it can be the site's.
    pub key: Option<RoutingKey>,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// Its trace (W3C Trace Context).
    pub trace: Option<String>,
    /// The message's time, in seconds since 1970.
    pub time_s: Option<u64>,
    /// What acknowledges it.
    pub acker: Acker,
}

impl Incoming {
    pub(super) fn new(delivery: Delivery, site: &SiteId, channel: Arc<OpenChannel>) -> Self {
        let properties = &delivery.properties;
        let text = |value: &Option<lapin::types::ShortString>| value.as_ref().map(ToString::to_string);
        Self {
            message_id: text(properties.message_id()),
            type_name: text(properties.kind()),
            key: RoutingKey::received(site, delivery.routing_key.as_str()),
            redelivered: delivery.redelivered,
            trace: header(properties.headers().as_ref(), TRACE_HEADER),
            time_s: *properties.timestamp(),
            acker: Acker { acker: delivery.acker, channel },
            body: delivery.data,
        }
    }

    /// A copy to publish, with a delivery count of its own. `None`: its routing key is not the site's.
    #[must_use]
    pub fn copy(&self) -> Option<EventMessage> {
        Some(self.copy_as(self.message_id.clone()?, self.key.clone()?))
    }

    pub(super) fn copy_as(&self, id: String, key: RoutingKey) -> EventMessage {
        EventMessage {
            id,
            key,
            type_name: self.type_name.clone().unwrap_or_default(),
            time_s: self.time_s.unwrap_or_default(),
            trace: self.trace.clone(),
            body: self.body.clone(),
        }
    }
}

pub(super) fn header(headers: Option<&FieldTable>, name: &str) -> Option<String> {
    text(headers?.inner().get(name)?)
}

pub(super) fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(ToOwned::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Acknowledges a delivery, once. `false`: it could not, and it is redelivered; the log knows what was done.
pub struct Acker {
    acker: lapin::Acker,
    channel: Arc<OpenChannel>,
}

impl Acker {
    /// The broker may forget it.
    pub async fn ack(&self) -> bool {
        self.sent(self.acker.ack(BasicAckOptions::default())).await
    }

    /// It goes to the parked queue.
    pub async fn park(&self) -> bool {
        self.sent(self.acker.reject(BasicRejectOptions { requeue: false })).await
    }

    /// Returns it to its queue. That counts against the delivery limit: only for what was merely looked at.
    pub(super) async fn put_back(&self) -> bool {
        self.sent(self.acker.nack(BasicNackOptions { multiple: false, requeue: true })).await
    }

    /// With a time-out: a consumer must notice that its connection died meanwhile.
    async fn sent(&self, telling: impl Future<Output = lapin::Result<bool>>) -> bool {
        match self.channel.link.answer("an acknowledgement", telling).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::debug!(%error, "a delivery could not be acknowledged: it is redelivered");
                false
            }
        }
    }

    /// Whether it can still be acknowledged.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.acker.usable() && self.channel.link.is_open()
    }
}

impl fmt::Debug for Acker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acker").field("usable", &self.is_usable()).finish()
    }
}
