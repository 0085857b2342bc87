//! A site whose only work is samples.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use strongroom_bus::{
    Broker, BrokerSettings, Delivery, Pace, Pipeline, RelayHandle, RelayPace, RelayWiring, RetryPolicy, Wiring,
    spawn_relay,
};
use strongroom_eventlog::EventLog;
use strongroom_model::sample::SampleRequested;
use strongroom_model::{Event, EventId, Expected, NewEvent, Recorded, SiteId, StreamName, SubjectKind};
use strongroom_sample::Sampling;
use strongroom_servers::{Database, Vhost, postgres, rabbitmq};
use strongroom_service::Clock;
use strongroom_service::config::Secret;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Long enough for the slowest machine; a test that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a failed attempt is put off.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(10);
/// After this many failures a person must look.
pub(crate) const MAX_ATTEMPTS: u32 = 3;

/// Where a site's log is, and how its work reaches the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Setting {
    /// SQLite, and the stage reads the log.
    Embedded,
    /// Postgres, and the stage consumes a queue of RabbitMQ.
    Broker,
}

/// A site at work.
pub(crate) struct Site {
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    pub(crate) stage: Sampling,
    wiring: Wiring,
    pipeline: Pipeline,
    relay: Option<RelayHandle>,
    _folder: TempDir,
    _database: Option<Database>,
    _vhost: Option<Vhost>,
}

fn site() -> SiteId {
    "quarry".parse().unwrap()
}

impl Site {
    /// A site with a stage that works.
    pub(crate) async fn new(setting: Setting) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        let (log, database) = match setting {
            Setting::Embedded => (EventLog::open_sqlite(&folder.path().join("log.db"), &site()).await.unwrap(), None),
            Setting::Broker => {
                let database = postgres().database();
                strongroom_eventlog::migrate_postgres(&database.url).await.unwrap();
                (EventLog::open_postgres(&database.url, &site()).await.unwrap(), Some(database))
            }
        };
        let vhost = (setting == Setting::Broker).then(|| rabbitmq().vhost());
        let broker = vhost.as_ref().map(|vhost| broker(&vhost.amqp_url));
        let wiring = Wiring {
            log: log.clone(),
            delivery: broker.clone().map_or(Delivery::InProcess, Delivery::Broker),
            clock: clock.clone(),
            retry: RetryPolicy { delays: vec![RETRY_AFTER], max_attempts: MAX_ATTEMPTS, ..RetryPolicy::default() },
            pace: Pace { poll: Duration::from_millis(10), readiness: Duration::from_millis(20), ..Pace::default() },
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        let relay = broker.map(|broker| relay(&wiring, broker));
        let stage = Sampling::default();
        let mut pipeline = Pipeline::new(wiring.clone());
        pipeline.spawn(stage.clone(), "sample@test".parse().unwrap());
        Self { log, clock, stage, wiring, pipeline, relay, _folder: folder, _database: database, _vhost: vhost }
    }

    /// Asks for a sample of which so many attempts fail.
    pub(crate) async fn request(&self, id: &str, failures: u32) {
        let event = NewEvent {
            id: EventId::new(self.clock.now()),
            stream: stream(id),
            expected: Expected::New,
            time: self.clock.now(),
            actor: "test".parse().unwrap(),
            cause: None,
            run: None,
            event: Event::SampleRequested(SampleRequested { failures }),
        };
        self.log.append(vec![event]).await.unwrap();
    }

    pub(crate) async fn history(&self, id: &str) -> Vec<Recorded> {
        self.log.stream(&stream(id)).await.unwrap()
    }

    /// The types of a sample's events, without `strongroom.` and the version.
    pub(crate) async fn types(&self, id: &str) -> Vec<String> {
        let name = |event: &Recorded| event.event.type_name().replace("strongroom.", "").replace(".v1", "");
        self.history(id).await.iter().map(name).collect()
    }

    /// How many samples have that status.
    pub(crate) async fn count(&self, status: &str) -> u64 {
        let counts = self.log.counts(SubjectKind::Sample).await.unwrap();
        counts.into_iter().find(|(known, _)| known.as_str() == status).map_or(0, |(_, count)| count)
    }

    /// Waits until so many samples have that status, while retries come due.
    pub(crate) async fn until_count(&self, status: &str, count: u64) {
        until((status, count), || async {
            self.clock.advance(RETRY_AFTER);
            self.count(status).await == count
        })
        .await;
    }

    /// Stops what works here.
    pub(crate) async fn end(self) {
        self.wiring.stop.cancel();
        timeout(PATIENCE, self.pipeline.ended()).await.unwrap();
        if let Some(relay) = self.relay {
            timeout(PATIENCE, relay.ended()).await.unwrap();
        }
    }
}

fn broker(url: &str) -> Broker {
    let mut settings = BrokerSettings::new(Secret::new(url));
    settings.lease_after = Duration::from_millis(200);
    Broker::new(settings, site()).unwrap()
}

fn relay(wiring: &Wiring, broker: Broker) -> RelayHandle {
    spawn_relay(RelayWiring {
        log: wiring.log.clone(),
        broker,
        clock: wiring.clock.clone(),
        retry: wiring.retry.clone(),
        actor: "relay@test".parse().unwrap(),
        pace: RelayPace { poll: Duration::from_millis(10), sweep: Duration::from_millis(100), ..RelayPace::default() },
        stop: wiring.stop.clone(),
    })
}

fn stream(id: &str) -> StreamName {
    format!("sample/{id}").parse().unwrap()
}

/// Waits until it is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: impl Debug, mut holds: impl FnMut() -> F) {
    let waited = timeout(PATIENCE, async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("waited in vain: {what:?}"));
}
