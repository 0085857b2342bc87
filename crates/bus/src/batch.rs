//! One batch: folded anew, handed to the stage, and given back where it was not settled.

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::{SignedDuration, Timestamp};
use strongroom_eventlog::LogError;
use strongroom_model::event::AlarmRaised;
use strongroom_model::text::with_causes;
use strongroom_model::{Failure, FailureKind, Fate, Recorded, StageName, StreamName, next_step};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::claims::Claim;
use crate::context::StageContext;
use crate::delivery::ClaimedEvent;
use crate::erased::{AnyStage, AnyTask};
use crate::pace::Pace;
use crate::progress::{Pause, Progress};
use crate::settle::TaskEnd;
use crate::settling::Settling;
use crate::stage::{Task, TaskOutcome};
use crate::stranded::Horizon;
use crate::traced;

/// How often the delay after trouble is doubled at most; the pace's bound comes first.
const MAX_DOUBLINGS: u32 = 16;

/// What works on a stage's batches, each in a task of its own.
#[derive(Clone)]
pub(crate) struct BatchWorker {
    pub(crate) stage: Arc<dyn AnyStage>,
    pub(crate) context: Arc<StageContext>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) pace: Pace,
    pub(crate) stop: CancellationToken,
    /// How many batches in a row were not all settled, though nothing was in the way.
    pub(crate) failures_in_a_row: Arc<AtomicU32>,
    pub(crate) horizon: Horizon,
    /// After which time at work this is recorded in the log; `None`: nobody waits for that.
    pub(crate) hold_after: Option<Duration>,
}

/// What a batch says about the stage.
#[derive(Debug)]
pub(crate) enum BatchResult {
    /// Nothing: there was nothing left to do, every task failed by a fault of its own, or the log
    /// was in trouble.
    Inconclusive,
    /// The stage did its work, at least once.
    Succeeded,
    /// Something is in its way.
    Obstructed(AlarmRaised),
}

impl BatchWorker {
    pub(crate) async fn work(self, deliveries: Vec<ClaimedEvent>) -> BatchResult {
        let histories = match self.histories(&deliveries).await {
            Ok(histories) => histories,
            Err(error) => {
                tracing::warn!(stage = %self.context.stage, error = %with_causes(&error),
                    "a batch cannot be read from the log: trying again");
                self.requeue_later(deliveries).await;
                return BatchResult::Inconclusive;
            }
        };
        let (tasks, claims) = self.tasks(deliveries, histories);
        if tasks.is_empty() {
            return BatchResult::Inconclusive;
        }
        let settling = Settling::new(self.context.clone(), self.progress.clone(), &tasks);
        let span = traced::batch(self.context.stage, &tasks);
        let began = Instant::now();
        Box::pin(self.hold(self.handle(tasks, &settling), &settling, &claims).instrument(span)).await;
        self.progress.batch(began.elapsed());
        self.conclude(settling, claims, began.elapsed()).await
    }

    /// The streams of the batch. One that cannot be read is left out, and does not keep
    /// the others from being worked on.
    async fn histories(&self, batch: &[ClaimedEvent]) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
        let names: Vec<StreamName> = batch.iter().map(|delivery| delivery.trigger.stream.clone()).collect();
        match self.context.log.streams(&names).await {
            Err(error) if error.is_about_one() => {}
            Err(error) => return Err(error),
            Ok(mut found) => {
                // A stream without events is left out; here that says something, too.
                return Ok(names.into_iter().map(|name| found.remove_entry(&name).unwrap_or((name, vec![]))).collect());
            }
        }
        let mut histories = HashMap::with_capacity(names.len());
        for name in names {
            match self.context.log.stream(&name).await {
                Ok(history) => {
                    histories.insert(name, history);
                }
                Err(error) if error.is_about_one() => self.unreadable(&name, &error),
                Err(error) => return Err(error),
            }
        }
        Ok(histories)
    }

    /// Drops what is stale: a delivery that came twice or late finds that its stream has
    /// moved on. What moved it is a delivery of its own. A broker may also bring what is
    /// of another log, or of a later state of this one than a backup of it shows, or what somebody
    /// made up. So of what was delivered only the stream's name, the version and the id are looked
    /// at, to find the event that is meant; what the task is made of is the log's own event.
    fn tasks(
        &self,
        deliveries: Vec<ClaimedEvent>,
        mut histories: HashMap<StreamName, Vec<Recorded>>,
    ) -> (Vec<AnyTask>, HashMap<StreamName, Claim>) {
        let mut tasks = Vec::with_capacity(deliveries.len());
        let mut claims = HashMap::with_capacity(deliveries.len());
        for ClaimedEvent { trigger, claim } in deliveries {
            let Some(history) = histories.remove(&trigger.stream) else {
                claim.end(TaskEnd::Unreadable);
                continue;
            };
            if let Err(end) = self.check(&history, &trigger) {
                claim.end(end);
                continue;
            }
            match self.stage.fold(&history) {
                Ok(state) => {
                    let trigger = history.last().cloned().unwrap_or(trigger);
                    let stream = trigger.stream.clone();
                    claims.insert(stream.clone(), claim);
                    tasks.push(Task { stream, version: trigger.version, state, trigger });
                }
                Err(error) => {
                    self.unreadable(&trigger.stream, &error);
                    claim.end(TaskEnd::Unreadable);
                }
            }
        }
        (tasks, claims)
    }

    /// Whether an event that was delivered is to be worked on now.
    fn check(&self, history: &[Recorded], trigger: &Recorded) -> Result<(), TaskEnd> {
        let (stage, stream, position) = (self.context.stage, &trigger.stream, trigger.position);
        let checked = check(history, trigger, stage, (self.context.clock.now(), self.horizon));
        match checked {
            Err(TaskEnd::Duplicate) => self.progress.count(TaskEnd::Duplicate),
            Err(TaskEnd::Foreign) => tracing::error!(%stage, %stream, %position,
                "an event was delivered that is not in the log: is it of another log with the same name?"),
            Err(_) => tracing::warn!(%stage, %stream, %position,
                "a task was delivered before it is due: it is handed out again when it is"),
            Ok(()) => {}
        }
        checked
    }

    /// Hands the tasks to the stage. If it panics, each task that it left open is handed
    /// to it once more, alone: so that only the one that makes it panic is recorded as
    /// failed, and the rest of the batch loses no attempt.
    async fn handle(&self, tasks: Vec<AnyTask>, settling: &Settling) {
        let alone = tasks.len() == 1;
        let spare = tasks.clone();
        let Err(panic) = self.attempt(tasks, settling).await else { return };
        for task in spare {
            if settling.is_obstructed() {
                return;
            }
            if !settling.is_open(&task.stream) {
                continue;
            }
            let panic =
                if alone { Some(panic.clone()) } else { self.attempt(vec![task.clone()], settling).await.err() };
            if let Some(panic) = panic
                && settling.is_open(&task.stream)
            {
                let message = format!("the {} stage panicked: {panic}", self.context.stage);
                let failure = Failure::new(FailureKind::Internal, message, Fate::Retry);
                settling.one(task, TaskOutcome::Failed(failure)).await;
            }
        }
    }

    /// One call of the stage; the error is what it panicked with.
    async fn attempt(&self, tasks: Vec<AnyTask>, settling: &Settling) -> Result<(), String> {
        // What a panic may leave half done is the stage's own: it is called again from the
        // log's state, as after a kill. The settle's accounts are changed in single steps.
        let called = AssertUnwindSafe(self.stage.handle(tasks, settling)).catch_unwind().await;
        called.map_err(|panic| {
            self.progress.count_panic();
            let message = panic_message(panic.as_ref());
            tracing::error!(stage = %self.context.stage, message, "the stage panicked");
            message
        })
    }

    async fn conclude(&self, settling: Settling, claims: HashMap<StreamName, Claim>, took: Duration) -> BatchResult {
        let settled = settling.finish();
        let done = settled.with(TaskEnd::Done).len();
        tracing::info!(stage = %self.context.stage, done, failed = settled.with(TaskEnd::Failed).len(),
            again = settled.unsettled().len(), elapsed_ms = took.as_millis(), "batch settled");
        if let Some(obstacle) = &settled.obstacle {
            // Said before the deliveries are given back, so that none comes right in again.
            let since = self.progress.pause_now().map_or_else(Instant::now, |pause| pause.since);
            self.progress.pause(Some(Pause { obstacle: obstacle.clone(), since }));
        }
        let mut back = Vec::new();
        for (stream, claim) in claims {
            match settled.ends.get(&stream) {
                Some(end) if *end != TaskEnd::Unsettled => claim.end(*end),
                _ => {
                    self.progress.count(TaskEnd::Unsettled);
                    back.push(claim);
                }
            }
        }
        if let Some(obstacle) = settled.obstacle {
            return BatchResult::Obstructed(obstacle);
        }
        if back.is_empty() {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
            return if done > 0 { BatchResult::Succeeded } else { BatchResult::Inconclusive };
        }
        self.requeue_later(back).await;
        BatchResult::Inconclusive
    }

    /// Gives deliveries back, but not at once: whatever went wrong, it must not spin.
    async fn requeue_later<T>(&self, held: Vec<T>) {
        let failures_in_a_row = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed).min(MAX_DOUBLINGS);
        let delay = self.pace.backoff_min.saturating_mul(1 << failures_in_a_row).min(self.pace.backoff_max);
        self.stop.run_until_cancelled(sleep(delay)).await;
        drop(held);
    }

    fn unreadable(&self, stream: &StreamName, error: &(dyn std::error::Error + 'static)) {
        self.progress.count(TaskEnd::Unreadable);
        tracing::error!(stage = %self.context.stage, %stream, error,
            "a stream cannot be understood and is left alone: run `strongroom log verify`");
    }
}

/// How much earlier than it is due a task may be delivered: hosts' clocks differ by seconds.
const MAX_EARLY: SignedDuration = SignedDuration::from_secs(30);

/// Whether an event is its stream's last and due. What waits for a time beyond the horizon is due now.
fn check(
    history: &[Recorded],
    event: &Recorded,
    stage: StageName,
    (now, horizon): (Timestamp, Horizon),
) -> Result<(), TaskEnd> {
    let version = usize::try_from(event.version.0).unwrap_or(usize::MAX);
    let same = history.get(version).filter(|same| same.id == event.id && same.position == event.position);
    let same = same.ok_or(TaskEnd::Foreign)?;
    if version + 1 < history.len() {
        return Err(TaskEnd::Duplicate);
    }
    let next = next_step(&same.event).filter(|next| next.stage == stage).ok_or(TaskEnd::Foreign)?;
    let due = next.not_before.filter(|due| !horizon.strands(*due, now));
    let is_early = due.is_some_and(|due| due.duration_since(now) > MAX_EARLY);
    if is_early { Err(TaskEnd::NothingToDo) } else { Ok(()) }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}
