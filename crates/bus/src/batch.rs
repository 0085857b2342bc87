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

/// Keeps the shift from overflowing; `backoff_max` is reached earlier.
const MAX_DOUBLINGS: u32 = 16;

#[derive(Clone)]
pub(crate) struct BatchWorker {
    pub(crate) stage: Arc<dyn AnyStage>,
    pub(crate) context: Arc<StageContext>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) pace: Pace,
    pub(crate) stop: CancellationToken,
    /// Batches in a row that were not all settled, without an obstacle.
    pub(crate) failures_in_a_row: Arc<AtomicU32>,
    pub(crate) horizon: Horizon,
    /// After which time work takes a lease in the log; `None`: deliveries do not time out.
    pub(crate) lease_after: Option<Duration>,
}

#[derive(Debug)]
pub(crate) enum BatchResult {
    /// Nothing was left to do, every task failed, or the log could not be used.
    Inconclusive,
    /// At least one task was done.
    Succeeded,
    Obstructed(AlarmRaised),
}

impl BatchWorker {
    pub(crate) async fn work(self, claimed: Vec<ClaimedEvent>) -> BatchResult {
        let histories = match self.histories(&claimed).await {
            Ok(histories) => histories,
            Err(error) => {
                tracing::warn!(stage = %self.context.stage, error = %with_causes(&error),
                    "a batch cannot be read from the log: trying again");
                self.requeue_later(claimed).await;
                return BatchResult::Inconclusive;
            }
        };
        let (tasks, claims) = self.tasks(claimed, histories);
        if tasks.is_empty() {
            return BatchResult::Inconclusive;
        }
        let settling = Settling::new(self.context.clone(), self.progress.clone(), &tasks);
        let span = traced::batch(self.context.stage, &tasks);
        let began = Instant::now();
        Box::pin(self.work_under_lease(self.handle(tasks, &settling), &settling, &claims).instrument(span)).await;
        self.progress.batch(began.elapsed());
        self.conclude(settling, claims, began.elapsed()).await
    }

    /// Streams that cannot be read are left out.
    async fn histories(&self, batch: &[ClaimedEvent]) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
        let names: Vec<StreamName> = batch.iter().map(|claimed| claimed.trigger.stream.clone()).collect();
        match self.context.log.streams(&names).await {
            Err(error) if error.is_about_one() => {}
            Err(error) => return Err(error),
            Ok(mut found) => {
                // The log leaves out a stream without events; here that is evidence.
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

    /// Drops stale deliveries. A broker may also deliver events of another log, events that a restored backup lacks,
    /// or forged ones. So a delivery only names an event (stream, version and id); the task is made of the log's own.
    fn tasks(
        &self,
        claimed: Vec<ClaimedEvent>,
        mut histories: HashMap<StreamName, Vec<Recorded>>,
    ) -> (Vec<AnyTask>, HashMap<StreamName, Claim>) {
        let mut tasks = Vec::with_capacity(claimed.len());
        let mut claims = HashMap::with_capacity(claimed.len());
        for ClaimedEvent { trigger, claim } in claimed {
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

    fn check(&self, history: &[Recorded], trigger: &Recorded) -> Result<(), TaskEnd> {
        let (stage, stream, position) = (self.context.stage, &trigger.stream, trigger.position);
        let checked = check(history, trigger, stage, (self.context.clock.now(), self.horizon));
        checked.map_err(|rejection| match rejection {
            Rejection::Duplicate => {
                self.progress.count(TaskEnd::Duplicate);
                TaskEnd::Duplicate
            }
            Rejection::NotInLog => {
                tracing::error!(%stage, %stream, %position,
                    "a delivered event is not in this site's log: does another log have the same name? \
                     Over a broker it is parked: see `strongroom queue parked`");
                TaskEnd::Foreign
            }
            Rejection::OtherStage(other) => {
                tracing::error!(%stage, %stream, %position, work_of = other.map(StageName::name),
                    "a delivered event is not this stage's work: over a broker it is parked, \
                     see `strongroom queue parked`");
                TaskEnd::Foreign
            }
            Rejection::NotDue => {
                tracing::warn!(%stage, %stream, %position,
                    "a task was delivered before it is due: it is delivered again when it is");
                TaskEnd::NothingToDo
            }
        })
    }

    /// If the stage panics, it gets each open task once more, alone: only the one that panics again fails, and the
    /// others lose no attempt.
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

    /// The error is the panic's message.
    async fn attempt(&self, tasks: Vec<AnyTask>, settling: &Settling) -> Result<(), String> {
        // What a panic leaves half done is the stage's own, as after a kill. The settling changes in single steps.
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
            // Paused before the claims are released, so that none is delivered right again.
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

    /// Delayed: a failure must not spin.
    async fn requeue_later<T>(&self, claims: Vec<T>) {
        let failures_in_a_row = self.failures_in_a_row.fetch_add(1, Ordering::Relaxed).min(MAX_DOUBLINGS);
        let delay = self.pace.backoff_min.saturating_mul(1 << failures_in_a_row).min(self.pace.backoff_max);
        self.stop.run_until_cancelled(sleep(delay)).await;
        drop(claims);
    }

    fn unreadable(&self, stream: &StreamName, error: &(dyn std::error::Error + 'static)) {
        self.progress.count(TaskEnd::Unreadable);
        tracing::error!(stage = %self.context.stage, %stream, error,
            "a stream cannot be understood and is left alone: run `strongroom log verify`");
    }
}

/// An event this early is still taken: hosts' clocks differ.
const MAX_EARLY: SignedDuration = SignedDuration::from_secs(30);

/// Why a delivered event is not worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rejection {
    Duplicate,
    NotInLog,
    /// `None`: no stage has to do anything about it.
    OtherStage(Option<StageName>),
    NotDue,
}

/// Whether an event is its stream's last, this stage's and due. Beyond the horizon nothing waits.
fn check(
    history: &[Recorded],
    event: &Recorded,
    stage: StageName,
    (now, horizon): (Timestamp, Horizon),
) -> Result<(), Rejection> {
    let version = usize::try_from(event.version.0).unwrap_or(usize::MAX);
    let same = history.get(version).filter(|same| same.id == event.id && same.position == event.position);
    let same = same.ok_or(Rejection::NotInLog)?;
    if version + 1 < history.len() {
        return Err(Rejection::Duplicate);
    }
    let next = next_step(&same.event).ok_or(Rejection::OtherStage(None))?;
    if next.stage != stage {
        return Err(Rejection::OtherStage(Some(next.stage)));
    }
    let due = next.not_before.filter(|due| !horizon.strands(*due, now));
    let is_early = due.is_some_and(|due| due.duration_since(now) > MAX_EARLY);
    if is_early { Err(Rejection::NotDue) } else { Ok(()) }
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "it did not say why".to_owned())
}
