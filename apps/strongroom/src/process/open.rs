//! Opens a site for a set of roles.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use strongroom_audit::evidence::Prover;
use strongroom_bus::broker::Broker;
use strongroom_bus::{Delivery, Pipeline, RelayHandle, spawn_relay};
use strongroom_drive::BagCache;
use strongroom_eventlog::EventLog;
use strongroom_model::StageName;
use strongroom_service::actor::actor_named;
use strongroom_service::shutdown::DEFAULT_STOP_BOUND;
use strongroom_service::telemetry::{self, ServiceIdentity, Traces};
use strongroom_service::{Clock, Config, Health, HealthServer, Metrics, Shutdown, systemd};
use strongroom_source::Source;
use strongroom_verify::Verify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::mount::Mount;
use super::pulse::Pulse;
use super::role::Role;
use super::server;
use super::{Common, quiet, wire};
use crate::admission::LogAdmission;
use crate::checkpoint::{self, Mails};
use crate::cli_error::CliError;
use crate::log_outage;
use crate::presence::Presence;
use crate::presence::parts::Parts;
use crate::presence::watcher::Watcher;
use crate::{broker, site};

pub(crate) struct ProcessOptions<'a> {
    /// The verb that was typed, which names the process to others.
    pub(crate) verb: &'static str,
    pub(crate) roles: &'a [Role],
    pub(crate) config: Config,
    /// Where to answer questions about its health; `None`: nowhere.
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) clock: Clock,
    pub(crate) shutdown: Shutdown,
    pub(crate) traces: Traces,
}

pub(crate) struct Process {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) log: EventLog,
    pub(crate) shutdown: Shutdown,
    pub(crate) pipeline: Pipeline,
    pub(super) source: Option<Source>,
    pub(super) mount: Option<Mount>,
    pub(super) verify: Option<Arc<Verify>>,
    pub(super) broker: Option<Broker>,
    /// Cancelled with the shutdown, or when the work is over.
    pub(super) stop: CancellationToken,
    pub(super) relay: Option<RelayHandle>,
    pub(super) parts: Parts,
    pub(super) presence: Presence,
    pub(super) checkpoints: checkpoint::RewindWatch,
    pub(super) traces: Traces,
    pub(super) prover: Option<Arc<Prover>>,
    /// Asks for what is due for the drive.
    pub(super) schedule: Option<AbortOnDropHandle<()>>,
    /// Keeps jobs' schedules.
    pub(super) job_keeper: Option<AbortOnDropHandle<()>>,
    /// Looks whether what should have happened did.
    pub(super) monitor: Option<AbortOnDropHandle<()>>,
    /// At work for as long as the process is.
    _background: Background,
}

/// What looks at the process and its surroundings until it is dropped.
struct Background {
    _watchdog: systemd::Watchdog,
    _http: Option<HealthServer>,
    _pulse: AbortOnDropHandle<()>,
    _server: Option<AbortOnDropHandle<()>>,
    _log_outage: Option<AbortOnDropHandle<()>>,
}

impl Process {
    /// Opens the site for a verb that has one role, of processes that share a broker.
    pub(crate) async fn worker(role: Role, config: Config, common: &Common) -> Result<Self, CliError> {
        Self::worker_of(role.name(), &[role], config, common).await
    }

    /// The same for a verb with several.
    pub(crate) async fn worker_of(
        verb: &'static str,
        roles: &[Role],
        config: Config,
        common: &Common,
    ) -> Result<Self, CliError> {
        broker::needed(&config, verb)?;
        let said = if common.is_quiet() { quiet(&config.telemetry) } else { config.telemetry.clone() };
        let traces = telemetry::init_as(&broker::without_client(&said), &ServiceIdentity { verb, site: &config.site })?;
        let (clock, shutdown) = (Clock::system(), Shutdown::on_signals(DEFAULT_STOP_BOUND));
        let listen = common.listen(&config);
        Self::open(ProcessOptions { verb, roles, config, listen, clock, shutdown, traces }).await
    }

    /// Opens the site. Questions about the process's health are answered from here on. The relay is at work when this
    /// returns; stages begin with [`Process::start_all`] and its parts.
    pub(crate) async fn open(options: ProcessOptions<'_>) -> Result<Self, CliError> {
        let ProcessOptions { verb, roles, config, listen, clock, shutdown, traces } = options;
        let broker = broker::if_any(&config, verb)?;
        let is_any = |needs: fn(Role) -> bool| roles.iter().any(|role| needs(*role));
        let source = is_any(Role::needs_server).then(|| site::source(&config)).transpose()?;
        let root = is_any(Role::needs_drive).then(|| config.drive.mounted_at()).transpose()?.map(PathBuf::from);
        let mails = if is_any(Role::mails) { Mails::Here } else { Mails::Elsewhere };
        let health = Health::new();
        let startup_probe = health.needs("process");
        startup_probe.bad("its site is being opened");
        let http = match listen {
            Some(address) => Some(HealthServer::start(address, health.clone(), Metrics::install()?).await?),
            None => None,
        };
        let log = site::log_for(&config, mails).await?;
        site::warn_of_the_clear(&config);
        let checkpoints = checkpoint::RewindWatch::start(&config, &log, mails);
        let stop = shutdown.stop().child_token();
        let relays = broker.as_ref().filter(|_| roles.contains(&Role::Relay));
        let relay = relays.map(|broker| spawn_relay(wire::relay(&config, &log, broker, &clock, &stop)));
        let delivery = broker.clone().map_or(Delivery::InProcess, Delivery::Broker);
        let pipeline = Pipeline::new(wire::wiring(&config, &log, delivery, &clock, &stop, &shutdown));
        let parts = Parts::of(roles, &pipeline, relay.as_ref(), broker.is_some(), config.host());
        // Without a broker this process is all there is, and does not look for others.
        let watcher = broker.is_some().then(|| Watcher::new(&config, &log, &clock, verb));
        let shown = parts.clone();
        let presence = Presence::start(&config, &log, &clock, verb, move || shown.now(), watcher);
        let background = Background {
            _watchdog: systemd::Watchdog::start(health.clone()),
            _http: http,
            _pulse: AbortOnDropHandle::new(tokio::spawn(Pulse::new(&health, &log, &parts).beat())),
            _server: source.as_ref().map(|source| server::watch((&config, &log, &clock), &health, source, verb)),
            _log_outage: (mails == Mails::Here).then(|| log_outage::watch(&config, &log, &clock)),
        };
        let mount = root.map(|root| Mount {
            root,
            admission: Arc::new(LogAdmission::new(&log, &clock, &actor_named(verb))),
            bags: BagCache::default(),
        });
        let verify = mount
            .as_ref()
            .filter(|_| roles.contains(&Role::Stage(StageName::Verify)))
            .map(|mount| Arc::new(wire::verify(&config, mount, &log, &clock)));
        startup_probe.done();
        systemd::ready();
        Ok(Self {
            config,
            clock,
            log,
            shutdown,
            pipeline,
            source,
            mount,
            verify,
            broker,
            stop,
            relay,
            parts,
            presence,
            checkpoints,
            traces,
            prover: None,
            schedule: None,
            job_keeper: None,
            monitor: None,
            _background: background,
        })
    }
}
