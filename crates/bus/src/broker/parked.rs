//! Parked messages, for people: list, replay, drop.
//!
//! No work is lost with one: the relay publishes what is pending again by itself.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use lapin::options::BasicGetOptions;
use lapin::types::{AMQPValue, FieldTable};
use strongroom_model::text::printable;
use strongroom_model::{Algorithm, Digest, Recorded};

use crate::broker::link::Link;
use crate::broker::message::EventMessage;
use crate::broker::publisher::{Published, Publisher};
use crate::broker::route::RoutingKey;
use crate::broker::subscription::{Incoming, OpenChannel, header, text};
use crate::broker::topology::QueueName;
use crate::broker::{Broker, BrokerError};

const MAX_SHOWN_CHARS: usize = 120;
/// Messages in one call: they are in memory meanwhile.
pub const MAX: usize = 10_000;

/// A parked message's name: its id or, if nobody could type that, `body-` and the beginning of its body's SHA-256.
/// Copies share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParkedId(String);

impl ParkedId {
    /// The id that a person typed.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    fn of(incoming: &Incoming) -> Self {
        let named = incoming.message_id.as_deref().unwrap_or_default();
        let typable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if !named.is_empty() && named.len() <= MAX_SHOWN_CHARS && named.chars().all(typable) {
            return Self(named.to_owned());
        }
        let digest = Digest::of(Algorithm::Sha256, &incoming.body).hex();
        Self(format!("body-{}", &digest[..16]))
    }
}

impl fmt::Display for ParkedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parked message, made printable: all of it comes from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedMessage {
    /// Its name.
    pub id: ParkedId,
    /// The event type that it carries.
    pub type_name: Option<String>,
    /// The queue that it was parked from, as the broker says.
    pub queue: Option<String>,
    /// Its body's size.
    pub size_bytes: u64,
    /// Why it cannot be read; `None`: this version can.
    pub fault: Option<String>,
}

/// The result of a replay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Messages that were published again.
    pub replayed: usize,
    /// Still parked: no queue is bound by their key, or theirs is full.
    pub stayed: usize,
}

/// A site's parked queue.
#[derive(Debug)]
pub struct Parked {
    broker: Broker,
    queue: QueueName,
}

struct TakenMessage {
    incoming: Incoming,
    key: Option<RoutingKey>,
    shown: ParkedMessage,
}

impl Parked {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(broker: &Broker) -> Self {
        Self { queue: QueueName::parked(broker.site()), broker: broker.clone() }
    }

    /// The oldest parked messages, [`MAX`] at most. They stay parked.
    ///
    /// # Errors
    /// The broker cannot be reached, or the queue is missing.
    pub async fn list(&self, limit: usize) -> Result<Vec<ParkedMessage>, BrokerError> {
        let taken = self.take(limit).await?;
        put_back(&taken).await;
        Ok(taken.into_iter().map(|taken| taken.shown).collect())
    }

    /// Publishes the messages with those ids (`None`: all) again. Each is acknowledged once its copy is confirmed: if
    /// we stop in between, there are two, which is harmless.
    ///
    /// # Errors
    /// The broker cannot be reached, or the connection is lost.
    pub async fn replay(&self, ids: Option<&BTreeSet<ParkedId>>) -> Result<Replayed, BrokerError> {
        let publisher = Publisher::connect(&self.broker).await?;
        let (chosen, others) = self.choose(ids).await?;
        let (sendable, stuck): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|taken| taken.key.is_some());
        let copies: Vec<_> = sendable.iter().filter_map(TakenMessage::copy).collect();
        let published = publisher.publish(&copies).await?;
        let mut outcome = Replayed { stayed: stuck.len(), ..Replayed::default() };
        for (taken, published) in sendable.iter().zip(published) {
            if published == Published::Confirmed {
                taken.incoming.acker.ack().await;
                outcome.replayed += 1;
            } else {
                taken.incoming.acker.put_back().await;
                outcome.stayed += 1;
            }
        }
        put_back(&stuck).await;
        put_back(&others).await;
        Ok(outcome)
    }

    /// Drops the messages with those ids (`None`: all), and counts them.
    ///
    /// # Errors
    /// The broker cannot be reached.
    pub async fn discard(&self, ids: Option<&BTreeSet<ParkedId>>) -> Result<usize, BrokerError> {
        let (chosen, others) = self.choose(ids).await?;
        let mut dropped = 0;
        for taken in &chosen {
            dropped += usize::from(taken.incoming.acker.ack().await);
        }
        put_back(&others).await;
        Ok(dropped)
    }

    async fn choose(
        &self,
        ids: Option<&BTreeSet<ParkedId>>,
    ) -> Result<(Vec<TakenMessage>, Vec<TakenMessage>), BrokerError> {
        let taken = self.take(MAX).await?;
        Ok(taken.into_iter().partition(|taken| ids.is_none_or(|ids| ids.contains(&taken.shown.id))))
    }

    /// Takes messages unacknowledged: nobody else sees them until they are put back, or the connection ends.
    async fn take(&self, limit: usize) -> Result<Vec<TakenMessage>, BrokerError> {
        let link = Arc::new(Link::open(&self.broker, "parked").await?);
        let channel = link.channel().await?;
        let channel = Arc::new(OpenChannel { link, channel });
        let mut taken = Vec::new();
        while taken.len() < limit.min(MAX) {
            let getting = channel.channel.basic_get(self.queue.as_str().into(), BasicGetOptions::default());
            let Some(message) = channel.link.answer(self.queue.as_str(), getting).await? else { break };
            taken.push(self.describe(message.delivery, &channel));
        }
        Ok(taken)
    }

    fn describe(&self, delivery: lapin::message::Delivery, channel: &Arc<OpenChannel>) -> TakenMessage {
        let site = self.broker.site();
        let (queue, key) = origin(delivery.properties.headers().as_ref());
        let incoming = Incoming::new(delivery, site, channel.clone());
        let event = read(&incoming.body);
        let key = key.and_then(|key| RoutingKey::received(site, &key));
        let key = key.or_else(|| RoutingKey::of(site, event.as_ref().ok()?, None));
        let shown = ParkedMessage {
            id: ParkedId::of(&incoming),
            type_name: incoming.type_name.as_deref().map(|name| printable(name, MAX_SHOWN_CHARS)),
            queue: queue.map(|queue| printable(&queue, MAX_SHOWN_CHARS)),
            size_bytes: u64::try_from(incoming.body.len()).unwrap_or(u64::MAX),
            fault: event.err(),
        };
        TakenMessage { incoming, key, shown }
    }
}

impl TakenMessage {
    fn copy(&self) -> Option<EventMessage> {
        Some(self.incoming.copy_as(self.shown.id.to_string(), self.key.clone()?))
    }
}

async fn put_back(taken: &[TakenMessage]) {
    for taken in taken {
        taken.incoming.acker.put_back().await;
    }
}

fn read(body: &[u8]) -> Result<Recorded, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not text in UTF-8".to_owned())?;
    Recorded::parse(text).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}"));
        printable(&format!("{error}{}", cause.unwrap_or_default()), 300)
    })
}

/// By the newest entry of `x-death`: only a hint.
fn origin(headers: Option<&FieldTable>) -> (Option<String>, Option<String>) {
    let newest = headers.and_then(|headers| headers.inner().get("x-death")).and_then(|deaths| match deaths {
        AMQPValue::FieldArray(deaths) => deaths.as_slice().first(),
        _ => None,
    });
    let Some(AMQPValue::FieldTable(death)) = newest else { return (None, None) };
    let queue = header(Some(death), "queue");
    let key = match death.inner().get("routing-keys") {
        Some(AMQPValue::FieldArray(keys)) => keys.as_slice().first().and_then(text),
        _ => None,
    };
    (queue, key)
}
