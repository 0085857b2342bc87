//! A log, a virtual host, and what works over the two.

use std::time::Duration;

use strongroom_bus::broker::{Depth, EventMessage, Published, Publisher, QueueName, RoutingKey};
use strongroom_bus::{
    Broker, BrokerSettings, Delivery, RelayHandle, RelayPace, RelayWiring, RetryPolicy, Topology, Wiring, spawn_relay,
};
use strongroom_eventlog::{EventLog, Stored, migrate_postgres};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::AlarmKind;
use strongroom_model::fold::fold;
use strongroom_model::{BookingId, DriveId, Expected, Position, SiteId, StageName, StreamName, Version};
use strongroom_servers::{Database, RabbitMq, Vhost, postgres, rabbitmq};
use strongroom_service::config::Secret;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::rig::{PATIENCE, Rig, done, drive, fetched, until};

/// A log and a virtual host of its own.
pub(crate) struct Hub {
    pub(crate) rig: Rig,
    pub(crate) vhost: Vhost,
    pub(crate) settings: BrokerSettings,
    /// Looks at queues, and publishes what a test wants to.
    eye: tokio::sync::Mutex<Option<Publisher>>,
}

/// A relay that runs in this process.
pub(crate) struct Relaying {
    pub(crate) handle: RelayHandle,
    stop: CancellationToken,
}

impl Relaying {
    pub(crate) async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.handle.ended()).await.unwrap();
    }

    pub(crate) async fn until_active(&self) {
        until("the relay is active", || async { self.handle.view().health().active }).await;
    }
}

pub(crate) fn site() -> SiteId {
    "site".parse().unwrap()
}

pub(crate) fn queue(stage: StageName) -> QueueName {
    QueueName::stage(&site(), stage, Some(&drive().into())).unwrap()
}

/// Quick enough for a test, and without what waits for minutes.
pub(crate) fn quick() -> RelayPace {
    RelayPace {
        poll: Duration::from_millis(10),
        room: Duration::from_millis(10),
        inspect: Duration::from_millis(100),
        sweep: Duration::from_millis(100),
        answer: Duration::from_secs(3),
        stuck: Duration::from_millis(500),
        standby: Duration::from_millis(50),
        reconnect_min: Duration::from_millis(10),
        reconnect_max: Duration::from_millis(200),
        ..RelayPace::default()
    }
}

pub(crate) fn message(stored: Stored) -> EventMessage {
    let event = stored.decode().unwrap();
    let key = RoutingKey::of(&site(), &event, None).unwrap();
    EventMessage::of(&event, stored.body, key)
}

impl Hub {
    pub(crate) async fn new() -> Self {
        Self::on(rabbitmq()).await
    }

    pub(crate) async fn with(ids: &[BookingId]) -> Self {
        let hub = Self::new().await;
        hub.rig.enumerate(ids).await;
        hub
    }

    pub(crate) async fn on(server: &RabbitMq) -> Self {
        let vhost = server.vhost();
        let settings = BrokerSettings::new(Secret::new(vhost.amqp_url.as_str()));
        Self { rig: Rig::new().await, vhost, settings, eye: tokio::sync::Mutex::default() }
    }

    /// With its log in a Postgres database, as it is where workers are on several hosts.
    pub(crate) async fn on_postgres() -> Self {
        Self::on_database().await.0
    }

    /// With its log in that database.
    pub(crate) async fn on_database() -> (Self, Database) {
        let database = postgres().database();
        migrate_postgres(&database.url).await.unwrap();
        let mut hub = Self::new().await;
        hub.rig.log = EventLog::open_postgres(&database.url, &site()).await.unwrap();
        (hub, database)
    }

    pub(crate) fn broker(&self) -> Broker {
        Broker::new(self.settings.clone(), site()).unwrap()
    }

    pub(crate) fn wiring(&self) -> Wiring {
        Wiring { delivery: Delivery::Broker(self.broker()), ..self.rig.wiring() }
    }

    pub(crate) fn relay(&self) -> Relaying {
        self.relay_at(quick())
    }

    pub(crate) fn relay_at(&self, pace: RelayPace) -> Relaying {
        self.relay_by(self.broker(), pace)
    }

    pub(crate) fn relay_by(&self, broker: Broker, pace: RelayPace) -> Relaying {
        let stop = CancellationToken::new();
        let handle = spawn_relay(RelayWiring {
            log: self.rig.log.clone(),
            broker,
            clock: self.rig.clock.clone(),
            retry: RetryPolicy { delays: vec![Duration::from_secs(10)], max_attempts: 3, ..RetryPolicy::default() },
            actor: "relay@test".parse().unwrap(),
            pace,
            stop: stop.clone(),
        });
        Relaying { handle, stop }
    }

    /// Declares the topology as an operator would.
    pub(crate) async fn apply(&self) {
        self.broker().apply(&Topology::new(site(), &[(StageName::Verify, drive().into())])).await.unwrap();
    }

    /// How much a queue holds; `None`: it, or the broker, is not there.
    pub(crate) async fn depth(&self, queue: &QueueName) -> Option<Depth> {
        let mut eye = self.eye.lock().await;
        if eye.as_ref().is_none_or(|eye| !eye.is_open()) {
            *eye = Publisher::connect(&self.broker()).await.ok();
        }
        eye.as_ref()?.depth(queue).await.ok()?
    }

    pub(crate) async fn ready(&self, queue: &QueueName) -> u32 {
        self.depth(queue).await.map_or(0, |depth| depth.ready)
    }

    /// Publishes, and says what became of each.
    pub(crate) async fn publish(&self, messages: &[EventMessage]) -> Vec<Published> {
        Publisher::connect(&self.broker()).await.unwrap().publish(messages).await.unwrap()
    }

    /// The messages of what is pending for a stage.
    pub(crate) async fn messages(&self, stage: StageName) -> Vec<EventMessage> {
        let pending = self.rig.log.pending_stored(stage, Position(0), 4096).await.unwrap();
        pending.into_iter().map(message).collect()
    }

    /// Declares the queues, and publishes what is to be fetched: no relay does.
    pub(crate) async fn publish_pending(&self) {
        self.apply().await;
        self.publish(&self.messages(StageName::Fetch).await).await;
    }

    /// Has it look for its broker where nobody answers.
    pub(crate) fn cut_off(&mut self) {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        self.settings.url = Secret::new(self.vhost.url_at(nobody).as_str());
    }

    /// Puts bookings on a drive, unproven: what enumerate and fetch would have appended.
    pub(crate) async fn fetched(&self, ids: &[BookingId], on: DriveId) {
        self.rig.enumerate(ids).await;
        let event =
            |id: &BookingId| self.rig.new_event(StreamName::booking(id), Expected::After(Version(0)), fetched(on));
        self.rig.log.append(ids.iter().map(event).collect()).await.unwrap();
    }

    /// Has bookings proven: what verify would have appended as well.
    pub(crate) async fn backed_up(&self, ids: &[BookingId]) {
        self.fetched(ids, drive()).await;
        let event = |id: &BookingId| {
            self.rig.new_event(StreamName::booking(id), Expected::After(Version(1)), done(StageName::Verify))
        };
        self.rig.log.append(ids.iter().map(event).collect()).await.unwrap();
    }

    /// Waits until a queue holds nothing, neither ready nor unacknowledged.
    pub(crate) async fn until_empty(&self, queue: &QueueName) {
        until(format!("{queue} is empty"), || async { self.ready(queue).await == 0 }).await;
    }

    /// Whether alarms of that kind are raised, by their subject's names.
    pub(crate) async fn raised(&self, kind: AlarmKind) -> Vec<String> {
        let heads = self.rig.log.newest(strongroom_model::SubjectKind::Alarm, 100).await.unwrap();
        let mut raised = Vec::new();
        for head in heads {
            let alarm: Alarm = fold(&self.rig.log.stream(&head.stream).await.unwrap()).unwrap();
            raised.extend(alarm.raised.filter(|(alarm, _)| alarm.kind == kind).map(|(alarm, _)| alarm.subject));
        }
        raised
    }

    pub(crate) async fn until_raised(&self, kind: AlarmKind, holds: bool) {
        until(format!("{kind:?} is {holds}"), || async { self.raised(kind).await.is_empty() != holds }).await;
    }
}
