//! What pauses a stage, and what ends the pause.
//!
//! An *obstacle* pauses it, found by a readiness check (at the start, before each batch, at intervals without one) or
//! by the work of a batch. Its alarm is raised, claimed events are released, and readiness is checked again until it
//! succeeds.
//!
//! Then the stage is on *trial*: one batch at a time. The trial ends when
//! - a batch succeeds;
//! - no alarm is left, because the readiness check was enough to clear them all;
//! - no batch began for [`Pace::trial_timeout`](crate::Pace::trial_timeout), the stage is ready and, if the work found
//!   the obstacle, no work is left.
//!
//! Another obstacle pauses it again, with longer delays between the checks.

use std::time::Duration;

use strongroom_eventlog::Work;
use strongroom_model::event::{AlarmRaised, ClearedBy};
use strongroom_model::text::with_causes;
use strongroom_model::{AlarmKind, Position};
use tokio::time::{Instant, sleep};

use crate::obstacles::FoundBy;
use crate::progress::Pause;

use super::Runner;

/// What is still to be shown after an obstacle, before several batches run at once again: a circuit breaker, half open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trial {
    /// The stage is not on trial.
    No,
    /// The next batch decides. Without one until then, [`Runner::trial_over`] does.
    Due(Instant),
    /// The batch that decides is in flight.
    UnderWay,
}

#[derive(Debug, PartialEq, Eq)]
enum Waited {
    Over,
    Stopping,
}

impl Runner {
    /// Takes over earlier processes' alarms, to clear them once this one has shown that it can work.
    pub(super) async fn adopt(&mut self) {
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
            self.begin_trial();
        }
    }

    /// Makes the consumer requeue what was not begun, for another worker.
    pub(super) fn announce_pause(&mut self, obstacle: &AlarmRaised) -> Instant {
        let since = *self.paused_since.get_or_insert_with(Instant::now);
        self.worker.progress.pause(Some(Pause { obstacle: obstacle.clone(), since }));
        since
    }

    /// Releases what waits, if another worker can get it.
    fn return_waiting(&mut self) {
        while self.worker.lease_after.is_some() && self.claimed_events.try_recv().is_ok() {}
    }

    /// Waits while the stage finds an obstacle. Nothing is recorded on the subjects, and no attempt is used.
    pub(super) async fn pause(&mut self, obstacle: AlarmRaised, found: FoundBy) {
        let since = self.announce_pause(&obstacle);
        self.return_waiting();
        self.obstacles.raise(&obstacle, found).await;
        self.worker.progress.note_readiness();
        let ends_with_check = |kind: AlarmKind| kind.cleared_by() == ClearedBy::Opening;
        let mut is_quick = found == FoundBy::Readiness && ends_with_check(obstacle.kind);
        loop {
            // A check is enough to see the end, and whoever fixes it waits for that.
            let max = if is_quick { self.pace.readiness } else { Duration::MAX };
            let delay = self.recheck_backoff.next().min(max);
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
                    is_quick = ends_with_check(obstacle.kind);
                    self.worker.progress.pause(Some(Pause { obstacle, since }));
                }
            }
        }
        self.obstacles.readiness_checked(None).await;
        self.worker.progress.pause(None);
        self.begin_trial();
        if self.obstacles.is_empty() {
            self.end_trial();
        }
    }

    /// The trial passed without work. An obstacle found by the work is over only if no such work is left: another
    /// worker may have done it.
    pub(super) async fn trial_over(&mut self) {
        match self.ready().await {
            None => {}
            Some(Ok(())) if self.obstacles.any_found_by_work() && self.is_work_left().await => {
                self.begin_trial();
            }
            Some(Ok(())) => self.recovered().await,
            Some(Err(obstacle)) => self.pause(obstacle, FoundBy::Readiness).await,
        }
    }

    /// An unreadable log counts as work left.
    pub(super) async fn is_work_left(&self) -> bool {
        let partition = self.worker.stage.partition();
        let work = Work { stage: self.worker.context.stage, partition: partition.as_ref() };
        let pending = self.worker.context.log.pending(work, Position(0), 1).await;
        pending.map_or(true, |pending| !pending.is_empty())
    }

    pub(super) async fn recovered(&mut self) {
        self.obstacles.work_succeeded().await;
        if self.obstacles.is_empty() {
            self.end_trial();
        } else {
            self.begin_trial();
        }
    }

    pub(super) fn begin_trial(&mut self) {
        self.trial = Trial::Due(Instant::now() + self.pace.trial_timeout);
    }

    pub(super) fn end_trial(&mut self) {
        self.trial = Trial::No;
        self.paused_since = None;
        self.recheck_backoff.reset();
    }

    async fn wait(&self, delay: Duration) -> Waited {
        match self.stop.run_until_cancelled(sleep(delay)).await {
            Some(()) => Waited::Over,
            None => Waited::Stopping,
        }
    }
}
