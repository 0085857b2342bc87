//! A site's status.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError, StageBacklog};
use strongroom_model::presence::Missing;
use strongroom_model::text::printable;
use strongroom_model::{BookingCounts, BookingStatus, DriveId, Position, SiteId, StageName, SubjectKind};
use strongroom_proof::Head;

use crate::alarms::{AlarmEntry, raised_within};
use crate::causes::{Cause, causes, causes_in};
use crate::drives::drives_within;
use crate::hosts::{HostEntry, HostState};
use crate::jobs::JobEntry;
use crate::page::{Horizon, MAX_PAGE, PageRequest, ViewError};
use crate::prefix::Prefix;
use crate::process::Process;
use crate::runs::{RunEntry, RunState, runs_within};
use crate::safety::{Safety, SafetyReason};

/// How often to read again where the log grows meanwhile: a busy site is appended to many times a second.
const MAX_LOOKS: u32 = 5;

const MAX_MAILS: usize = 500;

const SHOWN_RUNS: usize = 5;

const MESSAGE_CHARS: usize = 300;

/// The root of an empty tree (RFC 6962, section 2.1): SHA-256 of nothing, in base64.
const EMPTY_ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// A site's status. Its JSON is what `strongroom status --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The site.
    pub site: SiteId,
    /// The position that was asked for. Unknown is then what only server, drives and processes can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Position>,
    /// Whether all that was signed off is safe.
    pub safety: Safety,
    /// Why not, the weightiest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safety_reasons: Vec<SafetyReason>,
    /// Bookings by status.
    pub bookings: Bookings,
    /// Subjects by kind and status label.
    pub subjects: BTreeMap<&'static str, BTreeMap<String, u64>>,
    /// The work that waits, by stage.
    pub backlog: Vec<StageBacklog>,
    /// The log's head.
    pub log: LogHead,
    /// The configured drive, then others that the log knows.
    pub drives: Vec<DriveState>,
    /// The last run.
    pub last_run: Option<RunEntry>,
    /// Up to four runs before it, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier_runs: Vec<RunEntry>,
    /// Processes that gave a sign of life within a week.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Process>,
    /// What the work needs and no process does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// That a run was due and has not begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<String>,
    /// Why a mail that is retried was not handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// The hosts of jobs with a schedule, the silent ones first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<HostEntry>,
    /// Backup jobs, the worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<JobEntry>,
    /// Why bookings need a person.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Raised alarms, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmEntry>,
    /// That the log is not the one that it was, so that nothing here can be relied on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_problem: Option<LogProblem>,
    /// Why something is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Why a log cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogProblem {
    /// What was found, such as a checkpoint that it does not continue from.
    pub message: String,
    /// What a person does.
    pub next_step: String,
}

/// Bookings by status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bookings {
    /// Bookings that wait on the server for a run; `None`: unknown.
    pub waiting: Option<u64>,
    /// What the log knows.
    #[serde(flatten)]
    pub counts: BookingCounts,
}

/// How far a log goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogHead {
    /// Number of events.
    pub size: u64,
    /// RFC 6962's root, in base64.
    pub root: String,
}

/// The state of a drive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriveState {
    /// Its identity, if known.
    pub id: Option<DriveId>,
    /// Its name for people.
    pub label: Option<String>,
    /// `ready`, `not-attached`, `unknown`, or an alarm's code such as `drive-full`.
    pub state: String,
    /// Free space; `None`: not attached.
    pub free_bytes: Option<u64>,
}

/// What the log does not know.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Bookings that wait on the server for a run; `None`: unknown.
    pub waiting: Option<u64>,
    /// Drives that are or should be attached.
    pub drives: Vec<DriveState>,
    /// Processes of the site that report that they are alive.
    pub processes: Vec<Process>,
    /// What the work needs and no process does.
    pub missing: Vec<Missing>,
    /// That a run was due and has not begun.
    pub overdue: Option<String>,
    /// The hosts of jobs with a schedule, the silent ones first.
    pub hosts: Vec<HostEntry>,
    /// Backup jobs, the worst first.
    pub jobs: Vec<JobEntry>,
    /// Why something is unknown.
    pub notes: Vec<String>,
    /// That the log is not the one that a checkpoint remembers.
    pub log_problem: Option<LogProblem>,
}

struct Totals {
    subjects: BTreeMap<&'static str, BTreeMap<String, u64>>,
    bookings: BookingCounts,
    backlog: Vec<StageBacklog>,
    log: LogHead,
    mail: Option<String>,
    causes: Vec<Cause>,
}

impl Status {
    /// Reads the site's status, again if the log grows meanwhile.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn read(log: &EventLog, observed: Observed) -> Result<Self, LogError> {
        let mut status = Self::read_once(log, observed.clone()).await?;
        for _ in 0..MAX_LOOKS {
            if log.head().await?.size == status.log.size {
                return Ok(status);
            }
            status = Self::read_once(log, observed.clone()).await?;
        }
        status.notes.push("the log moves: some of these numbers are a moment older than others".to_owned());
        Ok(status)
    }

    async fn read_once(log: &EventLog, observed: Observed) -> Result<Self, LogError> {
        let horizon = Horizon::now(log).await?;
        let totals = Totals::now(log).await?;
        Self::of(log, horizon, totals, observed).await
    }

    /// The status when the event at `position` was the last, by a fold of the log.
    ///
    /// # Errors
    /// The log does not reach that far, or cannot be read.
    pub async fn as_of(log: &EventLog, position: Position) -> Result<Self, ViewError> {
        let horizon = Horizon::of(log, Some(position)).await?;
        let prefix = Prefix::read(log, horizon).await?;
        let mut observed = Observed::default();
        observed.notes.push(format!(
            "the log does not record what the server, the drives and the processes reported at position {position}"
        ));
        if prefix.unreadable > 0 {
            observed.notes.push(format!("{} events can be read only by a newer version", prefix.unreadable));
        }
        let totals = Totals::of(log, &prefix).await?;
        let status = Self::of(log, horizon, totals, observed).await?;
        Ok(Self { as_of: Some(position), ..status })
    }

    async fn of(log: &EventLog, horizon: Horizon, totals: Totals, observed: Observed) -> Result<Self, LogError> {
        let shown = PageRequest { limit: SHOWN_RUNS, ..PageRequest::default() };
        let mut runs = runs_within(log, horizon, &shown).await?.items.into_iter();
        Ok(Self {
            last_run: runs.next(),
            earlier_runs: runs.collect(),
            subjects: totals.subjects,
            backlog: totals.backlog,
            log: totals.log,
            mail: totals.mail,
            causes: totals.causes,
            alarms: raised_within(log, horizon).await?,
            drives: drives(log, horizon, observed.drives).await?,
            ..Self::empty(log.site().clone(), totals.bookings, Observed { drives: Vec::new(), ..observed })
        }
        .judged())
    }

    /// Of a site without a log.
    #[must_use]
    pub fn before_the_first_run(site: SiteId, observed: Observed) -> Self {
        Self::empty(site, BookingCounts::default(), observed).judged()
    }

    fn empty(site: SiteId, counts: BookingCounts, observed: Observed) -> Self {
        Self {
            site,
            as_of: None,
            safety: Safety::Unknown,
            safety_reasons: Vec::new(),
            bookings: Bookings { waiting: observed.waiting, counts },
            subjects: BTreeMap::new(),
            backlog: Vec::new(),
            log: LogHead { size: 0, root: EMPTY_ROOT.to_owned() },
            drives: observed.drives,
            last_run: None,
            earlier_runs: Vec::new(),
            processes: observed.processes,
            hosts: observed.hosts,
            jobs: observed.jobs,
            missing: observed.missing,
            overdue: observed.overdue,
            mail: None,
            causes: Vec::new(),
            alarms: Vec::new(),
            log_problem: observed.log_problem,
            notes: observed.notes,
        }
    }

    /// Computes [`Status::safety`] and its reasons from the rest.
    #[must_use]
    pub fn judged(self) -> Self {
        let reasons = self.reasons();
        Self { safety: Safety::of(&reasons), safety_reasons: reasons, ..self }
    }

    fn reasons(&self) -> Vec<SafetyReason> {
        let needs_attention =
            self.subjects.values().any(|counts| counts.contains_key(BookingStatus::NeedsAttention.label()));
        let run_failed = self.last_run.as_ref().is_some_and(|run| run.state == RunState::Failed);
        let counts = &self.bookings.counts;
        let reasons = [
            (SafetyReason::LogProblem, self.log_problem.is_some()),
            (SafetyReason::PartMissing, !self.missing.is_empty()),
            (SafetyReason::RunOverdue, self.overdue.is_some()),
            (SafetyReason::NeedsAttention, needs_attention || counts.needs_attention > 0),
            (SafetyReason::AlarmRaised, !self.alarms.is_empty()),
            (SafetyReason::MailFailing, self.mail.is_some()),
            (SafetyReason::RunFailed, run_failed),
            (SafetyReason::HostSilent, self.hosts.iter().any(|host| host.state == HostState::Silent)),
            (SafetyReason::JobProblem, self.jobs.iter().any(|job| job.state.needs_attention())),
            (SafetyReason::WaitingUnknown, self.bookings.waiting.is_none()),
            (SafetyReason::InProgress, counts.in_progress() > 0),
            (SafetyReason::Waiting, self.bookings.waiting.is_some_and(|waiting| waiting > 0)),
            (SafetyReason::JobNotProven, self.jobs.iter().any(|job| job.state.is_amber())),
        ];
        reasons.into_iter().filter(|(_, is_so)| *is_so).map(|(reason, _)| reason).collect()
    }

    /// Whether something needs a person, or is unknown.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        matches!(self.safety, Safety::Problems | Safety::Unknown)
    }
}

impl Totals {
    async fn now(log: &EventLog) -> Result<Self, LogError> {
        let head = log.head().await?;
        let mut counts = Vec::new();
        for &kind in SubjectKind::ALL {
            counts.push((kind, log.counts(kind).await?));
        }
        Ok(Self {
            backlog: log.backlog().await?,
            mail: failed_mail(log).await?,
            causes: causes(log).await?,
            ..Self::counted(counts, head)
        })
    }

    async fn of(log: &EventLog, prefix: &Prefix) -> Result<Self, LogError> {
        let counts = SubjectKind::ALL.iter().map(|&kind| (kind, prefix.counts(kind))).collect();
        let mut mail = None;
        for position in prefix.delayed(StageName::Notify).into_iter().take(MAX_MAILS) {
            let last = log.read(position, 1).await?.first().and_then(|stored| log.readable(stored));
            mail = last.as_ref().and_then(|last| last.event.failure()).map(|failed| shown_message(&failed.message));
            if mail.is_some() {
                break;
            }
        }
        let (backlog, causes) = (prefix.backlog(), causes_in(log, prefix).await?);
        Ok(Self { backlog, mail, causes, ..Self::counted(counts, prefix.head()) })
    }

    fn counted(counts: Vec<(SubjectKind, Vec<(strongroom_model::Status, u64)>)>, head: Head) -> Self {
        let log = LogHead { size: head.size, root: head.root_base64() };
        let bookings = counts.iter().find(|(kind, _)| *kind == SubjectKind::Booking);
        let bookings = BookingCounts::of(bookings.map(|(_, counts)| counts.clone()).unwrap_or_default());
        let labelled = |(kind, counts): (SubjectKind, Vec<(strongroom_model::Status, u64)>)| {
            (kind.name(), counts.into_iter().map(|(status, count)| (status.to_string(), count)).collect())
        };
        let subjects = counts.into_iter().filter(|(_, counts)| !counts.is_empty()).map(labelled).collect();
        Self { subjects, bookings, backlog: Vec::new(), log, mail: None, causes: Vec::new() }
    }
}

/// Why a mail that is retried was not handed over.
///
/// # Errors
/// The log cannot be read.
pub async fn failed_mail(log: &EventLog) -> Result<Option<String>, LogError> {
    let waiting = log.due(StageName::Notify, Timestamp::MAX, MAX_MAILS).await?;
    let failed = waiting.iter().find_map(|last| last.event.failure());
    Ok(failed.map(|failed| shown_message(&failed.message)))
}

fn shown_message(message: &str) -> String {
    printable(message, MESSAGE_CHARS)
}

async fn drives(log: &EventLog, horizon: Horizon, mut observed: Vec<DriveState>) -> Result<Vec<DriveState>, LogError> {
    let request = PageRequest { limit: MAX_PAGE, ..PageRequest::default() };
    for drive in drives_within(log, horizon, &request).await?.items {
        if observed.iter().all(|one| one.id != Some(drive.id)) {
            let state = if horizon.is_now { "not-attached" } else { "unknown" };
            let (id, label, state) = (Some(drive.id), drive.label, state.to_owned());
            observed.push(DriveState { id, label, state, free_bytes: None });
        }
    }
    Ok(observed)
}

#[cfg(test)]
mod tests;
