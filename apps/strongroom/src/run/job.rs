//! The job: the stages of one site in this process, and what drives their runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use strongroom_audit::{causes, raised_alarms};
use strongroom_bus::{Delivery, Idle, Pipeline, RelayHandle, RelayPace, RelayWiring, spawn_relay};
use strongroom_drive::BagCache;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{AlarmRaised, Trigger};
use strongroom_model::{Actor, AlarmKind, Position, StageName};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, Shutdown, actor};
use strongroom_source::Source;
use strongroom_verify::Verify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::admission::LogAdmission;
use crate::attached;
use crate::away::Away;
use crate::broker;
use crate::checkpoint::{self, Mails};
use crate::presence::Presence;
use crate::presence::parts::Parts;
use crate::presence::watcher::Watcher;
use crate::run::ending::Ending;
use crate::run::gate::Gate;
use crate::run::right::RunRight;
use crate::run::show::Show;
use crate::run::tally::Tally;
use crate::run::watch::Watch;
use crate::run::{request, wire};
use crate::site;
use crate::trouble::Trouble;

/// How often the drive is looked at while it is in the way.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often the drive is looked at while the stages use it: one that is pulled out or swapped while nothing is to be done
/// should show within seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// How long the end may take once everything is to be given up: closing a log is a few
/// milliseconds.
const END_MOST: Duration = Duration::from_secs(5);

/// Which stages that need the drive are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begun {
    Nothing,
    /// Those for what is on the drive already: a drive that is full is no obstacle to them.
    Proving,
    All,
}

/// The stages of one site in this process.
pub(crate) struct Job {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) log: EventLog,
    pub(crate) actor: Actor,
    pub(crate) pipeline: Pipeline,
    pub(crate) gate: Gate,
    pub(crate) shutdown: Shutdown,
    source: Source,
    root: PathBuf,
    verify: Arc<Verify>,
    admission: Arc<LogAdmission>,
    bags: BagCache,
    /// Which stages that need the drive are at work.
    begun: Begun,
    /// When the drive was last looked at, and whether something was in the way then.
    looked_at: Instant,
    is_obstructed: bool,
    /// Hands work out, where a broker brings it to the stages.
    relay: Option<RelayHandle>,
    stop: CancellationToken,
    watch: Watch,
    show: Show,
    started: Instant,
    right: Arc<RunRight>,
    checkpoints: checkpoint::Watch,
    presence: Presence,
    parts: Parts,
    _away: Away,
}

impl Job {
    /// Opens the site, and starts the stage that tells people: whatever goes wrong from here
    /// on can be told. The others start with [`Job::begin`].
    pub(crate) async fn open(
        config: Config,
        clock: Clock,
        shutdown: Shutdown,
        show: Show,
        right: RunRight,
    ) -> Result<Self, Trouble> {
        let source = site::source(&config)?;
        let root = config.drive.mounted_at()?.to_owned();
        let log = site::log_for(&config, Mails::Here).await?;
        site::warn_of_the_clear(&config);
        let checkpoints = checkpoint::Watch::start(&config, &log, Mails::Here);
        let from = Position(log.head().await?.size);
        let watch = Watch::start(&log, from, Tally::after(&log.counts().await?), show.clone());
        let stop = shutdown.stop().child_token();
        let name = actor_named("run");
        let actors = (&name, &actor(StageName::Verify));
        let admission = Arc::new(LogAdmission::new(&log, &clock, &name));
        let gate = Gate::new(root.clone(), attached::settings(&config), &log, &clock, actors);
        let gate = gate.admitted_by(admission.clone());
        let broker = broker::if_any(&config, "run")?;
        let relay = broker.as_ref().map(|broker| {
            spawn_relay(RelayWiring {
                log: log.clone(),
                broker: broker.clone(),
                clock: clock.clone(),
                retry: wire::retry(&config),
                actor: actor_named("relay"),
                pace: RelayPace::default(),
                stop: stop.clone(),
            })
        });
        let delivery = broker.map_or(Delivery::InProcess, Delivery::Broker);
        let mut pipeline = Pipeline::new(wire::wiring(&config, &log, delivery, &clock, &stop, &shutdown));
        pipeline.spawn(wire::notify(&config, &log)?, actor(StageName::Notify));
        let (parts, presence) = presence(&config, &log, &clock, &pipeline, relay.as_ref());
        let bags = BagCache::default();
        let verify = Arc::new(wire::verify(&config, &root, &log, &clock, &admission, &bags));
        let away = Away::watch(&config, &log, &clock);
        Ok(Self {
            _away: away,
            config,
            clock,
            log,
            actor: name,
            pipeline,
            gate,
            shutdown,
            source,
            root,
            verify,
            admission,
            bags,
            begun: Begun::Nothing,
            looked_at: Instant::now(),
            is_obstructed: false,
            relay,
            stop,
            watch,
            show,
            started: Instant::now(),
            right: Arc::new(right),
            checkpoints,
            presence,
            parts,
        })
    }

    /// Starts the stages that need the drive, once it is there, and those that fetch, once it has room: returns
    /// what is in the way of all of them. What a dead process left on the drive is put right before anything
    /// new is written to it.
    pub(crate) async fn begin(&mut self) -> Result<Option<AlarmRaised>, Trouble> {
        if self.begun == Begun::All && !self.is_obstructed && self.looked_at.elapsed() < LOOK_AGAIN {
            return Ok(None);
        }
        self.looked_at = Instant::now();
        let found = self.gate.look().await?;
        self.is_obstructed = found.is_some();
        let full = match found {
            Some(full) if full.kind == AlarmKind::DriveFull => Some(full),
            Some(obstacle) => return Ok(Some(obstacle)),
            None => None,
        };
        if self.begun == Begun::All && self.relay.is_some() {
            self.begin_to_take().await;
        }
        if self.begun == Begun::Nothing {
            if let Some(obstacle) = self.begin_to_prove().await? {
                return Ok(Some(obstacle));
            }
            self.begun = Begun::Proving;
        }
        if full.is_none() && self.begun == Begun::Proving {
            self.begin_to_fetch();
            self.begun = Begun::All;
        }
        Ok(full)
    }

    /// Starts the stages for what is on the drive already, or returns what is in their way.
    async fn begin_to_prove(&mut self) -> Result<Option<AlarmRaised>, Trouble> {
        if let Some(obstacle) = self.gate.waits_for() {
            return Ok(Some(obstacle.clone()));
        }
        if let Err(obstacle) = self.verify.begin().await {
            self.gate.found(&obstacle).await?;
            return Ok(Some(obstacle));
        }
        self.gate.well().await?;
        self.pipeline.spawn(self.verify.clone(), actor(StageName::Verify));
        self.pipeline.spawn(wire::archive(&self.config, &self.source), actor(StageName::Archive));
        Ok(None)
    }

    /// Whether the stages for what is on the drive already are at work.
    pub(crate) fn is_proving(&self) -> bool {
        self.begun != Begun::Nothing
    }

    fn begin_to_fetch(&mut self) {
        let (config, log, clock, source) = (&self.config, &self.log, &self.clock, &self.source);
        let fetch = wire::fetch(config, &self.root, source, clock, &self.admission, &self.bags);
        self.watch.measure(fetch.meter());
        self.pipeline.spawn(fetch, actor(StageName::Fetch));
        self.pipeline.spawn(wire::enumerate(source, log, clock), actor(StageName::Enumerate));
    }

    /// A broker has a queue for each drive: verify takes from the one of the drive that is there now. What is wrong with
    /// it the stage tells.
    async fn begin_to_take(&self) {
        if let Err(obstacle) = self.verify.begin().await {
            tracing::debug!(obstacle = obstacle.message, "the drive is not there");
        }
    }

    /// The document server.
    pub(crate) const fn source(&self) -> &Source {
        &self.source
    }

    /// Waits until another process has the right to run the site, or the log is another one.
    pub(crate) fn lost(&self) -> impl Future<Output = Trouble> + use<> {
        let (right, rewound) = (self.right.clone(), self.checkpoints.rewound());
        async move {
            tokio::select! {
                trouble = right.lost() => trouble,
                trouble = rewound => trouble,
            }
        }
    }

    /// Asks for a run, or takes over one that an earlier process asked for.
    pub(crate) async fn request(&self, trigger: Trigger) -> Result<strongroom_model::StreamName, Trouble> {
        let wanted = (trigger, self.config.enumerate.oldest);
        let previous = request::newest(&self.log).await?.map(|newest| newest.stream);
        Ok(request::request(&self.log, &self.clock, &self.actor, wanted, previous.as_ref()).await?)
    }

    /// Waits until no copy is being read back that only a damaged manifest lists, or until told to stop.
    pub(crate) async fn salvaged(&self) {
        let _ = self.shutdown.stop().run_until_cancelled(self.verify.salvaged()).await;
    }

    /// How many bookings are neither archived nor waiting for a person.
    pub(crate) async fn left(&self) -> Result<u64, LogError> {
        let head = self.log.head().await?;
        Ok(self.watch.left_at(Position(head.size)).await)
    }

    /// Waits until nothing is left to do for these stages; see [`Pipeline::idle`].
    pub(crate) async fn idle(&self, stages: &[StageName], patience: Duration) -> Result<Idle, LogError> {
        self.pipeline.idle(stages, patience).await
    }

    /// Whether a mail is under way, or about to be, of which no attempt has ended yet.
    pub(crate) async fn is_being_told(&self) -> Result<bool, LogError> {
        Ok(!self.log.pending(StageName::Notify, Position(0), 1).await?.is_empty())
    }

    /// That the disk with the log is full, if the last thing that was to be recorded found it so.
    pub(crate) fn full_disk(&self) -> Option<Trouble> {
        let found = self.log.unwritable()?.borrow().clone().filter(|found| found.is_disk_full)?;
        Some(site::unwritable(&found, &self.config.log_path()))
    }

    /// Waits until nothing could be recorded for as long as `patience`, and says why.
    pub(crate) fn unwritable(&self, patience: Duration) -> impl Future<Output = Trouble> + use<> {
        let (unwritable, place) = (self.log.unwritable(), self.config.log_path());
        async move {
            let Some(mut unwritable) = unwritable else { return std::future::pending().await };
            loop {
                let found = unwritable.borrow_and_update().clone();
                let left = found.as_ref().map(|found| patience.saturating_sub(found.since.elapsed()));
                match (found, left) {
                    (Some(found), Some(Duration::ZERO)) => return site::unwritable(&found, &place),
                    (_, left) => {
                        let change = unwritable.changed();
                        let _ = tokio::time::timeout(left.unwrap_or(Duration::MAX), change).await;
                    }
                }
            }
        }
    }

    /// Whether every stage is at work.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        let relay = self.relay.as_ref().is_some_and(RelayHandle::has_ended);
        if (relay || self.pipeline.has_ended()) && !self.shutdown.is_requested() {
            return Err(Trouble::new("a part of the pipeline has ended by itself")
                .next_step("start it again, and report what it said above")
                .finally());
        }
        Ok(())
    }

    /// Fixes the next summary in the log; notify sends it.
    pub(crate) async fn compose(&self, title: &str) -> Result<(), Trouble> {
        let actor = actor(StageName::Notify);
        strongroom_notify::compose(&self.log, title, &self.clock, &actor).await?;
        Ok(())
    }

    /// What there is to tell at the end.
    pub(crate) async fn ending(&self) -> Result<Ending, Trouble> {
        let head = self.log.head().await?;
        Ok(Ending {
            tally: self.watch.tally_at(Position(head.size)).await,
            elapsed: self.started.elapsed(),
            causes: causes(&self.log).await?,
            alarms: raised_alarms(&self.log).await?,
            ..Ending::default()
        })
    }

    /// Waits until everything is to be given up, and a moment longer: whoever can let go in order
    /// does.
    pub(crate) fn given_up(&self) -> impl Future<Output = ()> + use<> {
        let abort = self.shutdown.abort();
        async move {
            abort.cancelled().await;
            tokio::time::sleep(END_MOST).await;
        }
    }

    /// Stops the stages: what is in hand is finished, until somebody says otherwise.
    pub(crate) async fn close(self) {
        self.stop.cancel();
        let given_up = self.given_up();
        tokio::select! {
            () = async {
                self.verify.stop_salvaging();
                self.pipeline.ended().await;
                self.verify.salvaged().await;
                self.verify.fold().await;
                if let Some(relay) = self.relay {
                    relay.ended().await;
                }
                self.presence.end(self.parts.now(None)).await;
                self.checkpoints.close().await;
                self.log.close().await;
            } => {}
            // What is not closed in order is as after a power cut, which costs nothing.
            () = given_up => tracing::warn!("a stage did not let go in time; the next start goes on from the log"),
        }
        self.show.finish();
    }
}

/// The signs of life of a process that does everything.
fn presence(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    pipeline: &Pipeline,
    relay: Option<&RelayHandle>,
) -> (Parts, Presence) {
    let roles = StageName::ALL.map(StageName::name);
    let parts = Parts::of(&roles, pipeline, relay.is_some());
    if let Some(relay) = relay {
        parts.show(relay);
    }
    let watcher = relay.map(|_| Watcher::new(config, log, clock, "run"));
    let shown = parts.clone();
    // What has not begun waits for the drive, and an alarm says so where it is not there.
    let now = move || shown.now(Some("the drive comes first"));
    let presence = Presence::start(config, log, clock, "run", now, watcher);
    (parts, presence)
}
