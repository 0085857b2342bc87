//! Runs of jobs that have not ended, and what each does.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::JobWork;
use strongroom_model::fold::fold;
use strongroom_model::job::{Job, JobRun};
use strongroom_model::presence::{PartState, Seen};
use strongroom_model::text::{shown_to_the_minute, with_full_stop};
use strongroom_model::{HostName, JobName, StreamName};

use crate::job_book::JobBook;

/// A run that has not ended.
#[derive(Debug, Clone)]
pub struct OpenRun {
    /// Its state.
    pub state: JobRun,
    /// Why it is to be ended, if it is.
    pub cancel: Option<String>,
    /// Whether a service that does jobs gives signs of life on the run's host; `None`: unknown, or of no account.
    pub is_served: Option<bool>,
}

impl OpenRun {
    fn of(state: JobRun, job: &Job, signs: &[Seen]) -> Self {
        let is_served = state.requested.as_ref().map(|requested| does_jobs(signs, &requested.host));
        Self { state, cancel: job.cancel.clone(), is_served }
    }

    /// What it does, for a person.
    #[must_use]
    pub fn sentence(&self, zone: &TimeZone) -> String {
        let run = &self.state;
        let at = |at: Option<_>| at.map_or_else(String::new, |at| format!(" since {}", shown_to_the_minute(at, zone)));
        let host = run.requested.as_ref().map_or_else(String::new, |requested| format!(" on host {}", requested.host));
        if let Some(reason) = &self.cancel {
            return format!("A run is being cancelled{host}: {}", with_full_stop(reason));
        }
        let proves_only = run.requested.as_ref().is_some_and(|requested| requested.work == JobWork::Prove);
        let (what, is_begun) = match (&run.started, &run.transferred) {
            _ if run.failure.is_some() => {
                let again = run.failure.as_ref().and_then(|failed| failed.retry_at);
                let again = again.map_or_else(String::new, |at| format!(" at {}", shown_to_the_minute(at, zone)));
                (format!("A run is tried again{again}{host}"), false)
            }
            (Some((_, since)), None) => (format!("A run has been copying{host}{}", at(Some(*since))), true),
            (_, Some(_)) => {
                (format!("A run has copied, and its copy is being proven{host}{}", at(run.changed_at)), true)
            }
            (None, None) if proves_only => {
                (format!("A run that only proves the copy is requested{host}{}", at(run.requested_at)), false)
            }
            (None, None) => (format!("A run is requested{host}{}", at(run.requested_at)), false),
        };
        match (self.is_served, is_begun) {
            (Some(false), true) => format!(
                "{what}; no service does jobs there, so unless `strongroom job run` is at work, it was interrupted: the \
                 same command finishes it."
            ),
            (Some(false), false) => {
                format!("{what}; no service does jobs there: start one, or give `strongroom job run`.")
            }
            _ => format!("{what}."),
        }
    }
}

/// A job's run that has not ended.
///
/// # Errors
/// The log cannot be read.
pub async fn open_run(log: &EventLog, job: &Job) -> Result<Option<OpenRun>, LogError> {
    let Some((run, _)) = job.open else { return Ok(None) };
    let history = log.readable_stream(&StreamName::jobrun(run)).await?;
    let signs = log.signs().await?;
    Ok(fold::<JobRun>(&history).ok().map(|state| OpenRun::of(state, job, &signs)))
}

/// The runs that have not ended.
///
/// # Errors
/// The log cannot be read.
pub async fn open_runs(log: &EventLog, book: &JobBook) -> Result<BTreeMap<JobName, OpenRun>, LogError> {
    let open: Vec<(&JobName, StreamName, &Job)> =
        book.iter().filter_map(|(name, _, job)| Some((name, StreamName::jobrun(job.open?.0), job))).collect();
    if open.is_empty() {
        return Ok(BTreeMap::new());
    }
    let streams: Vec<StreamName> = open.iter().map(|(_, stream, _)| stream.clone()).collect();
    let histories = log.readable_streams(&streams).await?;
    let signs = log.signs().await?;
    let run = |(name, stream, job): (&JobName, StreamName, &Job)| {
        let state = fold::<JobRun>(histories.get(&stream)?).ok()?;
        Some((name.clone(), OpenRun::of(state, job, &signs)))
    };
    Ok(open.into_iter().filter_map(run).collect())
}

/// Whether a process that is alive does jobs on that host.
#[must_use]
pub fn does_jobs(signs: &[Seen], host: &HostName) -> bool {
    let does = |seen: &Seen| seen.job_worker_of(host).is_some_and(|part| part.state == PartState::Working);
    signs.iter().any(|seen| seen.is_alive() && does(seen))
}
