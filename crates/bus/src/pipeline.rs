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
    /// The intervals of its stages.
    pub pace: Pace,
    /// Begin nothing new, finish what is in flight.
    pub stop: CancellationToken,
    /// Cancelled after `stop`: drop what is in flight.
    pub abort: CancellationToken,
}

impl Wiring {
    fn lease_after(&self) -> Option<Duration> {
        match &self.delivery {
            Delivery::InProcess => None,
            Delivery::Broker(broker) => Some(broker.settings().lease_after),
        }
    }

    pub(crate) fn horizon(&self) -> Horizon {
        Horizon::new(&self.retry, self.lease_after())
    }
}

/// The stages that run in this process.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) wiring: Wiring,
    pub(crate) stages: Vec<StageHandle>,
    view: PipelineView,
}

/// Shows a pipeline's progress, also of stages that start later.
#[derive(Debug, Clone, Default)]
pub struct PipelineView(Arc<Mutex<Vec<StageView>>>);

#[derive(Debug, Clone)]
pub(crate) struct StageView {
    pub(crate) stage: StageName,
    pub(crate) claims: Arc<Claims>,
    pub(crate) progress: Arc<Progress>,
}

impl PipelineView {
    /// In the order of their start.
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
            readiness_known: self.progress.readiness_known(),
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

    /// A view to share.
    #[must_use]
    pub fn view(&self) -> PipelineView {
        self.view.clone()
    }

    /// Starts a stage; `actor` is recorded in its events.
    pub fn spawn<S: Stage>(&mut self, stage: S, actor: Actor) {
        let stage = spawn(Arc::new(stage), actor, &self.wiring);
        self.view.0.lock().unwrap_or_else(PoisonError::into_inner).push(stage.view.clone());
        self.stages.push(stage);
    }

    /// In the order of their start.
    #[must_use]
    pub fn progress(&self) -> Vec<StageProgress> {
        self.view.progress()
    }

    /// Whether a stage has ended, by `stop` or by a bug.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.stages.iter().any(StageHandle::has_ended)
    }

    /// Waits until every stage has ended, after `stop` and, at the latest, `abort`.
    pub async fn ended(self) {
        for stage in self.stages {
            stage.ended().await;
        }
    }
}

#[derive(Debug)]
pub(crate) struct StageHandle {
    pub(crate) view: StageView,
    task: JoinHandle<()>,
}

impl StageHandle {
    pub(crate) fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(stage = %self.view.stage, error = %with_causes(&error),
                "a stage has stopped because of a bug: this process ends; start it again and report this");
        }
    }
}

fn spawn(stage: Arc<dyn AnyStage>, actor: Actor, wiring: &Wiring) -> StageHandle {
    let Wiring { log, delivery, clock, retry, pace, stop, abort } = wiring.clone();
    let (lease_after, horizon) = (wiring.lease_after(), wiring.horizon());
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
        lease_after,
    };
    let (claims, task) = match delivery {
        Delivery::InProcess => {
            let claims = Arc::new(Claims::new(in_flight));
            let runner = Runner::new(worker, claimed, claims.clone(), abort);
            let source = LogSource { log, clock, stage: name, horizon, claims: claims.clone(), out, pace, stop };
            (claims, tokio::spawn(both(source.run(), runner.run())))
        }
        Delivery::Broker(broker) => {
            let (sender, released) = mpsc::unbounded_channel();
            let claims = Arc::new(Claims::of_queue(in_flight, sender));
            let runner = Runner::new(worker, claimed, claims.clone(), abort.clone());
            let parts = ConsumerParts { broker, stage, log, clock, horizon };
            let consumer = Consumer::new(parts, claims.clone(), released, &progress, out, pace, (stop, abort));
            (claims, tokio::spawn(both(consumer.run(), runner.run())))
        }
    };
    StageHandle { view: StageView { stage: name, claims, progress }, task }
}

/// One task for both: a panic in either ends the stage, and whoever waits for it sees that.
async fn both(source: impl Future<Output = ()>, runner: impl Future<Output = ()>) {
    tokio::join!(source, runner);
}
