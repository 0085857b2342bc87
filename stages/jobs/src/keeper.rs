//! Defines jobs, requests runs that are due, and ends them in the job's stream.
//!
//! One keeper works on each host. Two, or one that was killed at any line, do no harm: each append names the version
//! that it expects of the job's stream, and whoever loses looks again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use strongroom_audit::JobBook;
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::event::{
    HostJoined, JobDefined, JobDetail, JobRetired, JobRunDue, JobRunRequested, JobTrigger, JobWork,
};
use strongroom_model::fold::fold;
use strongroom_model::host::Host;
use strongroom_model::job::{Job, JobRun};
use strongroom_model::text::with_causes;
use strongroom_model::{Actor, Event, Expected, HostName, JobName, JobRunId, NewEvent, StreamName, Version};
use strongroom_plugin::Environment;
use strongroom_plugin::host::{detail_of, remove_old_workdirs};
use strongroom_plugin::protocol::Operation;
use strongroom_service::{Clock, JobTiming, blocking, kill_point, process_tree};

use crate::ending::ending;
use crate::old_logs::prune;
use crate::operation::{operation_log, recorded};
use crate::settings::JobSettings;
use crate::target::Target;

/// How soon something that fell due by the clock is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How soon it looks again while the log grows.
const MIN_PAUSE: Duration = Duration::from_millis(200);

/// Where plugins work, beside the jobs' folders.
pub(crate) const WORK: &str = "work";
/// How long a failed run's working directory is kept: no run takes as long.
const KEEP_WORK: Duration = Duration::from_secs(30 * 86_400);
/// How often old logs are looked for.
const PRUNE_EVERY: SignedDuration = SignedDuration::from_hours(6);

/// Why the keeper's look did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] LogError),
    /// The log cannot be written.
    #[error("the log cannot be written")]
    Append(#[from] AppendError),
}

/// Defines jobs, requests runs that are due, and ends them in the job's stream.
#[derive(Debug)]
pub struct JobKeeper {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    host: HostName,
    zone: String,
    jobs: BTreeMap<JobName, JobSettings>,
    environment: Environment,
    book: JobBook,
    has_joined: bool,
    logs: KeptLogs,
    pruned_at: Option<Timestamp>,
}

/// Where the tools' own logs are, and how long they are kept.
#[derive(Debug, Clone)]
pub struct KeptLogs {
    /// The folder that has one for each job.
    pub folder: PathBuf,
    /// How long.
    pub keep: Duration,
}

impl JobKeeper {
    /// The keeper of a host's jobs.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "each is named by its type, and there is one caller")]
    pub fn new(
        log: &EventLog,
        clock: &Clock,
        actor: Actor,
        host: HostName,
        zone: String,
        jobs: BTreeMap<JobName, JobSettings>,
        environment: Environment,
        logs: KeptLogs,
    ) -> Self {
        let (log, clock) = (log.clone(), clock.clone());
        Self {
            log,
            clock,
            actor,
            host,
            zone,
            jobs,
            environment,
            book: JobBook::default(),
            has_joined: false,
            logs,
            pruned_at: None,
        }
    }

    /// Looks again and again, for ever. What fails is tried again.
    pub async fn keep(mut self) {
        let mut appended = self.log.appended();
        loop {
            appended.borrow_and_update();
            if let Err(error) = self.look().await {
                tracing::warn!(error = %with_causes(&error), "jobs could not be looked after: trying again");
            }
            tokio::time::sleep(MIN_PAUSE).await;
            let _ = tokio::time::timeout(LOOK_EVERY, appended.changed()).await;
        }
    }

    /// Looks once: at every job of this host.
    ///
    /// # Errors
    /// The log cannot be used; what was appended stays.
    pub async fn look(&mut self) -> Result<(), KeeperError> {
        if !self.has_joined {
            // What a process that is gone left at work would write beside the next run.
            let ended = blocking(process_tree::end_orphans).await;
            if ended > 0 {
                tracing::warn!(processes = ended, "ended what jobs' tools of a dead process had left running");
            }
            self.join().await?;
            self.has_joined = true;
        }
        self.book.refresh(&self.log).await?;
        for settings in self.jobs.values() {
            let known = self.book.get(&settings.name).map(|(version, job)| (version, job.clone()));
            self.look_at(settings, known).await?;
        }
        self.retire().await?;
        self.prune().await;
        Ok(())
    }

    /// What cannot be deleted now is deleted another time.
    async fn prune(&mut self) {
        let now = self.clock.now();
        if self.pruned_at.is_some_and(|at| now.duration_since(at) < PRUNE_EVERY) {
            return;
        }
        self.pruned_at = Some(now);
        let (work, before) = (self.logs.folder.join(WORK), SystemTime::from(now).checked_sub(KEEP_WORK));
        if let Some(before) = before {
            // Failed runs' folders; there is none before the first.
            let _ = blocking(move || remove_old_workdirs(&work, before)).await;
        }
        for job in self.jobs.keys() {
            let (folder, keep) = (self.logs.folder.join(job.as_str()), self.logs.keep);
            if let Err(error) = blocking(move || prune(&folder, keep, now)).await {
                tracing::debug!(%job, %error, "a job's old logs could not be deleted");
            }
        }
    }

    async fn look_at(&self, settings: &JobSettings, known: Option<(Version, Job)>) -> Result<(), KeeperError> {
        let Some((version, job)) = known else { return self.define(settings, None).await };
        if job.is_retired || self.is_changed(settings, &job) {
            return self.define(settings, Some((version, &job))).await;
        }
        if let Some((run, _)) = job.open {
            return self.end(settings, version, &job, run).await;
        }
        let Ok(timing) = JobTiming::of(&settings.schedule) else { return Ok(()) };
        let (now, since) = (self.clock.now(), job.since.unwrap_or(Timestamp::MIN));
        let Some(due) = timing.due(job.requested_at, since, now) else { return Ok(()) };
        let work = work(settings, &job, now);
        let request = Request { job: &settings.name, host: &settings.host, work, trigger: JobTrigger::Schedule };
        quietly(request.append(&self.log, now, &self.actor, version, Some(due)).await.map(drop))
    }

    fn is_changed(&self, settings: &JobSettings, job: &Job) -> bool {
        job.defined.as_ref().is_none_or(|defined| defined.digest != settings.digest())
    }

    /// If we stop after this append, the job is defined, and the next look finds it so.
    async fn define(&self, settings: &JobSettings, known: Option<(Version, &Job)>) -> Result<(), KeeperError> {
        let before = known.and_then(|(_, job)| job.defined.as_ref());
        let defined = self.definition(settings, before).await;
        let expected = known.map_or(Expected::New, |(version, _)| Expected::After(version));
        let event = self.event(StreamName::job(&settings.name), expected, Event::JobDefined(defined));
        quietly(self.log.append(vec![event]).await.map(drop))
    }

    /// A program that was accepted stays the accepted one, whatever is there now: a person accepts another. So does the
    /// target, until the configuration names another.
    async fn definition(&self, settings: &JobSettings, before: Option<&JobDefined>) -> JobDefined {
        let accepted = before.filter(|before| before.kind == settings.kind).and_then(|before| before.plugin.clone());
        let plugin = accepted.or_else(|| settings.plugin_digest(&self.environment).ok().flatten());
        let known = settings.target_id.or_else(|| before.and_then(|before| before.target));
        let target = match (known, settings.target.clone()) {
            (Some(known), Some(_)) => Some(known),
            (None, Some(folder)) => blocking(move || Target::of(&folder).ok().map(|target| target.identity.id)).await,
            (_, None) => None,
        };
        settings.definition(plugin, target)
    }

    /// Ends the open run in the job's stream, once it has ended in its own.
    async fn end(&self, settings: &JobSettings, version: Version, job: &Job, run: JobRunId) -> Result<(), KeeperError> {
        let history = self.log.readable_stream(&StreamName::jobrun(run)).await?;
        let Ok(state) = fold::<JobRun>(&history) else { return Ok(()) };
        let Some(mut ended) = ending(run, &state, job.last.as_ref().map(|(last, _)| last)) else { return Ok(()) };
        ended.detail = self.detail(settings, run, &state).await;
        let mut events = Vec::new();
        let stream = StreamName::job(&settings.name);
        let mut expected = Expected::After(version);
        if let Some(defined) = self.completed(settings, job).await {
            events.push(self.event(stream.clone(), expected, Event::JobDefined(defined)));
            expected = Expected::After(expected.next());
        }
        events.push(self.event(stream, expected, Event::JobRunEnded(ended)));
        kill_point!("job.before-end");
        quietly(self.log.append(events).await.map(drop))
    }

    /// The log of an operation that left no event of its own. Whoever changes the file later is found out.
    async fn detail(&self, settings: &JobSettings, run: JobRunId, state: &JobRun) -> Option<JobDetail> {
        if state.failure.is_none() && state.cancelled.is_none() {
            return None;
        }
        let operation = if state.transferred.is_none() { Operation::Run } else { Operation::Verify };
        let path = operation_log(&self.logs.folder, &settings.name, run, operation);
        let found = blocking(move || detail_of(&path)).await;
        let found = found.inspect_err(|error| tracing::warn!(%run, %error, "the log of a failed run cannot be read"));
        // The data folder may be moved.
        let data_dir = self.logs.folder.parent().unwrap_or(&self.logs.folder);
        found.ok().flatten().map(|detail| recorded(data_dir, &detail))
    }

    /// The definition of a job that was defined before its target or its program was there, with what is there now.
    async fn completed(&self, settings: &JobSettings, job: &Job) -> Option<JobDefined> {
        let defined = job.defined.clone()?;
        let lacks_target = defined.target.is_none() && settings.target.is_some();
        let lacks_plugin = defined.plugin.is_none() && settings.is_plugin();
        if !lacks_target && !lacks_plugin {
            return None;
        }
        let completed = self.definition(settings, Some(&defined)).await;
        (completed != defined).then_some(completed)
    }

    /// What this host did and is not configured any more is expected of nobody.
    async fn retire(&self) -> Result<(), KeeperError> {
        for (name, version, job) in self.book.iter() {
            let is_ours = job.defined.as_ref().is_some_and(|defined| defined.host == self.host);
            if !is_ours || job.is_retired || self.jobs.contains_key(name) {
                continue;
            }
            let reason = format!("it is not configured on host {} any more", self.host);
            let retired = Event::JobRetired(JobRetired { reason });
            let event = self.event(StreamName::job(name), Expected::After(version), retired);
            quietly(self.log.append(vec![event]).await.map(drop))?;
        }
        Ok(())
    }

    async fn join(&self) -> Result<(), KeeperError> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        let stream = StreamName::host(&self.host);
        let history = self.log.readable_stream(&stream).await?;
        let joined = HostJoined {
            os: std::env::consts::OS.to_owned(),
            system: strongroom_service::actor::host_name(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            zone: self.zone.clone(),
        };
        let known = fold::<Host>(&history).unwrap_or_default();
        if !known.is_retired && known.joined.as_ref() == Some(&joined) {
            return Ok(());
        }
        let expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
        quietly(self.log.append(vec![self.event(stream, expected, Event::HostJoined(joined))]).await.map(drop))
    }

    fn event(&self, stream: StreamName, expected: Expected, event: Event) -> NewEvent {
        NewEvent::new(stream, expected, self.clock.now(), self.actor.clone(), event)
    }
}

/// A lost race changes nothing: the next look sees what the winner did.
fn quietly(appended: Result<(), AppendError>) -> Result<(), KeeperError> {
    match appended {
        Ok(()) | Err(AppendError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a run at that time proves what it copied.
fn work(settings: &JobSettings, job: &Job, now: Timestamp) -> JobWork {
    let Some(every) = settings.prove_every else { return JobWork::TransferAndProve };
    let proven = job.last.as_ref().and_then(|(last, _)| last.proven_at);
    let is_due = proven.is_none_or(|at| Duration::try_from(now.duration_since(at)).is_ok_and(|age| age >= every));
    if is_due { JobWork::TransferAndProve } else { JobWork::Transfer }
}

struct Request<'a> {
    job: &'a JobName,
    host: &'a HostName,
    work: JobWork,
    trigger: JobTrigger,
}

impl Request<'_> {
    async fn append(
        &self,
        log: &EventLog,
        now: Timestamp,
        actor: &Actor,
        version: Version,
        due: Option<Timestamp>,
    ) -> Result<JobRunId, AppendError> {
        let run = JobRunId::new(now);
        let requested = JobRunRequested {
            due,
            host: self.host.clone(),
            job: self.job.clone(),
            trigger: self.trigger,
            work: self.work,
        };
        let new = |stream, expected, event| NewEvent::new(stream, expected, now, actor.clone(), event);
        let events = vec![
            new(StreamName::jobrun(run), Expected::New, Event::JobRunRequested(requested)),
            new(StreamName::job(self.job), Expected::After(version), Event::JobRunDue(JobRunDue { run })),
        ];
        log.append(events).await.map(|_| run)
    }
}

/// Requests a run as a person. The job must be defined, and have no run in progress: the version says so.
///
/// # Errors
/// Another run was requested first, or the log cannot be written.
pub async fn request_run(
    log: &EventLog,
    now: Timestamp,
    actor: &Actor,
    job: (&JobName, &HostName, Version),
    work: JobWork,
) -> Result<JobRunId, AppendError> {
    let (name, host, version) = job;
    Request { job: name, host, work, trigger: JobTrigger::Person }.append(log, now, actor, version, None).await
}
