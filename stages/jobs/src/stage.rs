//! The stages transfer and prove: each does one operation of a job's plugin.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use strongroom_audit::JobBook;
use strongroom_bus::{Alarms, BatchLimits, Done as Appended, Settle, Stage, Task, TaskOutcome};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{AlarmKey, AlarmRaised, JobRunCancelled, JobRunRequested, JobRunStarted};
use strongroom_model::job::{Job, JobRun};
use strongroom_model::text::with_causes;
use strongroom_model::{
    AlarmKind, Event, Failure, FailureKind, Fate, Fold as _, HostName, JobName, JobRunId, Partition, StageName,
    TargetId,
};
use strongroom_plugin::Notice;
use strongroom_plugin::protocol::Operation;
use strongroom_service::actor::actor;
use strongroom_service::config::Period;
use strongroom_service::{Clock, blocking, kill_point, process_tree};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::judged::{self, Judged};
use crate::operation::{Invocation, Plugins};
use crate::retries;
use crate::run_lock::{JobLock, Tried};
use crate::settings::JobSettings;
use crate::target::Target;

/// How soon a request to end a run is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What both stages work with.
#[derive(Debug)]
pub struct StageParts {
    /// The log.
    pub log: EventLog,
    /// The clock.
    pub clock: Clock,
    /// This host.
    pub host: HostName,
    /// The jobs that this host does.
    pub jobs: BTreeMap<JobName, JobSettings>,
    /// What plugins are started with.
    pub plugins: Plugins,
    /// Jobs that are done at once.
    pub concurrency: usize,
    /// Cancelled when the process is to end: a tool may take hours.
    pub stop: CancellationToken,
}

/// Does one operation of a job's plugin for each delivery.
///
/// A tool may be started twice for one run: kinds are safe to repeat. If we stop while it works, the operating system
/// gives up the job's lock, and the run's trace in the lock's file tells the next delivery that it was interrupted. If
/// we stop after the tool and before the append, the tool is started again, and finds that little is left to do.
#[derive(Debug)]
pub struct JobStage {
    parts: Arc<StageParts>,
    name: StageName,
    book: Mutex<JobBook>,
}

impl JobStage {
    /// The stage that copies.
    #[must_use]
    pub fn transfer(parts: Arc<StageParts>) -> Self {
        Self { parts, name: StageName::Transfer, book: Mutex::default() }
    }

    /// The stage that proves.
    #[must_use]
    pub fn prove(parts: Arc<StageParts>) -> Self {
        Self { parts, name: StageName::Prove, book: Mutex::default() }
    }

    async fn outcome(&self, task: &Task<JobRun>) -> Result<TaskOutcome, LogError> {
        let (Ok(run), Some(requested)) = (task.stream.id().parse::<JobRunId>(), &task.state.requested) else {
            return Ok(TaskOutcome::Superseded);
        };
        let Some(job) = self.job(&requested.job).await? else { return Ok(unknown(&requested.job, &self.parts.host)) };
        if let Some(reason) = job.cancel.clone().filter(|_| job.open.is_some_and(|(open, _)| open == run)) {
            return Ok(cancelled(reason));
        }
        let Some(settings) = self.parts.jobs.get(&requested.job) else {
            return Ok(unknown(&requested.job, &self.parts.host));
        };
        if self.name == StageName::Transfer && task.state.started.is_none() {
            return Ok(self.started(settings, &job));
        }
        let path = self.parts.plugins.folder(&settings.name).join("run.lock");
        let no_folder = |error: &std::io::Error| no_folder(&path, error);
        let attempted = path.clone();
        let lock = match blocking(move || JobLock::attempt(&attempted, run)).await {
            Ok(Tried::Held) => return Ok(TaskOutcome::Superseded),
            Ok(Tried::Interrupted(mut lock)) => {
                let cleared = blocking(move || {
                    let _ = process_tree::end_orphans();
                    lock.ended()
                })
                .await;
                return Ok(cleared.map_or_else(|error| no_folder(&error), |()| interrupted()));
            }
            Ok(Tried::Free(lock)) => lock,
            Err(error) => return Ok(no_folder(&error)),
        };
        Ok(self.operate(run, settings, &job, requested, &task.state, lock).await)
    }

    /// The run is recorded as started before anything is done, so that a reader sees it at work.
    fn started(&self, settings: &JobSettings, job: &Job) -> TaskOutcome {
        let started = JobRunStarted {
            digest: settings.digest(),
            host: self.parts.host.clone(),
            kind: settings.kind.clone(),
            plugin: job.defined.as_ref().and_then(|defined| defined.plugin.clone()),
        };
        TaskOutcome::Done(Appended::event(Event::JobRunStarted(started)))
    }

    async fn operate(
        &self,
        run: JobRunId,
        settings: &JobSettings,
        job: &Job,
        requested: &JobRunRequested,
        state: &JobRun,
        mut lock: JobLock,
    ) -> TaskOutcome {
        if let Err(failure) = recognised(settings, job).await {
            return TaskOutcome::Failed(failure);
        }
        let begun = blocking(move || lock.begin(run).map(|()| lock)).await;
        let mut lock = match begun {
            Ok(lock) => lock,
            Err(error) => return no_folder(&self.parts.plugins.folder(&settings.name), &error),
        };
        kill_point!("job.begun");
        let began_at = self.parts.clock.now();
        let judged = Box::pin(self.run(run, settings, job, requested, state, began_at)).await;
        kill_point!("job.tool-ended");
        // If we stop before this, the run counts as interrupted, and the tool is started again.
        let _ = blocking(move || lock.ended().map(|()| lock)).await;
        match judged {
            Judged::Transferred(copied) => done(Event::JobRunTransferred(*copied)),
            Judged::Verified(found) => done(Event::JobRunVerified(*found)),
            Judged::Cancelled(reason) => cancelled(reason),
            Judged::Failed(failure) => TaskOutcome::Failed(*failure),
        }
    }

    async fn run(
        &self,
        run: JobRunId,
        settings: &JobSettings,
        job: &Job,
        requested: &JobRunRequested,
        state: &JobRun,
        began_at: Timestamp,
    ) -> Judged {
        let is_transfer = self.name == StageName::Transfer;
        let own = state.transferred.as_ref().and_then(|copied| copied.state.as_deref());
        let invocation = Invocation {
            operation: if is_transfer { Operation::Run } else { Operation::Verify },
            run: Some(run),
            state: own.or_else(|| job.last.as_ref().and_then(|(last, _)| last.state.as_deref())),
            accepted: job.defined.as_ref().and_then(|defined| defined.plugin.as_ref()),
        };
        let cancel = CancellationToken::new();
        let (notices, mut noticed_at) = mpsc::unbounded_channel();
        // Progress is many messages; only what is rare is passed on.
        let mut noticed = |notice: Notice| {
            if !matches!(notice, Notice::Progress(_)) {
                let _ = notices.send(notice);
            }
        };
        let operation = self.parts.plugins.run(settings, invocation, &cancel, &mut noticed);
        let mut operation = std::pin::pin!(operation);
        let mut wish = std::pin::pin!(self.wish_to_end(&settings.name, run));
        let mut reason = None;
        let ended = loop {
            tokio::select! {
                ended = &mut operation => break ended,
                Some(notice) = noticed_at.recv() => self.noticed(&settings.name, &notice).await,
                why = &mut wish, if reason.is_none() => {
                    reason = Some(why);
                    cancel.cancel();
                }
            }
        };
        self.over(&settings.name, "the run has ended").await;
        let done = match ended {
            Ok(done) => done,
            Err(error) => return Judged::Failed(Box::new(judged::not_started(&error))),
        };
        let judged = if is_transfer {
            judged::transfer(
                &done,
                &self.parts.host,
                requested.work == strongroom_model::event::JobWork::TransferAndProve,
            )
        } else {
            judged::proof(&done, began_at)
        };
        match (judged, reason) {
            (Judged::Cancelled(_), Some(Wish::Person(reason))) => Judged::Cancelled(reason),
            (Judged::Cancelled(_), Some(Wish::Stop)) => Judged::Failed(Box::new(stopped())),
            (judged, _) => judged,
        }
    }

    /// Resolves when the run is to be ended.
    async fn wish_to_end(&self, name: &JobName, run: JobRunId) -> Wish {
        let mut appended = self.parts.log.appended();
        loop {
            if let Ok(Some(job)) = self.job(name).await
                && let Some(reason) = job.cancel.filter(|_| job.open.is_some_and(|(open, _)| open == run))
            {
                return Wish::Person(reason);
            }
            tokio::select! {
                () = self.parts.stop.cancelled() => return Wish::Stop,
                // Other processes' appends show here only after a while, if nobody else follows the log.
                _ = tokio::time::timeout(LOOK_EVERY, appended.changed()) => {}
            }
        }
    }

    async fn job(&self, name: &JobName) -> Result<Option<Job>, LogError> {
        // Not held over the query; two that refresh at once both get what is right.
        let mut book = self.book.lock().unwrap_or_else(PoisonError::into_inner).clone();
        book.refresh(&self.parts.log).await?;
        let job = book.get(name).map(|(_, job)| job.clone());
        *self.book.lock().unwrap_or_else(PoisonError::into_inner) = book;
        Ok(job)
    }

    async fn noticed(&self, job: &JobName, notice: &Notice) {
        match notice {
            Notice::Progress(_) => {}
            Notice::Resumed => self.over(job, "the tool says something again").await,
            Notice::Stalled(after) => {
                let kind = AlarmKind::JobStalled;
                let alarm = AlarmRaised {
                    kind,
                    message: format!("the tool of job {job} has said nothing for {}", Period::from(*after)),
                    next_step: kind.step().to_owned(),
                    subject: job.to_string(),
                };
                if let Err(error) = self.alarms().raise(&alarm, None).await {
                    tracing::warn!(%job, error = %with_causes(&error), "an alarm about a job could not be raised");
                }
            }
        }
    }

    /// Ends the alarm that the tool says nothing, also one that an earlier process left raised.
    async fn over(&self, job: &JobName, why: &str) {
        let key = AlarmKey::new(AlarmKind::JobStalled, job);
        if let Err(error) = self.alarms().clear(&key, why, None).await {
            tracing::warn!(%job, error = %with_causes(&error), "an alarm about a job could not be ended");
        }
    }

    /// A failure of a run is followed by what the job's own `retry` says. That the process was killed is no failure of the
    /// run: it follows the site's.
    fn in_its_time(&self, task: &Task<JobRun>, outcome: TaskOutcome) -> TaskOutcome {
        let job = task.state.requested.as_ref().and_then(|requested| self.parts.jobs.get(&requested.job));
        match (outcome, job.and_then(|job| job.retry.as_ref())) {
            (TaskOutcome::Failed(mut failure), Some(delays)) if failure.kind != FailureKind::Interrupted => {
                failure.fate = retries::fate(delays, failure.fate, task.state.attempt());
                TaskOutcome::Failed(failure)
            }
            (outcome, _) => outcome,
        }
    }

    fn alarms(&self) -> Alarms {
        Alarms::new(self.parts.log.clone(), self.parts.clock.clone(), actor(self.name))
    }
}

enum Wish {
    Person(String),
    Stop,
}

/// Nothing is written to a folder that is not the job's target (rule R6).
async fn recognised(settings: &JobSettings, job: &Job) -> Result<(), Failure> {
    let Some(folder) = settings.target.clone() else { return Ok(()) };
    let defined: Option<TargetId> = job.defined.as_ref().and_then(|defined| defined.target);
    let expected = settings.target_id.or(defined);
    let has_copied = job.has_copied;
    let found = blocking(move || Target::prepared(&folder, expected, has_copied));
    found.await.map(drop).map_err(|error| judged::no_target(&error))
}

fn done(event: Event) -> TaskOutcome {
    TaskOutcome::Done(Appended::event(event))
}

fn cancelled(reason: String) -> TaskOutcome {
    done(Event::JobRunCancelled(JobRunCancelled { reason }))
}

fn unknown(job: &JobName, host: &HostName) -> TaskOutcome {
    let message = format!("job {job} is not configured on host {host}");
    TaskOutcome::Failed(Failure::new(FailureKind::JobUnknown, message, Fate::Person))
}

fn interrupted() -> TaskOutcome {
    let message = "the process that ran the job ended in the middle of it";
    TaskOutcome::Failed(Failure::new(FailureKind::Interrupted, message, Fate::Retry))
}

fn stopped() -> Failure {
    Failure::new(FailureKind::Interrupted, "the process was stopped in the middle of the run", Fate::Retry)
}

fn no_folder(path: &Path, error: &std::io::Error) -> TaskOutcome {
    let message = format!("{}, in the data folder, cannot be written to: {}", path.display(), with_causes(error));
    let step = "see that the data folder's disk has room and is mounted for writing; it is tried again by itself";
    let failure = Failure::new(FailureKind::Obstructed, message, Fate::RetryForever);
    TaskOutcome::Failed(Failure { next_step: Some(step.to_owned()), ..failure })
}

impl Stage for JobStage {
    type State = JobRun;

    fn name(&self) -> StageName {
        self.name
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 1, batches: self.parts.concurrency }
    }

    /// Never in the way: what is in one job's way is not in another's.
    async fn ready(&self) -> Result<(), AlarmRaised> {
        Ok(())
    }

    fn partition(&self) -> Option<Partition> {
        Some(Partition::from(&self.parts.host))
    }

    async fn handle(&self, tasks: Vec<Task<JobRun>>, settle: &Settle<JobRun>) {
        for task in tasks {
            match Box::pin(self.outcome(&task)).await {
                Ok(outcome) => {
                    let outcome = self.in_its_time(&task, outcome);
                    settle.one(task, outcome).await;
                }
                Err(error) => tracing::warn!(stream = %task.stream, error = %with_causes(&error),
                    "a job's run could not be judged without the log: it is delivered again"),
            }
        }
    }
}
