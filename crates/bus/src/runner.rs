use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use strongroom_eventlog::Work;
use strongroom_model::event::{AlarmRaised, ClearedBy};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, Position};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::batch::{BatchResult, BatchWorker, panic_message};
use crate::claims::Claims;
use crate::delivery::ClaimedEvent;
use crate::obstacles::{FoundBy, Obstacles};
use crate::pace::{Backoff, Pace};
use crate::progress::Pause;
use crate::stage::BatchLimits;

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
    since: Option<Instant>,
    pauses: Backoff,
    check_at: Instant,
    adopt_at: Option<Instant>,
    pace: Pace,
    stop: CancellationToken,
    abort: CancellationToken,
}

/// Whether the stage is on trial after an obstacle: a circuit breaker, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    No,
    /// The next batch, alone, decides. Without one until then the obstacle counts as over.
    Due(Instant),
    UnderWay,
}

#[derive(Debug, PartialEq, Eq)]
enum Waited {
    Over,
    Stopping,
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
            since: None,
            pauses: worker.pace.pause(),
            check_at: Instant::now(),
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

    /// Takes over earlier processes' alarms, to clear them once this one has shown that it can work.
    async fn adopt(&mut self) {
        let mut backoff = self.pace.backoff();
        let context = self.worker.context.clone();
        let are_left = loop {
            match self.obstacles.adopt(&context).await {
                Ok(are_left) => break are_left,
                Err(error) => tracing::warn!(stage = %context.stage, error = %with_causes(&error),
                    "alarms cannot be read from the log: trying again"),
            }
            if self.wait(backoff.next()).await == Waited::Stopping {
                return;
            }
        };
        self.adopt_at = are_left.then(|| Instant::now() + self.pace.rescan);
        if !self.obstacles.is_empty() {
            self.trial = Trial::Due(Instant::now() + self.pace.quiet);
        }
    }

    async fn step(&mut self) {
        let width = if self.trial == Trial::No { self.limits.batches } else { 1 };
        let quiet_at = match self.trial {
            Trial::Due(at) => Some(at),
            _ => None,
        };
        let clear_due_at = self.obstacles.clear_due_at();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            Some(ended) = self.batches.join_next() => self.batch_ended(ended).await,
            delivery = self.claimed_events.recv(), if self.batches.len() < width => match delivery {
                Some(first) => self.begin(first).await,
                // The source ends only when we are stopping, or by a bug.
                None => self.stop.cancelled().await,
            },
            () = sleep_until(quiet_at.unwrap_or_else(Instant::now)), if quiet_at.is_some() => self.trial_over().await,
            () = sleep_until(clear_due_at.unwrap_or_else(Instant::now)), if clear_due_at.is_some() => {
                self.obstacles.clear_due().await;
            }
            () = sleep_until(self.check_at) => self.check_readiness().await,
        }
    }

    /// Also without work: people should know of an obstacle before a run.
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
                Ok(delivery) => batch.push(delivery),
                Err(_) if self.claims.more_coming() => match timeout_at(linger_until, self.claimed_events.recv()).await
                {
                    Ok(Some(delivery)) => batch.push(delivery),
                    _ => break,
                },
                Err(_) => break,
            }
        }
        batch
    }

    async fn ready(&mut self) -> Option<Result<(), AlarmRaised>> {
        let answer = self.call_ready().await;
        self.check_at = Instant::now() + self.pace.readiness;
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
            Ok(_) if on_trial => self.trial = Trial::Due(Instant::now() + self.pace.quiet),
            Ok(_) => {}
            Err(error) => tracing::error!(stage = %self.worker.context.stage, error = %with_causes(&error),
                "a batch ended by a bug: its tasks are delivered again"),
        }
    }

    /// Makes the consumer requeue what was not begun, for another worker.
    fn announce_pause(&mut self, obstacle: &AlarmRaised) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.worker.progress.pause(Some(Pause { obstacle: obstacle.clone(), since }));
        since
    }

    /// Releases what waits, if another worker can get it.
    fn return_waiting(&mut self) {
        while self.worker.lease_after.is_some() && self.claimed_events.try_recv().is_ok() {}
    }

    /// Waits while the stage finds an obstacle. Nothing is recorded on the subjects, and no attempt is used.
    async fn pause(&mut self, obstacle: AlarmRaised, found: FoundBy) {
        let since = self.announce_pause(&obstacle);
        self.return_waiting();
        self.obstacles.raise(&obstacle, found).await;
        self.worker.progress.note_readiness();
        let shown_by_a_look = |kind: AlarmKind| kind.cleared_by() == ClearedBy::Opening;
        let mut is_shown = found == FoundBy::Readiness && shown_by_a_look(obstacle.kind);
        loop {
            // A check is enough to see the end, and whoever fixes it waits for that.
            let most = if is_shown { self.pace.readiness } else { Duration::MAX };
            let delay = self.pauses.next().min(most);
            if self.wait(delay).await == Waited::Stopping {
                return;
            }
            // One may have been on its way when the pause began.
            self.return_waiting();
            self.obstacles.clear_due().await;
            match self.ready().await {
                None => return,
                Some(Ok(())) => break,
                Some(Err(obstacle)) => {
                    // Raised first: a person reads "the drive is another one" before "the drive is no longer
                    // missing".
                    self.obstacles.raise(&obstacle, FoundBy::Readiness).await;
                    self.obstacles.readiness_checked(Some(&obstacle)).await;
                    is_shown = shown_by_a_look(obstacle.kind);
                    self.worker.progress.pause(Some(Pause { obstacle, since }));
                }
            }
        }
        self.obstacles.readiness_checked(None).await;
        self.worker.progress.pause(None);
        self.trial = Trial::Due(Instant::now() + self.pace.quiet);
        if self.obstacles.is_empty() {
            self.end_trial();
        }
    }

    /// The trial passed without work. An obstacle found by the work is over only if no such work is left: another
    /// worker may have done it.
    async fn trial_over(&mut self) {
        match self.ready().await {
            None => {}
            Some(Ok(())) if self.obstacles.any_found_by_work() && self.is_work_left().await => {
                self.trial = Trial::Due(Instant::now() + self.pace.quiet);
            }
            Some(Ok(())) => self.recovered().await,
            Some(Err(obstacle)) => self.pause(obstacle, FoundBy::Readiness).await,
        }
    }

    /// An unreadable log counts as work left.
    async fn is_work_left(&self) -> bool {
        let partition = self.worker.stage.partition();
        let work = Work { stage: self.worker.context.stage, partition: partition.as_ref() };
        let pending = self.worker.context.log.pending(work, Position(0), 1).await;
        pending.map_or(true, |pending| !pending.is_empty())
    }

    async fn recovered(&mut self) {
        self.obstacles.work_succeeded().await;
        if self.obstacles.is_empty() {
            self.end_trial();
        } else {
            self.trial = Trial::Due(Instant::now() + self.pace.quiet);
        }
    }

    fn end_trial(&mut self) {
        self.trial = Trial::No;
        self.since = None;
        self.pauses.reset();
    }

    async fn wait(&self, delay: Duration) -> Waited {
        match self.stop.run_until_cancelled(sleep(delay)).await {
            Some(()) => Waited::Over,
            None => Waited::Stopping,
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
