//! The stages of one process, side by side.

use std::sync::Arc;

use strongroom_eventlog::EventLog;
use strongroom_model::{Actor, StageName};
use strongroom_service::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::batch::Worker;
use crate::desk::Desk;
use crate::ledger::Ledger;
use crate::pace::Pace;
use crate::progress::{Progress, StageProgress};
use crate::relay::Relay;
use crate::retry::RetryPolicy;
use crate::runner::Runner;
use crate::stage::Stage;

/// What all stages of a process share.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// The site's log.
    pub log: EventLog,
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

/// The stages that run in this process.
#[derive(Debug)]
pub struct Pipeline {
    pub(crate) wiring: Wiring,
    pub(crate) stages: Vec<StageHandle>,
}

impl Pipeline {
    /// A pipeline without stages.
    #[must_use]
    pub const fn new(wiring: Wiring) -> Self {
        Self { wiring, stages: Vec::new() }
    }

    /// Starts a stage; `actor` stands on its events.
    pub fn spawn<S: Stage>(&mut self, stage: S, actor: Actor) {
        self.stages.push(spawn_stage(stage, actor, &self.wiring));
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
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) progress: Arc<Progress>,
    task: JoinHandle<()>,
}

impl StageHandle {
    /// How the stage is doing.
    #[must_use]
    pub fn progress(&self) -> StageProgress {
        StageProgress {
            stage: self.stage,
            in_hand: self.ledger.standing().in_hand,
            counts: self.progress.counts(),
            paused: self.progress.pause_now(),
        }
    }

    /// Whether it has ended: it was told to, or it met a fault of its own.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Waits until it has ended.
    pub async fn ended(self) {
        if let Err(error) = self.task.await {
            tracing::error!(stage = %self.stage, error = &error as &dyn std::error::Error,
                "a stage ended in a fault of the bus");
        }
    }
}

/// Starts a stage: its pending work is found in the log, and fed to it until it is told
/// to stop.
#[must_use]
pub fn spawn_stage<S: Stage>(stage: S, actor: Actor, wiring: &Wiring) -> StageHandle {
    let Wiring { log, clock, retry, pace, stop, abort } = wiring.clone();
    let name = stage.name();
    let ledger = Arc::new(Ledger::default());
    let progress = Arc::new(Progress::default());
    // One batch waits while others are worked on.
    let (out, deliveries) = mpsc::channel(stage.limits().tasks.max(1));
    let desk = Desk { log: log.clone(), clock: clock.clone(), actor, stage: name, retry: retry.clone() };
    let worker = Worker {
        stage: Arc::new(stage),
        desk: Arc::new(desk),
        progress: progress.clone(),
        pace,
        stop: stop.clone(),
        troubles: Arc::default(),
    };
    let runner = Runner::new(worker, deliveries, ledger.clone(), abort);
    let relay = Relay { log, clock, stage: name, retry, ledger: ledger.clone(), out, pace, stop };
    // One task for both: a fault in either ends the stage, and whoever waits for it sees that.
    let task = tokio::spawn(async move {
        tokio::join!(relay.run(), runner.run());
    });
    StageHandle { stage: name, ledger, progress, task }
}
