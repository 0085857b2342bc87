//! What is seen of jobs, hosts and drives.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use strongroom_audit::{HostSeen, JobBook, hosts_seen, open_runs};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::custody::{Custody, Ended};
use strongroom_model::drive_state::{DriveState, Whereabouts};
use strongroom_model::event::{Act, Failed, JobDefined, Selection};
use strongroom_model::fold::fold;
use strongroom_model::job::Job;
use strongroom_model::{DriveId, HostName, JobName, StreamName, SubjectKind};

/// Acts on drives that are looked through, newest first.
const MAX_ACTS: usize = 500;

/// A job.
#[derive(Debug, Clone)]
pub struct JobSeen {
    /// Its name.
    pub name: JobName,
    /// Its state.
    pub job: Job,
    /// The failure of the run in progress that is not yet overcome.
    pub failure: Option<Failed>,
}

/// A drive that is here, or should be.
#[derive(Debug, Clone)]
pub struct DriveSeen {
    /// Its identity.
    pub id: DriveId,
    /// What people call it.
    pub label: Option<String>,
    /// When all of it was last read back; before the first time, when it was set up.
    pub read_at: Timestamp,
}

/// What is seen at one time.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Jobs that are done.
    pub jobs: Vec<JobSeen>,
    /// Hosts that have jobs.
    pub hosts: Vec<HostSeen>,
    /// Drives whose copies count.
    pub drives: Vec<DriveSeen>,
}

impl Seen {
    /// Looks.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn look(log: &EventLog, book: &mut JobBook) -> Result<Self, LogError> {
        book.refresh(log).await?;
        let jobs = jobs(log, book).await?;
        Ok(Self { hosts: hosts(log, &jobs).await?, drives: drives(log).await?, jobs })
    }
}

async fn jobs(log: &EventLog, book: &JobBook) -> Result<Vec<JobSeen>, LogError> {
    let is_done = |job: &Job| !job.is_retired && job.defined.is_some();
    let mut seen: Vec<JobSeen> = book
        .iter()
        .filter(|(.., job)| is_done(job))
        .map(|(name, _, job)| JobSeen { name: name.clone(), job: job.clone(), failure: None })
        .collect();
    let mut open = open_runs(log, book).await?;
    for one in &mut seen {
        one.failure = open.remove(&one.name).and_then(|open| open.state.failure);
    }
    Ok(seen)
}

/// Runs of the others start only by request.
const fn is_scheduled(defined: &JobDefined) -> bool {
    defined.schedule.cron.is_some() || defined.schedule.every_s.is_some()
}

async fn hosts(log: &EventLog, jobs: &[JobSeen]) -> Result<Vec<HostSeen>, LogError> {
    let hosts: BTreeSet<&HostName> = jobs
        .iter()
        .filter_map(|one| one.job.defined.as_ref())
        .filter(|defined| is_scheduled(defined))
        .map(|defined| &defined.host)
        .collect();
    hosts_seen(log, |name| hosts.contains(name)).await
}

async fn drives(log: &EventLog) -> Result<Vec<DriveSeen>, LogError> {
    let acts: Vec<StreamName> =
        log.newest(SubjectKind::Custody, MAX_ACTS).await?.into_iter().map(|head| head.stream).collect();
    let mut read_at: BTreeMap<DriveId, Timestamp> = BTreeMap::new();
    for history in log.readable_streams(&acts).await?.values() {
        let Ok(act) = fold::<Custody>(history) else { continue };
        let is_whole = |act: &Act| matches!(act, Act::Verify { which: Selection::All, .. });
        let (Some(requested), Some(Ended::Finished), Some(at)) = (&act.requested, &act.ended, act.changed_at) else {
            continue;
        };
        if is_whole(&requested.act) {
            let newest = read_at.entry(requested.act.drive().drive).or_insert(at);
            *newest = (*newest).max(at);
        }
    }
    let mut seen = Vec::new();
    for (id, state) in strongroom_audit::known_drives(log).await? {
        if !is_expected(&state) {
            continue;
        }
        let Some(read_at) = read_at.get(&id).copied().or(state.known_since) else { continue };
        seen.push(DriveSeen { id, label: state.label.clone(), read_at });
    }
    Ok(seen)
}

/// A drive that was handed over is with somebody else, and comes back when it does.
fn is_expected(state: &DriveState) -> bool {
    matches!(state.whereabouts, Whereabouts::Here | Whereabouts::Returned(_))
}
