//! The settling of one batch, without its state's type: see [`Settle`](crate::Settle).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::join_all;
use jiff::Timestamp;
use strongroom_eventlog::AppendError;
use strongroom_model::event::{AlarmRaised, Failed, Held};
use strongroom_model::text::{printable, with_causes};
use strongroom_model::{
    ByteCount, Event, Expected, Failure, FailureKind, Fate, IllegalTransition, NewEvent, Position, Recorded,
    StreamName, Version,
};
use strongroom_service::kill_point;
use tokio::sync::RwLock;

use crate::alarms::AlarmError;
use crate::context::{StageContext, new_event};
use crate::erased::AnyTask;
use crate::progress::Progress;
use crate::settle::{BatchOutcome, TaskEnd};
use crate::stage::{Done, Task, TaskOutcome};

/// A failure's message is for a person, and part of it may come from outside.
const MESSAGE_CHARS: usize = 500;

#[derive(Debug, Clone)]
pub(crate) struct Settling {
    context: Arc<StageContext>,
    progress: Arc<Progress>,
    batch: Arc<Mutex<BatchTasks>>,
    /// Shared by those who settle, exclusive while leases are appended: both expect the same version, and one would
    /// lose.
    turn: Arc<RwLock<()>>,
}

#[derive(Debug, Default)]
struct BatchTasks {
    open: HashMap<StreamName, OpenTask>,
    ended: HashMap<StreamName, TaskEnd>,
    obstacle: Option<AlarmRaised>,
}

#[derive(Debug)]
struct OpenTask {
    /// Moves on when the task gets a lease.
    version: Version,
    trigger: Recorded,
}

struct Refused(String);

impl Settling {
    pub(crate) fn new<S>(context: Arc<StageContext>, progress: Arc<Progress>, tasks: &[Task<S>]) -> Self {
        let open = |task: &Task<S>| OpenTask { version: task.version, trigger: task.trigger.clone() };
        let open = tasks.iter().map(|task| (task.stream.clone(), open(task))).collect();
        let batch = BatchTasks { open, ..BatchTasks::default() };
        Self { context, progress, batch: Arc::new(Mutex::new(batch)), turn: Arc::default() }
    }

    pub(crate) async fn one(&self, mut task: AnyTask, outcome: TaskOutcome) {
        let _turn = self.turn.read().await;
        match self.version(&task.stream) {
            Some(version) => task.version = version,
            // Another worker has taken it over, or it was settled before.
            None => return self.progress.count(TaskEnd::Duplicate),
        }
        let written = match outcome {
            TaskOutcome::Done(done) => self.write(&task, done, TaskEnd::Done).await,
            TaskOutcome::Failed(failure) => self.fail(&task, failure).await,
            TaskOutcome::Obstructed(obstacle) => {
                self.batch().obstacle.get_or_insert(obstacle);
                Ok(TaskEnd::Unsettled)
            }
            TaskOutcome::Superseded => Ok(TaskEnd::NothingToDo),
        };
        let end = match written {
            Ok(end) => end,
            Err(Refused(reason)) => {
                let message = format!("the {} stage's result cannot be recorded: {reason}", self.context.stage);
                let failure = Failure::new(FailureKind::Internal, message, Fate::Retry);
                self.fail(&task, failure).await.unwrap_or_else(|Refused(reason)| {
                    tracing::error!(stage = %self.context.stage, stream = %task.stream, reason,
                        "a task's failure cannot be recorded: the subject stays pending; report this");
                    TaskEnd::NothingToDo
                })
            }
        };
        // The stage may settle it once more.
        if end != TaskEnd::Unsettled {
            self.progress.count(end);
            let mut batch = self.batch();
            batch.open.remove(&task.stream);
            batch.ended.insert(task.stream, end);
        }
    }

    pub(crate) fn finish(self) -> BatchOutcome {
        let batch = std::mem::take(&mut *self.batch());
        let BatchTasks { open, mut ended, obstacle } = batch;
        ended.extend(open.into_keys().map(|stream| (stream, TaskEnd::Unsettled)));
        BatchOutcome { ends: ended, obstacle }
    }

    pub(crate) fn is_obstructed(&self) -> bool {
        self.batch().obstacle.is_some()
    }

    pub(crate) fn is_open(&self, stream: &StreamName) -> bool {
        self.batch().open.contains_key(stream)
    }

    fn version(&self, stream: &StreamName) -> Option<Version> {
        self.batch().open.get(stream).map(|open| open.version)
    }

    /// Appends a lease for each open task. Returns the streams' last positions; what another worker has taken over is
    /// dropped.
    pub(crate) async fn append_leases(&self, until: Timestamp) -> Vec<(StreamName, Position)> {
        let _turn = self.turn.write().await;
        let open: Vec<_> = (self.batch().open.iter())
            .map(|(stream, open)| (stream.clone(), open.version, open.trigger.clone()))
            .collect();
        let leases =
            open.into_iter().map(|(stream, version, trigger)| self.append_lease(stream, version, trigger, until));
        join_all(leases).await.into_iter().flatten().collect()
    }

    async fn append_lease(
        &self,
        stream: StreamName,
        version: Version,
        trigger: Recorded,
        until: Timestamp,
    ) -> Option<(StreamName, Position)> {
        let Some(event) = Event::held(stream.kind(), Held { stage: self.context.stage, until }) else {
            return Some((stream, trigger.position));
        };
        let who = (&self.context.clock, &self.context.actor);
        let event = new_event(who, stream.clone(), Expected::After(version), event, Some(&trigger));
        match self.context.log.append(vec![event]).await {
            Ok(recorded) => {
                kill_point!("hold.after-append");
                let lease = recorded.last()?;
                self.batch().open.get_mut(&stream)?.version = lease.version;
                Some((stream, lease.position))
            }
            Err(AppendError::Conflict { .. }) => {
                tracing::info!(stage = %self.context.stage, %stream, "another worker has taken a task over: it is dropped here");
                let mut batch = self.batch();
                batch.open.remove(&stream);
                batch.ended.insert(stream.clone(), TaskEnd::Duplicate);
                Some((stream, trigger.position))
            }
            Err(error) => {
                tracing::warn!(stage = %self.context.stage, %stream, error = %with_causes(&error),
                    "a task's lease was not appended to the log: trying again when it is renewed");
                None
            }
        }
    }

    async fn fail(&self, task: &AnyTask, failure: Failure) -> Result<TaskEnd, Refused> {
        let raise = failure.raise.iter().cloned().collect();
        let failed = self.failed(task, failure);
        tracing::warn!(stage = %self.context.stage, stream = %task.stream, kind = failed.kind.code(),
            attempt = failed.attempt, retry_at = ?failed.retry_at, message = failed.message, "task failed");
        let event = Event::failed(task.stream.kind(), failed);
        self.write(task, Done { raise, ..Done::event(event) }, TaskEnd::Failed).await
    }

    fn failed(&self, task: &AnyTask, failure: Failure) -> Failed {
        let attempt = task.state.attempt();
        let delay = self.context.retry.delay(failure.fate, attempt, fastrand::f64());
        Failed {
            stage: self.context.stage,
            kind: failure.kind,
            message: printable(&failure.message, MESSAGE_CHARS),
            attempt,
            // A time beyond the calendar (year 9999): a person must look.
            retry_at: delay.and_then(|delay| self.context.clock.now().checked_add(delay).ok()),
            next_step: failure.next_step.map(|step| printable(&step, MESSAGE_CHARS)),
            digest: failure.digest,
            quarantined: failure.quarantined,
            reached: failure.reached,
        }
    }

    /// Alarms first, then the events.
    ///
    /// If we stop in between, the task is still pending: it is done again, finds its alarms raised or cleared, and
    /// appends. The other way round an alarm could be lost. If we stop after the append, the redelivery finds the
    /// stream moved on.
    async fn write(&self, task: &AnyTask, done: Done, end: TaskEnd) -> Result<TaskEnd, Refused> {
        if let Err(illegal) = self.check(task, &done.events) {
            return Err(Refused(illegal.to_string()));
        }
        if let Err(error) = self.alarm(task, &done).await {
            self.warn_unsettled(&task.stream, &error);
            return Ok(TaskEnd::Unsettled);
        }
        kill_point!("settle.after-alarms");
        let bytes = done.events.iter().map(|event| event.size_bytes().0).sum();
        let events = self.events(task, done);
        if events.is_empty() {
            return Ok(TaskEnd::NothingToDo);
        }
        let appended = self.context.log.append(events).await;
        kill_point!("settle.after-append");
        match appended {
            Ok(_) => {
                self.progress.bytes(ByteCount(bytes));
                Ok(end)
            }
            Err(AppendError::Conflict { stream, .. }) if stream == task.stream => Ok(TaskEnd::Duplicate),
            Err(
                error @ (AppendError::Unusable { .. } | AppendError::TooLarge { .. } | AppendError::DuplicateId(_)),
            ) => Err(Refused(error.to_string())),
            // Another subject moved: its new state must be seen.
            Err(error) => {
                self.warn_unsettled(&task.stream, &error);
                Ok(TaskEnd::Unsettled)
            }
        }
    }

    /// In the log, impossible events would make the subject unreadable for ever.
    fn check(&self, task: &AnyTask, events: &[Event]) -> Result<(), IllegalTransition> {
        let mut last = Recorded { time: self.context.clock.now(), version: task.version, ..task.trigger.clone() };
        let events: Vec<Recorded> = (events.iter())
            .map(|event| {
                last.version = last.version.next();
                last.event = event.clone();
                last.clone()
            })
            .collect();
        task.state.can_follow(&events)
    }

    async fn alarm(&self, task: &AnyTask, done: &Done) -> Result<(), AlarmError> {
        let alarms = self.context.alarms();
        for alarm in &done.raise {
            alarms.raise(alarm, Some(&task.trigger)).await?;
        }
        for (key, message) in &done.clear {
            alarms.clear(key, message, Some(&task.trigger)).await?;
        }
        Ok(())
    }

    fn events(&self, task: &AnyTask, done: Done) -> Vec<NewEvent> {
        let mut expected = Expected::After(task.version);
        let who = (&self.context.clock, &self.context.actor);
        let mut events = Vec::with_capacity(done.events.len() + done.others.len());
        for event in done.events {
            events.push(new_event(who, task.stream.clone(), expected, event, Some(&task.trigger)));
            expected = Expected::After(expected.next());
        }
        events.extend(done.others);
        events
    }

    fn batch(&self) -> MutexGuard<'_, BatchTasks> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn warn_unsettled(&self, stream: &StreamName, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(stage = %self.context.stage, %stream, error,
            "a task's result was not appended to the log: it is delivered again");
    }
}
