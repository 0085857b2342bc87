//! Requests a run, and sees it through: by the process that does such work, or here.

use std::time::Duration;

use strongroom_audit::{JobBook, does_jobs};
use strongroom_bus::{Settle, Stage as _, StageContext, Task};
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_jobs::{JobStage, request_run};
use strongroom_model::event::JobWork;
use strongroom_model::fold::fold;
use strongroom_model::job::{Job, JobRun};
use strongroom_model::{
    Actor, FailureKind, HostName, JobName, JobRunId, Recorded, StageName, StreamName, Version, next_step,
};
use strongroom_service::actor::{actor, person};
use strongroom_service::{Clock, Config};
use tokio_util::sync::CancellationToken;

use super::{keeper, parts};
use crate::cli_error::CliError;
use crate::process::wire;
use crate::site;

const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// A job that is defined, and its stream's version.
pub(crate) async fn known(log: &EventLog, name: &JobName) -> Result<(Version, Job), CliError> {
    let mut book = JobBook::default();
    book.refresh(log).await?;
    book.get(name).map(|(version, job)| (version, job.clone())).ok_or_else(|| {
        let names: Vec<String> = book.iter().map(|(name, ..)| name.to_string()).collect();
        let known = if names.is_empty() { "none is defined yet".to_owned() } else { names.join(", ") };
        CliError::new(format!("no job is named {name} in the log of this site (known: {known})"))
            .next_step("write it into strongroom.toml as [[job]]; `strongroom config check` reads it")
    })
}

/// Has what the configuration says of this host's jobs recorded, as a process that does jobs would.
pub(crate) async fn record(config: &Config, log: &EventLog, clock: &Clock) -> Result<(), CliError> {
    keeper(config, log, clock).look().await.map_err(|error| {
        CliError::new("jobs cannot be recorded in the log").because(&error).next_step("strongroom doctor")
    })
}

/// Requests a run; the one that is open already is taken instead.
pub(crate) async fn request(
    log: &EventLog,
    clock: &Clock,
    name: &JobName,
    work: JobWork,
) -> Result<JobRunId, CliError> {
    loop {
        let (version, job) = known(log, name).await?;
        if let Some((run, _)) = job.open {
            return Ok(run);
        }
        if job.is_retired {
            return Err(CliError::new(format!("job {name} is retired"))
                .next_step("write it into strongroom.toml again, on the host that is to do it"));
        }
        let host = job.defined.as_ref().map(|defined| defined.host.clone());
        let Some(host) = host else { return Err(CliError::new(format!("job {name} has no definition"))) };
        match request_run(log, clock.now(), &person(), (name, &host, version), work).await {
            Ok(run) => return Ok(run),
            // Somebody else was faster.
            Err(AppendError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Waits until the run has ended. Where no process of the job's host does such work, it is done here.
pub(crate) async fn see_through(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    name: &JobName,
    run: JobRunId,
) -> Result<JobRun, CliError> {
    let stop = CancellationToken::new();
    let parts = parts(config, log, clock, stop);
    let host = config.host();
    let stages = [JobStage::transfer(parts.clone()), JobStage::prove(parts)];
    // What failed before is tried again, once.
    let failures_before = state(log, run).await?.0.failures;
    let mut tried = None;
    loop {
        let (state, history) = state(log, run).await?;
        if state.has_ended() {
            record(config, log, clock).await?;
            return Ok(state);
        }
        // That another process was killed is recorded by whoever finds it, and is no reason not to go on.
        let failure = state.failure.as_ref().filter(|failed| failed.kind != FailureKind::Interrupted);
        if let Some(failed) = failure.filter(|_| state.failures > failures_before) {
            return Err(CliError::new(failed.message.clone()).next_step(format!(
                "{}; the run stays requested, and is tried again by a service, or by the command given again",
                failed.step()
            )));
        }
        let its_host = state.requested.as_ref().map_or(&host, |requested| &requested.host);
        if is_at_work(log, its_host).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        if *its_host != host {
            return Err(CliError::new(format!("job {name} is done on host {its_host}, and this is {host}")).next_step(
                "see that `strongroom transfer` works there; the run is requested, and starts as soon as it does",
            ));
        }
        let Some(trigger) = history.last().cloned() else { return Ok(state) };
        if tried.replace(trigger.version) == Some(trigger.version) {
            // What was done left no event. Either nothing can be recorded, or somebody else is at work.
            if let Some(found) = log.unwritable().and_then(|found| found.borrow().clone()) {
                return Err(site::unwritable(&found, &config.log_path()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let stage =
            stages.iter().find(|stage| next_step(&trigger.event).is_some_and(|next| next.stage == stage.name()));
        match stage {
            Some(stage) => Box::pin(once(config, log, clock, stage, state, trigger)).await,
            None => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

async fn once(config: &Config, log: &EventLog, clock: &Clock, stage: &JobStage, state: JobRun, trigger: Recorded) {
    let context = StageContext {
        log: log.clone(),
        clock: clock.clone(),
        actor: as_stage(stage.name()),
        stage: stage.name(),
        retry: wire::retry(config),
    };
    let task = Task { stream: trigger.stream.clone(), version: trigger.version, state, trigger };
    let settle = Settle::new(context, std::slice::from_ref(&task));
    Box::pin(stage.handle(vec![task], &settle)).await;
    let _ = settle.finish();
}

fn as_stage(stage: StageName) -> Actor {
    actor(stage)
}

pub(crate) async fn state(log: &EventLog, run: JobRunId) -> Result<(JobRun, Vec<Recorded>), CliError> {
    let history = log.stream(&StreamName::jobrun(run)).await?;
    let state = fold::<JobRun>(&history).map_err(|error| {
        CliError::new(format!("run {run} cannot be understood: {error}")).next_step("strongroom log verify")
    })?;
    Ok((state, history))
}

/// Whether a process that is alive does jobs on that host.
async fn is_at_work(log: &EventLog, host: &HostName) -> Result<bool, CliError> {
    Ok(does_jobs(&log.signs().await?, host))
}
