//! A job's state, and a run's.

mod coverage;

use jiff::Timestamp;

pub use self::coverage::Coverage;
use crate::envelope::Recorded;
use crate::event::FailureKind;
use crate::event::{
    Event, Failed, JobDefined, JobOutcome, JobRunEnded, JobRunRequested, JobRunStarted, JobRunTransferred,
    JobRunVerified,
};
use crate::fold::{Fold, IllegalTransition};
use crate::id::JobRunId;

/// A job's state.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Job {
    /// Its newest definition.
    pub defined: Option<JobDefined>,
    /// When it was first defined.
    pub since: Option<Timestamp>,
    /// Whether nothing is expected of it any more.
    pub is_retired: bool,
    /// The run that has not ended, and when it was requested.
    pub open: Option<(JobRunId, Timestamp)>,
    /// Why the open run is to be ended, if it is.
    pub cancel: Option<String>,
    /// The last run that ended, and when.
    pub last: Option<(JobRunEnded, Timestamp)>,
    /// When its last run was requested.
    pub requested_at: Option<Timestamp>,
    /// Whether a run under its definition has copied anything to where it copies to.
    pub has_copied: bool,
}

impl Job {
    fn moved(mut self, recorded: &Recorded) -> Option<Self> {
        match &recorded.event {
            Event::JobDefined(data) => {
                // Other settings may name another place.
                self.has_copied &= self.defined.as_ref().is_some_and(|before| before.digest == data.digest);
                self.defined = Some(data.clone());
                self.since = self.since.or(Some(recorded.time));
                self.is_retired = false;
            }
            _ if self.defined.is_none() => return None,
            Event::JobRetired(_) if !self.is_retired => self.is_retired = true,
            Event::JobRunDue(data) if self.open.is_none() => {
                self.open = Some((data.run, recorded.time));
                self.requested_at = Some(recorded.time);
            }
            // The first reason is the one that the run ends for.
            Event::JobCancelRequested(data) if self.is_open(data.run) => {
                self.cancel.get_or_insert_with(|| data.reason.clone());
            }
            Event::JobRunEnded(data) if self.is_open(data.run) => {
                self.has_copied |= matches!(
                    data.outcome,
                    JobOutcome::Proven | JobOutcome::Copied | JobOutcome::Partial | JobOutcome::Damaged
                );
                self.last = Some((data.clone(), recorded.time));
                self.open = None;
                self.cancel = None;
            }
            _ => return None,
        }
        Some(self)
    }

    fn is_open(&self, run: JobRunId) -> bool {
        self.open.is_some_and(|(open, _)| open == run)
    }
}

impl Fold for Job {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let refusal = self.refuse(&event.event);
        self.moved(event).ok_or(refusal)
    }

    fn describe(&self) -> String {
        match (&self.defined, &self.open) {
            (None, _) => "a job that was not defined",
            (Some(_), _) if self.is_retired => "a retired job",
            (Some(_), None) => "a job without a run in progress",
            (Some(_), Some(_)) => "a job with a run in progress",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        1
    }
}

/// The state of one run of a job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobRun {
    /// The request.
    pub requested: Option<JobRunRequested>,
    /// When it was requested.
    pub requested_at: Option<Timestamp>,
    /// The attempt that is in progress, and since when.
    pub started: Option<(JobRunStarted, Timestamp)>,
    /// What the tool said.
    pub transferred: Option<JobRunTransferred>,
    /// What the proof found.
    pub verified: Option<JobRunVerified>,
    /// Why it was ended, if it was.
    pub cancelled: Option<String>,
    /// The failure not yet overcome.
    pub failure: Option<Failed>,
    /// Consecutive failures.
    pub failures: u32,
    /// When it last changed.
    pub changed_at: Option<Timestamp>,
}

impl JobRun {
    /// Whether nothing more is done for it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.cancelled.is_some()
            || self.verified.is_some()
            || self.transferred.as_ref().is_some_and(|transferred| !transferred.prove)
            || self.failure.as_ref().is_some_and(|failed| failed.retry_at.is_none())
    }

    /// How it ended; `None` while it has not.
    #[must_use]
    pub fn outcome(&self) -> Option<JobOutcome> {
        if !self.has_ended() {
            return None;
        }
        let copied = self.transferred.as_ref();
        Some(if self.cancelled.is_some() {
            JobOutcome::Cancelled
        } else if self.verified.as_ref().is_some_and(|verified| !verified.is_good()) {
            JobOutcome::Damaged
        } else if self.failure.as_ref().is_some_and(|failed| copied.is_none() || failed.kind != FailureKind::NotProven)
        {
            // A copy that could not be read is no better than one that could not be made, until somebody has looked.
            JobOutcome::Failed
        } else if copied.is_some_and(|copied| copied.counts.failed > 0) {
            JobOutcome::Partial
        } else if self.verified.as_ref().is_some_and(JobRunVerified::is_proof) {
            JobOutcome::Proven
        } else {
            JobOutcome::Copied
        })
    }

    fn moved(mut self, recorded: &Recorded) -> Option<Self> {
        match &recorded.event {
            Event::JobRunRequested(data) if self.requested.is_none() => {
                self.requested = Some(data.clone());
                self.requested_at = Some(recorded.time);
            }
            _ if self.requested.is_none() || self.has_ended() => return None,
            Event::JobRunStarted(data) => self.started = Some((data.clone(), recorded.time)),
            Event::JobRunTransferred(data) if self.transferred.is_none() => {
                self.transferred = Some(data.clone());
                self.succeeded();
            }
            Event::JobRunVerified(data) => {
                self.verified = Some(data.clone());
                self.succeeded();
            }
            Event::JobRunCancelled(data) => self.cancelled = Some(data.reason.clone()),
            Event::WorkAttemptFailed(failed) | Event::WorkFailed(failed) => {
                self.failures = self.failures.saturating_add(1);
                self.failure = Some(failed.clone());
                self.started = None;
            }
            Event::WorkHeld(_) => {}
            _ => return None,
        }
        self.changed_at = Some(recorded.time);
        Some(self)
    }

    fn succeeded(&mut self) {
        self.failure = None;
        self.failures = 0;
        self.started = None;
    }
}

impl Fold for JobRun {
    fn next(self, event: &Recorded) -> Result<Self, IllegalTransition> {
        let refusal = self.refuse(&event.event);
        self.moved(event).ok_or(refusal)
    }

    fn describe(&self) -> String {
        match (&self.requested, self.has_ended(), &self.started) {
            (None, ..) => "a run that was not requested",
            (Some(_), true, _) => "a run that has ended",
            (Some(_), false, Some(_)) => "a run in progress",
            (Some(_), false, None) => "a run that is due",
        }
        .to_owned()
    }

    fn attempt(&self) -> u32 {
        self.failures.saturating_add(1)
    }
}
