use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::broker::BrokerError;
use crate::broker::link::Link;
use crate::broker::topology::{Argument, EXCHANGE, Queue, Topology};

pub(super) async fn declare(link: &Link, topology: &Topology) -> Result<(), BrokerError> {
    let channel = link.channel().await?;
    link.answer(EXCHANGE, declare_exchange(&channel, false)).await?;
    for queue in topology.queues() {
        link.answer(queue.name.as_str(), declare_queue(&channel, queue)).await?;
    }
    Ok(())
}

/// Needs no right to configure.
pub(super) async fn check(link: &Link, topology: &Topology) -> Result<(), BrokerError> {
    let channel = link.channel().await?;
    link.answer(EXCHANGE, declare_exchange(&channel, true)).await?;
    for queue in topology.queues() {
        let query = channel.queue_declare(queue.name.as_str().into(), passive(), FieldTable::default());
        link.answer(queue.name.as_str(), query).await?;
    }
    Ok(())
}

/// Queries a queue, whatever its properties.
pub(super) fn passive() -> QueueDeclareOptions {
    QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() }
}

async fn declare_exchange(channel: &Channel, passive: bool) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { passive, durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, options, FieldTable::default()).await
}

async fn declare_queue(channel: &Channel, queue: &Queue) -> lapin::Result<()> {
    let name = queue.name.as_str();
    let mut arguments = FieldTable::default();
    for (argument, value) in &queue.arguments {
        let value = match value {
            Argument::Number(number) => AMQPValue::LongLongInt(i64::from(*number)),
            Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
        };
        arguments.insert((*argument).into(), value);
    }
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await?;
    if let Some(binding) = &queue.binding {
        let options = QueueBindOptions::default();
        channel
            .queue_bind(name.into(), EXCHANGE.into(), binding.as_str().into(), options, FieldTable::default())
            .await?;
    }
    Ok(())
}
