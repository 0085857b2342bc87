//! A tap between the exchange and the stages' queues: whatever was to go there goes through the test's hands.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use strongroom_servers::Vhost;
use tokio::time::timeout;

const EXCHANGE: &str = "strongroom.events";
/// How long nothing may come before what was collected goes on.
const QUIET: Duration = Duration::from_millis(200);
const MAX_COLLECTED: usize = 64;

/// What a tap does with what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trick {
    /// Each message goes on, and then once more.
    Twice,
    /// Messages that come close together go on in reverse order.
    Reversed,
}

/// A running tap. It ends when this is dropped; queues are not bound again then.
#[derive(Debug)]
pub(crate) struct Tap {
    over: Arc<AtomicBool>,
    carried: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Tap {
    /// Taps every queue that is bound to the exchange now.
    pub(crate) fn on(vhost: &Vhost, trick: Trick) -> Self {
        let definitions = vhost.definitions();
        let bindings = definitions["bindings"].as_array().unwrap().iter();
        let bound = bindings.filter(|binding| binding["source"] == EXCHANGE);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let queues: Vec<_> = bound.map(|bound| (text(&bound["destination"]), text(&bound["routing_key"]))).collect();
        assert!(!queues.is_empty(), "no queue is bound yet");
        let (over, carried) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = {
            let (over, carried, url) = (over.clone(), carried.clone(), vhost.amqp_url.clone());
            std::thread::spawn(move || {
                runtime().block_on(async {
                    let connection = connect(&url).await;
                    let mut lines = Vec::new();
                    for (queue, key) in &queues {
                        lines.push(Line::lay(&connection, queue, key).await);
                    }
                    ready.send(()).unwrap();
                    let carrying = lines.into_iter().map(|line| line.carry(trick, &over, &carried));
                    futures_util::future::join_all(carrying).await;
                });
            })
        };
        is_ready.recv().expect("the tap is laid");
        Self { over, carried, thread: Some(thread) }
    }

    /// How many messages have gone through it so far.
    pub(crate) fn carried(&self) -> usize {
        self.carried.load(Ordering::SeqCst)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the tap broke");
    }
}

/// From a queue of ours, bound in place of the stage's, to that one.
struct Line {
    channel: Channel,
    consumer: lapin::Consumer,
    queue: String,
}

impl Line {
    async fn lay(connection: &Connection, queue: &str, key: &str) -> Self {
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let own = format!("tap.{queue}");
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        channel.queue_declare(own.as_str().into(), options, FieldTable::default()).await.unwrap();
        let (exchange, bind) = (EXCHANGE.into(), QueueBindOptions::default());
        channel.queue_bind(own.as_str().into(), exchange, key.into(), bind, FieldTable::default()).await.unwrap();
        channel.queue_unbind(queue.into(), EXCHANGE.into(), key.into(), FieldTable::default()).await.unwrap();
        let consuming = channel.basic_consume(
            own.as_str().into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consuming.await.unwrap();
        Self { channel, consumer, queue: queue.to_owned() }
    }

    async fn carry(mut self, trick: Trick, over: &AtomicBool, carried: &AtomicUsize) {
        let mut collected: Vec<Delivery> = Vec::new();
        loop {
            match timeout(QUIET, self.consumer.next()).await {
                Ok(Some(delivery)) => collected.push(delivery.unwrap()),
                Ok(None) => panic!("the tap's queue is gone"),
                Err(_) if collected.is_empty() && over.load(Ordering::SeqCst) => return,
                Err(_) => self.pass_on(&mut collected, trick, carried).await,
            }
            if trick == Trick::Twice || collected.len() >= MAX_COLLECTED {
                self.pass_on(&mut collected, trick, carried).await;
            }
        }
    }

    async fn pass_on(&self, collected: &mut Vec<Delivery>, trick: Trick, carried: &AtomicUsize) {
        let times = if trick == Trick::Twice { 2 } else { 1 };
        for delivery in collected.drain(..).rev() {
            for _ in 0..times {
                publish(&self.channel, "", &self.queue, &delivery.data, delivery.properties.clone()).await;
            }
            delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
            carried.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Publishes a message as somebody who is none of us may.
pub(crate) fn publish_to_the_exchange(vhost: &Vhost, key: &str, body: &[u8]) {
    runtime().block_on(async {
        let connection = connect(&vhost.amqp_url).await;
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        publish(&channel, EXCHANGE, key, body, BasicProperties::default()).await;
        connection.close(200, "done".into()).await.unwrap();
    });
}

async fn publish(channel: &Channel, exchange: &str, key: &str, body: &[u8], properties: BasicProperties) {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await.unwrap();
    let confirmed = sent.await.unwrap();
    assert!(confirmed.is_ack() && confirmed.take_message().is_none(), "{key} was not taken");
}

async fn connect(url: &str) -> Connection {
    Connection::connect(url, ConnectionProperties::default()).await.unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}
