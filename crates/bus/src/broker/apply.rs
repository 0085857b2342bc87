use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::broker::topology::{Argument, EXCHANGE, Queue, Topology};
use crate::broker::{BrokerError, Publisher};

impl Publisher {
    /// As [`Broker::apply`](crate::Broker::apply), by this connection.
    ///
    /// # Errors
    /// As there; also if the connection is lost.
    pub async fn apply(&self, topology: &Topology) -> Result<(), BrokerError> {
        let channel = self.link.channel().await?;
        self.link.answer(EXCHANGE, declare_exchange(&channel, false)).await?;
        for queue in topology.queues() {
            self.link.answer(queue.name.as_str(), declare_queue(&channel, queue)).await?;
        }
        Ok(())
    }

    /// As [`Broker::check`](crate::Broker::check), by this connection. Needs no right to configure.
    ///
    /// # Errors
    /// As there; also if the connection is lost.
    pub async fn check(&self, topology: &Topology) -> Result<(), BrokerError> {
        let channel = self.link.channel().await?;
        self.link.answer(EXCHANGE, declare_exchange(&channel, true)).await?;
        for queue in topology.queues() {
            let query = channel.queue_declare(queue.name.as_str().into(), passive(), FieldTable::default());
            self.link.answer(queue.name.as_str(), query).await?;
        }
        Ok(())
    }
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
