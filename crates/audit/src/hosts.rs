//! How the hosts that do jobs stand, worst first.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::fold::fold;
use strongroom_model::host::Host;
use strongroom_model::presence;
use strongroom_model::text::shown_to_the_minute;
use strongroom_model::{AlarmKind, HostName, StreamName, SubjectKind};

use crate::jobs::{JobEntry, JobState};

/// Hosts that a site has, at most.
const MAX_HOSTS: usize = 1024;

/// A host that is expected to do jobs, as its signs of life have it.
#[derive(Debug, Clone)]
pub struct HostSeen {
    /// Its name.
    pub name: HostName,
    /// How long ago a process that runs its jobs gave a sign of life; `None`: longer than signs are kept.
    pub silent_for: Option<SignedDuration>,
    /// Since when it is expected to be there.
    pub since: Timestamp,
}

impl HostSeen {
    /// How long nothing was heard of it.
    #[must_use]
    pub fn silence(&self, now: Timestamp) -> Duration {
        let silent = self.silent_for.unwrap_or_else(|| now.duration_since(self.since));
        Duration::try_from(silent).unwrap_or_default()
    }

    /// Since when nothing was heard of it, for a person.
    #[must_use]
    pub fn sentence(&self, now: Timestamp, zone: &TimeZone) -> String {
        let heard_at = self.silent_for.and_then(|age| now.checked_sub(age).ok());
        let since = heard_at.map_or_else(
            || "for as long as signs of life are kept".to_owned(),
            |at| format!("since {}", shown_to_the_minute(at, zone)),
        );
        format!("host {} was not heard from {since}", self.name)
    }
}

/// The hosts that did not retire and that `is_expected` names. One whose jobs have no schedule is not waited for.
///
/// # Errors
/// The log cannot be read.
pub async fn hosts_seen(
    log: &EventLog,
    is_expected: impl Fn(&HostName) -> bool + Send,
) -> Result<Vec<HostSeen>, LogError> {
    let heads = log.newest(SubjectKind::Host, MAX_HOSTS).await?;
    let streams: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let histories = log.readable_streams(&streams).await?;
    let signs = log.signs().await?;
    let mut seen = Vec::new();
    for (stream, history) in histories {
        let (Ok(name), Ok(host)) = (stream.id().parse::<HostName>(), fold::<Host>(&history)) else { continue };
        let is_there = host.joined.is_some() && !host.is_retired && is_expected(&name);
        let Some(last) = history.last().filter(|_| is_there) else { continue };
        // By who runs its jobs: another process of the same machine does none of them.
        let runs_its_jobs = |seen: &&presence::Seen| seen.job_worker_of(&name).is_some() && !seen.sign.has_ended;
        let silent_for = signs.iter().filter(runs_its_jobs).map(|seen| seen.age.abs()).min();
        seen.push(HostSeen { name, silent_for, since: last.time });
    }
    seen.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(seen)
}

/// How a host stands; the worst is listed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// Nothing was heard of it for too long.
    Silent,
    /// It gave a sign of life lately, or has not been expected for long enough to be missed.
    OnTime,
}

impl HostState {
    /// Its label.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::OnTime => "on time",
        }
    }
}

/// A host that does jobs, for people and programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HostEntry {
    /// Its name.
    pub name: HostName,
    /// How it stands.
    pub state: HostState,
    /// One sentence for a client.
    pub sentence: String,
    /// The jobs that it does.
    pub jobs: u64,
    /// What a person does, if one is needed.
    pub next_step: Option<String>,
}

impl HostEntry {
    /// An entry; `silence` says since when nothing was heard of the host, if that is too long.
    #[must_use]
    pub fn new(name: HostName, jobs: u64, silence: Option<String>) -> Self {
        let state = if silence.is_some() { HostState::Silent } else { HostState::OnTime };
        Self {
            state,
            next_step: silence.is_some().then(|| AlarmKind::HostSilent.step().to_owned()),
            sentence: silence
                .unwrap_or_else(|| format!("host {name} does {jobs} {}", if jobs == 1 { "job" } else { "jobs" })),
            name,
            jobs,
        }
    }
}

/// How many jobs each host does.
#[must_use]
pub fn jobs_by_host(jobs: &[JobEntry]) -> BTreeMap<HostName, u64> {
    let mut by_host = BTreeMap::new();
    for host in jobs.iter().filter(|job| job.state != JobState::Retired).filter_map(|job| job.host.clone()) {
        *by_host.entry(host).or_default() += 1;
    }
    by_host
}

/// The hosts of jobs with a schedule, the silent ones first. A host may be silent for `silent_after`.
///
/// # Errors
/// The log cannot be read.
pub async fn hosts(
    log: &EventLog,
    jobs: &[JobEntry],
    now: Timestamp,
    silent_after: Duration,
    zone: &TimeZone,
) -> Result<Vec<HostEntry>, LogError> {
    let by_host = jobs_by_host(jobs);
    let is_due = |job: &JobEntry| job.next_due.is_some() || job.overdue_since.is_some();
    let is_expected = |name: &HostName| jobs.iter().any(|job| is_due(job) && job.host.as_ref() == Some(name));
    let seen = hosts_seen(log, is_expected).await?;
    let entry = |host: &HostSeen| {
        let silence = (host.silence(now) > silent_after).then(|| host.sentence(now, zone));
        HostEntry::new(host.name.clone(), by_host.get(&host.name).copied().unwrap_or_default(), silence)
    };
    let mut entries: Vec<HostEntry> = seen.iter().map(entry).collect();
    entries.sort_by(|one, other| one.state.cmp(&other.state).then_with(|| one.name.cmp(&other.name)));
    Ok(entries)
}
