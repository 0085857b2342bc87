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

/// A connection and a channel of it. It stays open for as long as a delivery of it may still
/// be acknowledged.
#[derive(Debug)]
pub(super) struct OpenChannel {
    pub(super) link: Arc<Link>,
    pub(super) channel: Channel,
}

/// A connection that takes from one queue.
///
/// That it ends ([`next`](Self::next) is `None`) is a failure, unless it was cancelled: the
/// queue was deleted, its node went down, the broker lost patience, or the wire was cut. Then
/// drop it and open another one. What it delivered may still be worked on and acknowledged:
/// where the broker knows it no more, it comes again.
#[derive(Debug)]
pub struct Subscription {
    channel: Arc<OpenChannel>,
    consumer: Consumer,
    site: SiteId,
    ended: bool,
}

impl Subscription {
    /// Takes from a queue, at most `prefetch` deliveries without an acknowledgement at a time.
    ///
    /// # Errors
    /// The broker cannot be reached or does not answer in time, the queue is missing, or we may
    /// not take from it.
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
        // Before the first delivery, and for the consumer, not for the channel: quorum queues know no other.
        link.answer(name, channel.basic_qos(prefetch, BasicQosOptions { global: false })).await?;
        let options = BasicConsumeOptions::default();
        let consuming = channel.basic_consume(name.into(), "".into(), options, FieldTable::default());
        let consumer = link.answer(name, consuming).await?;
        let channel = Arc::new(OpenChannel { link, channel });
        Ok(Self { channel, consumer, site: broker.site.clone(), ended: false })
    }

    /// The next delivery. `None`: it has ended. It may be dropped while it waits.
    pub async fn next(&mut self) -> Option<Incoming> {
        if self.ended {
            return None;
        }
        match self.consumer.next().await {
            Some(Ok(delivery)) => Some(Incoming::new(delivery, &self.site, self.channel.clone())),
            Some(Err(error)) => {
                tracing::debug!(%error, "a queue delivers no more");
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                None
            }
        }
    }

    /// Takes nothing more. What was on its way is still delivered, then `None`; all of it can
    /// be acknowledged.
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

/// A delivery. Dropped without a word it stays with us, unacknowledged, until the connection
/// ends; then it comes again.
#[derive(Debug)]
pub struct Incoming {
    /// What should be an event's stored bytes.
    pub body: Vec<u8>,
    /// The id that the message names.
    pub message_id: Option<String>,
    /// The event type that it names.
    pub type_name: Option<String>,
    /// The key that it came by, if it can be one of the site's.
    pub key: Option<RoutingKey>,
    /// Whether it may have been delivered before.
    pub redelivered: bool,
    /// The trace that it is part of (W3C Trace Context), as it says.
    pub trace: Option<String>,
    /// What the message says of its time, in seconds since 1970.
    pub time_s: Option<u64>,
    /// To be used when all is done.
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

    /// The same message, to be published anew and counted anew: what a message that is given
    /// back becomes. `None`: it came by a way that is none of the site's.
    #[must_use]
    pub fn copy(&self) -> Option<EventMessage> {
        Some(EventMessage {
            id: self.message_id.clone()?,
            key: self.key.clone()?,
            type_name: self.type_name.clone().unwrap_or_default(),
            time_s: self.time_s.unwrap_or_default(),
            trace: self.trace.clone(),
            body: self.body.clone(),
        })
    }
}

pub(super) fn header(headers: Option<&FieldTable>, name: &str) -> Option<String> {
    match headers?.inner().get(name)? {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok().map(ToOwned::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        _ => None,
    }
}

/// Tells the broker what became of a delivery. Only the first word counts.
///
/// `false`: it could not be sent, and the delivery comes again. That is not a failure: the log
/// knows what was done.
pub struct Acker {
    acker: lapin::Acker,
    channel: Arc<OpenChannel>,
}

impl Acker {
    /// All is done: the broker may forget it.
    pub async fn ack(&self) -> bool {
        self.sent(self.acker.ack(BasicAckOptions::default())).await
    }

    /// Nobody can read it: it goes to the parked queue.
    pub async fn park(&self) -> bool {
        self.sent(self.acker.reject(BasicRejectOptions { requeue: false })).await
    }

    /// Puts it back where it was. It counts as one of the few returns that a message has:
    /// only what was never begun, and only looked at, may go this way.
    pub(super) async fn put_back(&self) -> bool {
        self.sent(self.acker.nack(BasicNackOptions { multiple: false, requeue: true })).await
    }

    /// Waits until the word is on its way, but not for ever: a feed that waits for a connection which died
    /// under it would never see that it did.
    async fn sent(&self, telling: impl Future<Output = lapin::Result<bool>>) -> bool {
        match self.channel.link.answer("an acknowledgement", telling).await {
            Ok(sent) => sent,
            Err(error) => {
                tracing::debug!(%error, "a delivery could not be acknowledged: it comes again");
                false
            }
        }
    }

    /// Whether the broker still waits for a word.
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
