//! The runner: gives a stage its batches, and waits where something is in its way.

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

/// Runs one stage.
///
/// All of its state is gone after a restart, on purpose: what it must not forget is in the
/// log, raised alarms included.
pub(crate) struct Runner {
    worker: BatchWorker,
    limits: BatchLimits,
    claimed_events: mpsc::Receiver<ClaimedEvent>,
    claims: Arc<Claims>,
    batches: JoinSet<BatchResult>,
    obstacles: Obstacles,
    trial: Trial,
    /// Since when obstacles have come one after the other.
    since: Option<Instant>,
    pauses: Backoff,
    /// When the stage is asked whether it may work, if no work has it asked before.
    check_at: Instant,
    /// When alarms are looked through again that were left to processes of other hosts.
    adopt_at: Option<Instant>,
    pace: Pace,
    stop: CancellationToken,
    abort: CancellationToken,
}

/// Whether the stage is being tried out after an obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trial {
    /// Nothing was in its way.
    No,
    /// It may work again: the next batch, alone, shows whether it can. If none comes until
    /// then, it counts as well.
    Due(Instant),
    /// That batch is under way.
    UnderWay,
}

/// Why a wait ended.
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

    /// Works until told to stop, then finishes what is under way, or gives it up when
    /// told to abort.
    pub(crate) async fn run(mut self) {
        self.adopt().await;
        self.check_readiness().await;
        if self.trial != Trial::No && !self.is_work_left().await {
            // What an earlier process met at work, another one has done since.
            self.trial_over().await;
        }
        while !self.stop.is_cancelled() {
            self.step().await;
        }
        self.drain().await;
    }

    /// Takes over the alarms of an earlier process, so that they are cleared once this one
    /// has shown that it can work.
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

    /// Waits for the next thing to happen, and deals with it.
    async fn step(&mut self) {
        // On trial, one batch goes alone.
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
                // The relay ends only when we are stopping, or by a fault of its own.
                None => self.stop.cancelled().await,
            },
            () = sleep_until(quiet_at.unwrap_or_else(Instant::now)), if quiet_at.is_some() => self.trial_over().await,
            () = sleep_until(clear_due_at.unwrap_or_else(Instant::now)), if clear_due_at.is_some() => {
                self.obstacles.clear_due().await;
            }
            () = sleep_until(self.check_at) => self.check_readiness().await,
        }
    }

    /// Asks the stage whether it may work, though there may be no work: people should know of what is in the way before a
    /// run needs it, and that it is over.
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
                self.worker.progress.looked();
            }
            Some(Err(obstacle)) => self.pause(obstacle, FoundBy::Readiness).await,
        }
    }

    /// Begins a batch, if nothing is in the way.
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
                // Given back before the pause, so that the log's newest state is worked on after it.
                drop(batch);
                self.pause(obstacle, FoundBy::Readiness).await;
            }
        }
    }

    /// As much as there is, up to the limit; it waits a little only while more is coming.
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

    /// Asks the stage whether it may work; `None`: we are stopping.
    async fn ready(&mut self) -> Option<Result<(), AlarmRaised>> {
        let answer = self.call_ready().await;
        self.check_at = Instant::now() + self.pace.look;
        answer
    }

    async fn call_ready(&self) -> Option<Result<(), AlarmRaised>> {
        let asked = AssertUnwindSafe(self.worker.stage.ready()).catch_unwind();
        let answer = self.stop.run_until_cancelled(asked).await?;
        Some(answer.unwrap_or_else(|panic| {
            // That says nothing about what is in the way: the work itself will show it.
            tracing::error!(stage = %self.worker.context.stage, message = panic_message(panic.as_ref()),
                "the stage panicked when it was asked whether it may work");
            Ok(())
        }))
    }

    async fn batch_ended(&mut self, ended: Result<BatchResult, JoinError>) {
        let on_trial = self.trial == Trial::UnderWay;
        match ended {
            Ok(BatchResult::Obstructed(obstacle)) => self.pause(obstacle, FoundBy::Work).await,
            Ok(BatchResult::Succeeded) if on_trial => self.recovered().await,
            // It showed nothing: the trial goes on.
            Ok(_) if on_trial => self.trial = Trial::Due(Instant::now() + self.pace.quiet),
            Ok(_) => {}
            Err(error) => tracing::error!(stage = %self.worker.context.stage, error = %with_causes(&error),
                "a batch ended in a fault of the runner: its tasks are delivered again"),
        }
    }

    /// Says that the stage is paused, so that a broker's feed takes nothing more and gives back
    /// what was not begun: another worker may be able to do it.
    fn announce_pause(&mut self, obstacle: &AlarmRaised) -> Instant {
        let since = *self.since.get_or_insert_with(Instant::now);
        self.worker.progress.pause(Some(Pause { obstacle: obstacle.clone(), since }));
        since
    }

    /// Gives back what waits, where a broker can give it to another worker. What the stage reads
    /// from the log itself nobody else takes from it.
    fn return_waiting(&mut self) {
        while self.worker.hold_after.is_some() && self.claimed_events.try_recv().is_ok() {}
    }

    /// Waits for as long as the stage names an obstacle, and a short while in any case.
    /// Nothing is recorded on the subjects, and no attempt is lost.
    async fn pause(&mut self, obstacle: AlarmRaised, found: FoundBy) {
        let since = self.announce_pause(&obstacle);
        self.return_waiting();
        self.obstacles.raise(&obstacle, found).await;
        self.worker.progress.looked();
        let shown_by_a_look = |kind: AlarmKind| kind.cleared_by() == ClearedBy::Opening;
        let mut is_shown = found == FoundBy::Readiness && shown_by_a_look(obstacle.kind);
        loop {
            // It costs no more than that look to see that it is over, and whoever mends it waits for that.
            let most = if is_shown { self.pace.look } else { Duration::MAX };
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
                    // Raised first: a person reads "the drive is another one" before, not after,
                    // "the drive is no longer missing".
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

    /// On trial, and no work came by for a while. What was met at work is over only where none of
    /// that work is left: it may have been done by another worker.
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

    /// Whether anything that this stage could do now is still to be done. A log that cannot be
    /// read says nothing.
    async fn is_work_left(&self) -> bool {
        let partition = self.worker.stage.partition();
        let work = Work { stage: self.worker.context.stage, partition: partition.as_ref() };
        let pending = self.worker.context.log.pending(work, Position(0), 1).await;
        pending.map_or(true, |pending| !pending.is_empty())
    }

    /// Nothing is in the way any more.
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

    /// Finishes what is under way. What is given up instead is pending in the log, as after
    /// a kill.
    async fn drain(mut self) {
        // What waits in the channel was not begun: it is pending in the log.
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
                "gave up what was under way: it is pending in the log");
            self.batches.abort_all();
        }
    }
}
