//! How jobs stand, worst first.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{Failed, JobCounts, JobOutcome, WholeProof};
use strongroom_model::job::Job;
use strongroom_model::text::shown_to_the_minute;
use strongroom_model::{HostName, JobName, JobRunId};
use strongroom_service::JobTiming;

use crate::job_book::JobBook;
use crate::open_run::{OpenRun, open_runs};

/// How a job stands; the worst is listed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Its copy was read and is not what it should be.
    Damaged,
    /// Its last run failed.
    Failed,
    /// A run did not start when it was due.
    Overdue,
    /// A run fails, and is tried again.
    Retrying,
    /// The last whole proof is too old, or there was none yet.
    Unproven,
    /// Its last run left files out.
    Partial,
    /// Its last run was ended before its time.
    Cancelled,
    /// Copied, as its tool says, and the last whole proof is young enough.
    Copied,
    /// Nothing was expected of it yet.
    Waiting,
    /// Copied, and the copy was read.
    Proven,
    /// It is not done any more.
    Retired,
}

impl JobState {
    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Failed => "failed",
            Self::Overdue => "overdue",
            Self::Retrying => "retrying",
            Self::Unproven => "not proven",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Copied => "copied",
            Self::Waiting => "waiting",
            Self::Proven => "proven",
            Self::Retired => "retired",
        }
    }

    /// Whether nothing is known to be wrong, though there is no current proof.
    #[must_use]
    pub const fn is_amber(self) -> bool {
        matches!(self, Self::Copied | Self::Waiting | Self::Cancelled)
    }

    /// Whether a person should look.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::Damaged | Self::Failed | Self::Overdue | Self::Retrying | Self::Unproven | Self::Partial)
    }
}

/// A job, for people and programs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobEntry {
    /// Its name.
    pub name: JobName,
    /// How it stands.
    pub state: JobState,
    /// One sentence for a client.
    pub sentence: String,
    /// Its kind.
    pub kind: Option<String>,
    /// The host that does it.
    pub host: Option<HostName>,
    /// The run that has not ended.
    pub open_run: Option<JobRunId>,
    /// What it does, in one sentence.
    pub progress: Option<String>,
    /// The run that ended last.
    pub last_run: Option<JobRunId>,
    /// When it ended.
    pub last_ended_at: Option<Timestamp>,
    /// Its counts.
    pub counts: Option<JobCounts>,
    /// The last whole proof.
    pub proof: Option<WholeProof>,
    /// How old it may be.
    #[serde(rename = "max_age_s", serialize_with = "in_seconds")]
    pub max_age: Option<Duration>,
    /// When the next run is due.
    pub next_due: Option<Timestamp>,
    /// Since when a run is overdue.
    pub overdue_since: Option<Timestamp>,
    /// What a person does, if one is needed.
    pub next_step: Option<String>,
}

#[expect(clippy::ref_option, reason = "serde hands the field")]
fn in_seconds<S: serde::Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs()).serialize(to)
}

/// All jobs, the worst first. A run may start `grace` after its time.
///
/// # Errors
/// The log cannot be read.
pub async fn jobs(log: &EventLog, now: Timestamp, grace: Duration, zone: &TimeZone) -> Result<Vec<JobEntry>, LogError> {
    let mut book = JobBook::default();
    book.refresh(log).await?;
    let open = open_runs(log, &book).await?;
    let entry = |(name, _, job): (&JobName, _, &Job)| job_entry(name, job, open.get(name), now, grace, zone);
    let mut entries: Vec<JobEntry> = book.iter().map(entry).collect();
    entries.sort_by(|one, other| one.state.cmp(&other.state).then_with(|| one.name.cmp(&other.name)));
    Ok(entries)
}

/// How one job stands; `open`: its run in progress. Times in its sentences are in `zone`.
#[must_use]
pub fn job_entry(
    name: &JobName,
    job: &Job,
    open: Option<&OpenRun>,
    now: Timestamp,
    grace: Duration,
    zone: &TimeZone,
) -> JobEntry {
    let failure = open.and_then(|open| open.state.failure.as_ref());
    let defined = job.defined.as_ref();
    let timing = defined.and_then(|defined| JobTiming::of(&defined.schedule).ok()).filter(|_| !job.is_retired);
    let since = job.since.unwrap_or(now);
    let overdue_since = timing
        .as_ref()
        .filter(|_| job.open.is_none())
        .and_then(|timing| timing.overdue(job.requested_at, since, now, grace));
    let last = job.last.as_ref();
    let state = state(job, failure, now, overdue_since);
    JobEntry {
        name: name.clone(),
        state,
        sentence: sentence(job, state, failure, overdue_since, now, zone),
        kind: defined.map(|defined| defined.kind.clone()),
        host: defined.map(|defined| defined.host.clone()),
        open_run: job.open.map(|(run, _)| run),
        progress: open.map(|open| open.sentence(zone)),
        last_run: last.map(|(last, _)| last.run),
        last_ended_at: last.map(|(_, at)| *at),
        counts: last.map(|(last, _)| last.counts),
        proof: last.and_then(|(last, _)| last.proof.clone()),
        max_age: defined.map(|defined| Duration::from_secs(defined.max_age_s)),
        next_due: timing.and_then(|timing| timing.next(job.requested_at, since, now)),
        overdue_since,
        next_step: match failure {
            Some(failed) => Some(failed.step().to_owned()),
            None => last.and_then(|(last, _)| last.next_step.clone()),
        },
    }
}

fn state(job: &Job, failure: Option<&Failed>, now: Timestamp, overdue_since: Option<Timestamp>) -> JobState {
    if job.is_retired {
        return JobState::Retired;
    }
    let Some((last, _)) = &job.last else {
        return if overdue_since.is_some() {
            JobState::Overdue
        } else if failure.is_some() {
            JobState::Retrying
        } else if is_unproven(job, now) {
            JobState::Unproven
        } else {
            JobState::Waiting
        };
    };
    if last.damaged_since.is_some() {
        return JobState::Damaged;
    }
    match last.outcome {
        JobOutcome::Damaged => JobState::Damaged,
        JobOutcome::Failed => JobState::Failed,
        _ if overdue_since.is_some() => JobState::Overdue,
        _ if failure.is_some() => JobState::Retrying,
        _ if is_unproven(job, now) => JobState::Unproven,
        JobOutcome::Partial => JobState::Partial,
        JobOutcome::Cancelled => JobState::Cancelled,
        JobOutcome::Copied => JobState::Copied,
        JobOutcome::Proven => JobState::Proven,
    }
}

/// Whether the last whole proof is older than the job allows. A kind that proves nothing misses no proof: such a job is
/// never more than copied.
#[must_use]
pub fn is_unproven(job: &Job, now: Timestamp) -> bool {
    let Some(defined) = &job.defined else { return false };
    if job.last.as_ref().is_some_and(|(last, _)| last.proves_nothing) {
        return false;
    }
    let proof = job.last.as_ref().and_then(|(last, _)| last.proof.as_ref()).map(|proof| proof.since);
    let Some(from) = proof.or(job.since) else { return false };
    age(from, now) > Duration::from_secs(defined.max_age_s)
}

fn age(from: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(from)).unwrap_or_default()
}

fn sentence(
    job: &Job,
    state: JobState,
    failure: Option<&Failed>,
    overdue_since: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> String {
    let at = |at: Timestamp| shown_to_the_minute(at, zone);
    let last = job.last.as_ref().map(|(last, ended)| (last.sentence.as_str(), at(*ended)));
    let proof = job.last.as_ref().and_then(|(last, _)| last.proof.as_ref());
    let proven = proof.map_or_else(
        || "the whole copy was never proven".to_owned(),
        |proof| format!("every file was last read since {}", at(proof.since)),
    );
    let allowed = job.defined.as_ref().map_or_else(String::new, |defined| {
        format!(" (allowed: {})", strongroom_service::config::Period::from(Duration::from_secs(defined.max_age_s)))
    });
    match (state, last) {
        (JobState::Retired, _) => "It is not done any more.".to_owned(),
        (JobState::Overdue, _) => {
            let since = overdue_since.map_or_else(String::new, |since| format!(" since {}", at(since)));
            format!("A run is overdue{since}; {proven}.")
        }
        (JobState::Retrying, _) => {
            let why = failure.map_or_else(String::new, |failed| format!(": {}", failed.message));
            format!("Its run fails and is tried again{why} ({proven}).")
        }
        (JobState::Unproven, None) => format!("Nothing was copied yet; {proven}{allowed}."),
        (JobState::Unproven, Some((said, ended))) => {
            let days = proof.map_or(0, |proof| age(proof.since, now).as_secs() / 86_400);
            let ago = if days > 0 { format!(" {days} days ago") } else { String::new() };
            format!("Copied, but not proven: {proven}{ago}{allowed}. At {ended}: {said}")
        }
        (_, None) => "No run has ended yet.".to_owned(),
        (_, Some((said, ended))) => format!("At {ended}: {said}"),
    }
}
