//! The state of every job, kept up to date by what is new in the log.

use std::collections::BTreeMap;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::fold::fold;
use strongroom_model::job::Job;
use strongroom_model::{Fold as _, JobName, StreamName, SubjectKind, Version};

/// Jobs that a site has, retired ones included.
pub const MAX_JOBS: usize = 4000;
/// Events of one job that are read at once.
const PAGE: usize = 512;

/// The state of every job. A refresh costs one query, and one more for each job that moved.
#[derive(Debug, Clone, Default)]
pub struct JobBook {
    jobs: BTreeMap<JobName, (Version, Job)>,
}

impl JobBook {
    /// Reads what is new.
    ///
    /// # Errors
    /// The log cannot be read. What was read before stays.
    pub async fn refresh(&mut self, log: &EventLog) -> Result<(), LogError> {
        let mut unknown = Vec::new();
        for head in log.newest(SubjectKind::Job, MAX_JOBS).await? {
            let Ok(name) = head.stream.id().parse::<JobName>() else { continue };
            match self.jobs.get(&name) {
                Some((version, _)) if *version == head.version => {}
                Some(_) => self.catch_up(log, &name, head.version).await?,
                None => unknown.push(head.stream),
            }
        }
        for (stream, history) in log.readable_streams(&unknown).await? {
            let (Ok(name), Some(last)) = (stream.id().parse(), history.last()) else { continue };
            if let Ok(job) = fold::<Job>(&history) {
                self.jobs.insert(name, (last.version, job));
            }
        }
        Ok(())
    }

    async fn catch_up(&mut self, log: &EventLog, name: &JobName, to: Version) -> Result<(), LogError> {
        let Some((mut version, mut job)) = self.jobs.remove(name) else { return Ok(()) };
        while version < to {
            let page = log.stream_from(&StreamName::job(name), version.next(), PAGE).await?;
            if page.is_empty() {
                break;
            }
            for stored in &page {
                let Some(recorded) = log.readable(stored) else { return Ok(()) };
                let Ok(next) = job.next(&recorded) else { return Ok(()) };
                (version, job) = (recorded.version, next);
            }
        }
        self.jobs.insert(name.clone(), (version, job));
        Ok(())
    }

    /// A job and its stream's last version.
    #[must_use]
    pub fn get(&self, name: &JobName) -> Option<(Version, &Job)> {
        self.jobs.get(name).map(|(version, job)| (*version, job))
    }

    /// All jobs, by name, with their streams' last versions.
    pub fn iter(&self) -> impl Iterator<Item = (&JobName, Version, &Job)> {
        self.jobs.iter().map(|(name, (version, job))| (name, *version, job))
    }
}
