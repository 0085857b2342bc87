//! The stages of one process, side by side.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_eventlog::EventLog;
use strongroom_model::text::with_causes;
use strongroom_model::{Actor, StageName};
use strongroom_service::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::batch::BatchWorker;
use crate::claims::Claims;
use crate::consumer::{Consumer, ConsumerParts};
use crate::context::StageContext;
use crate::delivery::Delivery;
use crate::erased::AnyStage;
use crate::log_source::LogSource;
use crate::pace::Pace;
use crate::progress::{Progress, StageProgress};
use crate::retry::RetryPolicy;
use crate::runner::Runner;
use crate::stage::Stage;
use crate::stranded::Horizon;

/// What all stages of a process share.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// The site's log.
    pub log: EventLog,
    /// How pending work reaches the stages.
    pub delivery: Delivery,
    /// The time, for events and retries.
    pub clock: Clock,
    /// When failures are tried again.
    pub retry: RetryPolicy,
    /// How quickly things are looked at again.
    pub pace: Pace,
    /// Cancelled: begin nothing new, finish what is under way.
    pub stop: CancellationToken,
    /// Cancelled after `stop`: give up what is under way.
    pub abort: CancellationToken,
}

impl Wiring {
    /// After which time at work this is recorded in the log; `None`: nobody waits for that.
    fn hold_after(&self) -> Option<Duration> {
        match &self.delivery {
            Delivery::InProcess => None,
            Delivery::Broker(broker) => Some(broker.settings().hold_after),
        }
    }

    pub(crate) fn horizon(&self) -> Horizon {
        Horizon::new(&self.retry, self.hold_after())
    }
}

/// The stages that run in this process.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) wiring: Wiring,
    pub(crate) stages: Vec<StageHandle>,
    view: PipelineView,
}

/// Shows how the stages of a pipeline are doing, those that are started later as well. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct PipelineView(Arc<Mutex<Vec<StageView>>>);

#[derive(Debug, Clone)]
struct StageView {
    stage: StageName,
    claims: Arc<Claims>,
    progress: Arc<Progress>,
}

impl PipelineView {
    /// How each stage is doing, in the order in which they were started.
    #[must_use]
    pub fn progress(&self) -> Vec<StageProgress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(StageView::progress).collect()
    }
}

impl StageView {
    fn progress(&self) -> StageProgress {
        StageProgress {
            stage: self.stage,
            in_flight: self.claims.progress().in_flight,
            counts: self.progress.counts(),
            has_looked: self.progress.has_looked(),
            paused: self.progress.pause_now(),
            link: self.progress.link_now(),
        }
    }
}

impl Pipeline {
    /// A pipeline without stages.
    #[must_use]
    pub fn new(wiring: Wiring) -> Self {
        Self { wiring, stages: Vec::new(), view: PipelineView::default() }
    }

    /// Shows how its stages are doing, wherever that is asked.
    #[must_use]
    pub fn view(&self) -> PipelineView {
        self.view.clone()
    }

    /// Starts a stage; `actor` stands on its events.
    pub fn spawn<S: Stage>(&mut self, stage: S, actor: Actor) {
        let stage = spawn_stage(stage, actor, &self.wiring);
        self.view.0.lock().unwrap_or_else(PoisonError::into_inner).push(stage.view());
        self.stages.push(stage);
    }

    /// How each stage is doing, in the order in which they were started.
    #[must_use]
    pub fn progress(&self) -> Vec<StageProgress> {
        self.stages.iter().map(StageHandle::progress).collect()
    }

    /// Whether a stage has ended: it was told to, or it met a fault of its own.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.stages.iter().any(StageHandle::has_ended)
    }

    /// Waits until every stage has ended, which they do after `stop` and, at the latest,
    /// `abort` are cancelled.
    pub async fn ended(self) {
        for stage in self.stages {
            stage.ended().await;
        }
    }
}

/// A stage that runs in this process. Dropped, the stage runs on.
#[derive(Debug)]
pub struct StageHandle {
    pub(crate) stage: StageName,
    pub(crate) claims: Arc<Claims>,
    pub(crate) progress: Arc<Progress>,
    task: JoinHandle<()>,
}

impl StageHandle {
    /// How the stage is doing.
    #[must_use]
    pub fn progress(&self) -> StageProgress {
        self.view().progress()
    }

    fn view(&self) -> StageView {
        StageView { stage: self.stage, claims: self.claims.clone(), progress: self.progress.clone() }
    }

    /// Whether it has ended: it was told to, or it met a fault of its own.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until it has ended.
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(stage = %self.stage, error = %with_causes(&error),
                "a stage ended in a fault of the bus");
        }
    }
}

/// Starts a stage: its pending work is found in the log, by itself or by a relay, and fed to
/// it until it is told to stop.
#[must_use]
pub fn spawn_stage<S: Stage>(stage: S, actor: Actor, wiring: &Wiring) -> StageHandle {
    spawn_any(Arc::new(stage), actor, wiring)
}

fn spawn_any(stage: Arc<dyn AnyStage>, actor: Actor, wiring: &Wiring) -> StageHandle {
    let Wiring { log, delivery, clock, retry, pace, stop, abort } = wiring.clone();
    let (hold_after, horizon) = (wiring.hold_after(), wiring.horizon());
    let name = stage.name();
    let progress = Arc::new(Progress::of(log.site().clone(), name));
    let in_flight =
        metrics::gauge!("strongroom_tasks_in_flight", "site" => log.site().to_string(), "stage" => name.name());
    // One batch waits while others are worked on.
    let (out, claimed) = mpsc::channel(stage.limits().tasks.max(1));
    let context = StageContext { log: log.clone(), clock: clock.clone(), actor, stage: name, retry };
    let worker = BatchWorker {
        stage: stage.clone(),
        context: Arc::new(context),
        progress: progress.clone(),
        pace,
        stop: stop.clone(),
        failures_in_a_row: Arc::default(),
        horizon,
        hold_after,
    };
    let (claims, task) = match delivery {
        Delivery::InProcess => {
            let claims = Arc::new(Claims::new(in_flight));
            let runner = Runner::new(worker, claimed, claims.clone(), abort);
            let local = LogSource { log, clock, stage: name, horizon, claims: claims.clone(), out, pace, stop };
            (claims, tokio::spawn(both(local.run(), runner.run())))
        }
        Delivery::Broker(broker) => {
            let (sender, released) = mpsc::unbounded_channel();
            let claims = Arc::new(Claims::of_queue(in_flight, sender));
            let runner = Runner::new(worker, claimed, claims.clone(), abort.clone());
            let parts = ConsumerParts { broker, stage, log, clock, horizon };
            let feed = Consumer::new(parts, claims.clone(), released, &progress, out, pace, (stop, abort));
            (claims, tokio::spawn(both(feed.run(), runner.run())))
        }
    };
    StageHandle { stage: name, claims, progress, task }
}

/// One task for both: a fault in either ends the stage, and whoever waits for it sees that.
async fn both(feed: impl Future<Output = ()>, runner: impl Future<Output = ()>) {
    tokio::join!(feed, runner);
}
