//! Opening a site for one part of the work, and letting go of it in order.

use std::time::Duration;

use strongroom_bus::broker::Broker;
use strongroom_bus::{Delivery, Pipeline, RelayHandle, Stage};
use strongroom_eventlog::EventLog;
use strongroom_model::StageName;
use strongroom_model::event::AlarmRaised;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::telemetry::{self, Traces, Who};
use strongroom_service::{Clock, Config, Health, HealthServer, Metrics, Shutdown, actor, systemd};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::attached::DRIVE;
use super::pulse::Pulse;
use super::{Common, END_MOST};
use crate::away::Away;
use crate::checkpoint::{self, Mails};
use crate::exit::Exit;
use crate::presence::Presence;
use crate::presence::parts::Parts;
use crate::presence::watcher::Watcher;
use crate::run::keep::keep;
use crate::run::wire;
use crate::trouble::Trouble;
use crate::verb::run::quiet;
use crate::{broker, site};

/// A process of one part of the work.
pub(crate) struct Worker {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) log: EventLog,
    pub(crate) broker: Broker,
    pub(crate) shutdown: Shutdown,
    pub(crate) health: Health,
    pub(crate) pipeline: Pipeline,
    /// Cancelled with the shutdown, or when the work is over.
    pub(crate) stop: CancellationToken,
    parts: Parts,
    pub(crate) presence: Presence,
    checkpoints: checkpoint::Watch,
    traces: Traces,
    /// Held for as long as the process works.
    _watchdog: systemd::Watchdog,
    _server: Option<HealthServer>,
    _pulse: AbortOnDropHandle<()>,
    _away: Option<Away>,
}

impl Worker {
    /// Opens the site for `verb`. Whoever looks at its health sees it from here on.
    pub(crate) async fn open(verb: &'static str, config: Config, common: &Common) -> Result<Self, Trouble> {
        let broker = broker::needed(&config, verb)?;
        let said = if common.is_quiet { quiet(&config.telemetry) } else { config.telemetry.clone() };
        let traces = telemetry::init_as(&broker::without_client(&said), &Who { verb, site: &config.site })?;
        let shutdown = Shutdown::on_signals(DEFAULT_STOP_BOUND);
        let (health, metrics) = (Health::new(), Metrics::install()?);
        let server = match common.listen.or(config.health.listen) {
            Some(address) => Some(HealthServer::start(address, health.clone(), metrics).await?),
            None => None,
        };
        let clock = Clock::system();
        let mails = if verb == StageName::Notify.name() { Mails::Here } else { Mails::Elsewhere };
        let log = site::log_for(&config, mails).await?;
        site::warn_of_the_clear(&config);
        let checkpoints = checkpoint::Watch::start(&config, &log, mails);
        let stop = shutdown.stop().child_token();
        let delivery = Delivery::Broker(broker.clone());
        let pipeline = Pipeline::new(wire::wiring(&config, &log, delivery, &clock, &stop, &shutdown));
        let parts = Parts::of(&[verb], &pipeline, true);
        let pulse = tokio::spawn(Pulse::new(&health, &log, &parts).beat());
        let presence = {
            let (parts, health) = (parts.clone(), health.clone());
            let watcher = Watcher::new(&config, &log, &clock, verb);
            Presence::start(
                &config,
                &log,
                &clock,
                verb,
                move || parts.now(waits_for(&health).as_deref()),
                Some(watcher),
            )
        };
        systemd::ready();
        Ok(Self {
            _watchdog: systemd::Watchdog::start(health.clone()),
            _server: server,
            _pulse: AbortOnDropHandle::new(pulse),
            _away: (mails == Mails::Here).then(|| Away::watch(&config, &log, &clock)),
            config,
            clock,
            log,
            broker,
            shutdown,
            health,
            pipeline,
            stop,
            parts,
            presence,
            checkpoints,
            traces,
        })
    }

    /// Starts the stage of this process.
    pub(crate) fn spawn<S: Stage>(&mut self, stage: S, name: StageName) {
        self.pipeline.spawn(stage, actor(name));
    }

    /// Turn after turn until told to stop, while the stages work. A turn says for how long
    /// nothing is to be done.
    pub(crate) async fn keep(&self, mut turn: impl AsyncFnMut() -> Result<Duration, Trouble>) -> Result<(), Trouble> {
        let turns = keep(&self.shutdown, &self.log, async || {
            self.check()?;
            turn().await
        });
        tokio::select! {
            kept = turns => kept,
            () = self.given_up() => Err(Trouble::given_up()),
        }
    }

    /// As [`Worker::keep`], for a stage that does all by itself.
    pub(crate) async fn work(&self) -> Result<(), Trouble> {
        self.keep(async || Ok(Duration::MAX)).await
    }

    /// Shows how the relay of this process stands, from now on.
    pub(crate) fn show(&self, relay: &RelayHandle) {
        self.parts.show(relay);
    }

    /// Whether the relay is at work.
    pub(crate) fn look_at(&self, relay: &RelayHandle) -> Result<(), Trouble> {
        if relay.has_ended() && !self.shutdown.is_requested() {
            return Err(Trouble::new("the relay has ended by itself")
                .next_step("start it again, and report what it said above")
                .finally());
        }
        Ok(())
    }

    /// What is in the stage's way, if something is.
    pub(crate) fn obstacle(&self) -> Option<AlarmRaised> {
        self.pipeline.progress().into_iter().find_map(|stage| Some(stage.paused?.obstacle))
    }

    /// Why this process has no connection to the broker, while it has none.
    pub(crate) fn broker_trouble(&self) -> Option<String> {
        let links = self.pipeline.progress().into_iter().filter_map(|stage| stage.link);
        let lost = links.filter(|link| !link.connected).map(|link| link.trouble);
        lost.map(|trouble| trouble.unwrap_or_else(|| "it does not answer".to_owned())).next()
    }

    /// Whether every stage is at work, on the log that it began with.
    fn check(&self) -> Result<(), Trouble> {
        self.checkpoints.check()?;
        if self.pipeline.has_ended() && !self.shutdown.is_requested() {
            return Err(Trouble::new("the stage has ended by itself")
                .next_step("start it again, and report what it said above")
                .finally());
        }
        Ok(())
    }

    async fn given_up(&self) {
        self.shutdown.abort().cancelled().await;
        tokio::time::sleep(END_MOST).await;
    }

    /// Finishes what is in hand, until somebody says otherwise, and lets go of everything.
    pub(crate) async fn close(self, done: Result<(), Trouble>) -> Result<Exit, Trouble> {
        systemd::stopping();
        self.stop.cancel();
        let (pipeline, checkpoints, presence) = (self.pipeline, self.checkpoints, self.presence);
        let parts = self.parts.now(None);
        let (log, abort) = (self.log, self.shutdown.abort());
        let given_up = async {
            abort.cancelled().await;
            tokio::time::sleep(END_MOST).await;
        };
        tokio::select! {
            () = async {
                pipeline.ended().await;
                presence.end(parts).await;
                checkpoints.close().await;
                log.close().await;
            } => {}
            () = given_up => tracing::warn!("the work was not let go of in time; it goes on from the log"),
        }
        self.traces.flush().await;
        done.map(|()| Exit::Well)
    }
}

/// What keeps a process of a drive from its work, where that was reported: that the drive is not there.
fn waits_for(health: &Health) -> Option<String> {
    health.unready().into_iter().find(|problem| problem.check == DRIVE).map(|problem| problem.why)
}
