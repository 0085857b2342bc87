mod pause;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use strongroom_model::event::AlarmRaised;
use strongroom_model::text::with_causes;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::batch::{BatchResult, BatchWorker, panic_message};
use crate::claims::Claims;
use crate::delivery::ClaimedEvent;
use crate::obstacles::{FoundBy, Obstacles};
use crate::pace::{Backoff, Pace};
use crate::stage::BatchLimits;

use self::pause::Trial;

/// Gives a stage its batches, and pauses it at an obstacle. A restart loses this state, on purpose: what must survive
/// is in the log.
pub(crate) struct Runner {
    worker: BatchWorker,
    limits: BatchLimits,
    claimed_events: mpsc::Receiver<ClaimedEvent>,
    claims: Arc<Claims>,
    batches: JoinSet<BatchResult>,
    obstacles: Obstacles,
    trial: Trial,
    /// Also during a trial: another obstacle then goes on with the same pause.
    paused_since: Option<Instant>,
    /// The delay before the next readiness check of a pause.
    recheck_backoff: Backoff,
    ready_check_at: Instant,
    adopt_at: Option<Instant>,
    pace: Pace,
    stop: CancellationToken,
    abort: CancellationToken,
}

impl Runner {
    pub(crate) fn new(
        worker: BatchWorker,
        claimed_events: mpsc::Receiver<ClaimedEvent>,
        claims: Arc<Claims>,
        abort: CancellationToken,
    ) -> Self {
        let limits = worker.stage.limits();
        Self {
            limits: BatchLimits { tasks: limits.tasks.max(1), batches: limits.batches.max(1) },
            claimed_events,
            claims,
            batches: JoinSet::new(),
            obstacles: Obstacles::new(&worker.context),
            trial: Trial::No,
            paused_since: None,
            recheck_backoff: worker.pace.pause(),
            ready_check_at: Instant::now(),
            adopt_at: None,
            pace: worker.pace,
            stop: worker.stop.clone(),
            abort,
            worker,
        }
    }

    /// Works until `stop`, then finishes what is in flight, or drops it on `abort`.
    pub(crate) async fn run(mut self) {
        self.adopt().await;
        self.check_readiness().await;
        if self.trial != Trial::No && !self.is_work_left().await {
            // Another process has done the work that met the obstacle.
            self.trial_over().await;
        }
        while !self.stop.is_cancelled() {
            self.step().await;
        }
        self.drain().await;
    }

    async fn step(&mut self) {
        let max_batches = if self.trial == Trial::No { self.limits.batches } else { 1 };
        let trial_ends_at = match self.trial {
            Trial::Due(at) => Some(at),
            _ => None,
        };
        let clear_due_at = self.obstacles.clear_due_at();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            Some(ended) = self.batches.join_next() => self.batch_ended(ended).await,
            claimed = self.claimed_events.recv(), if self.batches.len() < max_batches => match claimed {
                Some(first) => self.begin(first).await,
                // The source ends only when we are stopping, or by a bug.
                None => self.stop.cancelled().await,
            },
            () = sleep_until(trial_ends_at.unwrap_or_else(Instant::now)), if trial_ends_at.is_some() => self.trial_over().await,
            () = sleep_until(clear_due_at.unwrap_or_else(Instant::now)), if clear_due_at.is_some() => {
                self.obstacles.clear_due().await;
            }
            () = sleep_until(self.ready_check_at) => self.check_readiness().await,
        }
    }

    /// Clears the alarms that the check shows to be over, or pauses. It runs also without work: people should know of
    /// an obstacle before a run.
    async fn check_readiness(&mut self) {
        if self.adopt_at.is_some_and(|at| at <= Instant::now()) {
            self.adopt().await;
        }
        match self.ready().await {
            None => {}
            Some(Ok(())) => {
                self.obstacles.readiness_checked(None).await;
                if self.obstacles.is_empty() {
                    self.end_trial();
                }
                self.worker.progress.note_readiness();
            }
            Some(Err(obstacle)) => self.pause(obstacle, FoundBy::Readiness).await,
        }
    }

    async fn begin(&mut self, first: ClaimedEvent) {
        let batch = self.gather(first).await;
        match self.ready().await {
            None => {}
            Some(Ok(())) => {
                if self.trial != Trial::No {
                    self.trial = Trial::UnderWay;
                }
                self.batches.spawn(self.worker.clone().work(batch));
            }
            Some(Err(obstacle)) => {
                self.announce_pause(&obstacle);
                // Released before the pause, so that the log's newest state is worked on after it.
                drop(batch);
                self.pause(obstacle, FoundBy::Readiness).await;
            }
        }
    }

    async fn gather(&mut self, first: ClaimedEvent) -> Vec<ClaimedEvent> {
        let mut batch = vec![first];
        let linger_until = Instant::now() + self.pace.linger;
        while batch.len() < self.limits.tasks {
            match self.claimed_events.try_recv() {
                Ok(claimed) => batch.push(claimed),
                Err(_) if self.claims.more_coming() => match timeout_at(linger_until, self.claimed_events.recv()).await
                {
                    Ok(Some(claimed)) => batch.push(claimed),
                    _ => break,
                },
                Err(_) => break,
            }
        }
        batch
    }

    async fn ready(&mut self) -> Option<Result<(), AlarmRaised>> {
        let answer = self.call_ready().await;
        self.ready_check_at = Instant::now() + self.pace.readiness;
        answer
    }

    async fn call_ready(&self) -> Option<Result<(), AlarmRaised>> {
        let call = AssertUnwindSafe(self.worker.stage.ready()).catch_unwind();
        let answer = self.stop.run_until_cancelled(call).await?;
        Some(answer.unwrap_or_else(|panic| {
            // A panic is not an obstacle: the work will show one.
            tracing::error!(stage = %self.worker.context.stage, message = panic_message(panic.as_ref()),
                "the stage panicked in its readiness check");
            Ok(())
        }))
    }

    async fn batch_ended(&mut self, ended: Result<BatchResult, JoinError>) {
        let on_trial = self.trial == Trial::UnderWay;
        match ended {
            Ok(BatchResult::Obstructed(obstacle)) => self.pause(obstacle, FoundBy::Work).await,
            Ok(BatchResult::Succeeded) if on_trial => self.recovered().await,
            Ok(_) if on_trial => self.begin_trial(),
            Ok(_) => {}
            Err(error) => tracing::error!(stage = %self.worker.context.stage, error = %with_causes(&error),
                "a batch has stopped because of a bug: its tasks are delivered again; report this"),
        }
    }

    /// What is dropped is pending in the log, as after a kill.
    async fn drain(mut self) {
        // What waits in the channel was not begun.
        self.claimed_events.close();
        let abort = self.abort.clone();
        let finished = abort.run_until_cancelled(async {
            while let Some(ended) = self.batches.join_next().await {
                if let Ok(BatchResult::Obstructed(obstacle)) = ended {
                    self.obstacles.raise(&obstacle, FoundBy::Work).await;
                }
            }
        });
        if finished.await.is_none() {
            tracing::warn!(stage = %self.worker.context.stage, batches = self.batches.len(),
                "dropped what was in flight: it is pending in the log");
            self.batches.abort_all();
        }
    }
}
