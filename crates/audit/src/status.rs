//! How a site stands now: from the log, and from what its server and drives say.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKind, ZeroReason};
use strongroom_model::fold::fold;
use strongroom_model::presence::{self, Missing, Sign};
use strongroom_model::run::Run;
use strongroom_model::text::printable;
use strongroom_model::{BookingCounts, DriveId, Event, Recorded, RunId, SiteId, StageName, StreamName, SubjectKind};

use crate::causes::{Cause, causes};

/// How many alarms and drives are looked at, newest first. A site has a handful of each.
const MAX_SUBJECTS: usize = 500;

/// How often it is looked at again where the log moves meanwhile: a site at work is appended to many times a second.
const MAX_LOOKS: u32 = 5;

/// How many characters of a failure's message are shown.
const MESSAGE_CHARS: usize = 300;

/// The root of a tree without leaves (RFC 6962, section 2.1): SHA-256 of nothing, in base64.
const EMPTY_ROOT: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

/// How a site stands. Its JSON is what `strongroom status --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The site.
    pub site: SiteId,
    /// How many bookings stand where.
    pub bookings: Bookings,
    /// How far the log goes.
    pub log: LogHead,
    /// The drive that is configured, and those that the log knows.
    pub drives: Vec<DriveState>,
    /// The last run; absent before the first.
    pub last_run: Option<LastRun>,
    /// The processes that give signs of life, or did within a week; left out where none does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Process>,
    /// What is missing for the work that waits; left out where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// That a run was due and none has begun; left out where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overdue: Option<String>,
    /// Why a mail that waits was not handed over; left out where none waits so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Why bookings need a person; left out where none does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Alarms that are raised now; left out where none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<RaisedAlarm>,
    /// Why something is unknown; left out where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// How many bookings stand where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bookings {
    /// On the server and not in hand; `None` where the server cannot be asked.
    pub waiting: Option<u64>,
    /// What the log knows.
    #[serde(flatten)]
    pub counts: BookingCounts,
}

/// How far a log goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogHead {
    /// How many events it holds.
    pub size: u64,
    /// RFC 6962's root in base64, as in a checkpoint.
    pub root: String,
}

/// How a drive stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriveState {
    /// Its identity, where it could be read or the log knows it.
    pub id: Option<DriveId>,
    /// Its name for people.
    pub label: Option<String>,
    /// `ready`, `not-attached`, or the code of what is in the way, such as `drive-full`.
    pub state: String,
    /// How much room is left on it; absent where it is not attached.
    pub free_bytes: Option<u64>,
}

/// What became of the last run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LastRun {
    /// The run.
    pub id: RunId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// `due`, `enumerated`, `failed` or `retrying`.
    pub state: &'static str,
    /// How many bookings the server said were waiting.
    pub waiting: Option<u64>,
    /// How many were taken in hand.
    pub enumerated: Option<u64>,
    /// Why none was, where none was.
    pub zero_reason: Option<ZeroReason>,
    /// What went wrong, where something did.
    pub failure: Option<String>,
}

/// An alarm that is raised now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RaisedAlarm {
    /// What kind of condition.
    pub kind: AlarmKind,
    /// Of what.
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// What is the matter.
    pub message: String,
    /// What a person does about it.
    pub next_step: String,
}

/// A process of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Whether it is there: `alive`, `ended` (in order) or `gone`.
    pub state: &'static str,
    /// When it gave its last sign of life.
    pub last_sign_at: Timestamp,
    /// What it said of itself then.
    #[serde(flatten)]
    pub sign: Sign,
}

impl Process {
    /// As it was seen at that time.
    #[must_use]
    pub fn of(seen: presence::Seen, now: Timestamp) -> Self {
        let state = match (seen.is_alive(), seen.sign.has_ended) {
            (true, _) => "alive",
            (false, true) => "ended",
            (false, false) => "gone",
        };
        Self { state, last_sign_at: now.checked_sub(seen.age).unwrap_or(now), sign: seen.sign }
    }
}

/// What only the server, the drives and the processes can say.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How many bookings wait and are not in hand; `None`: unknown.
    pub waiting: Option<u64>,
    /// The drives that are attached or should be.
    pub drives: Vec<DriveState>,
    /// The processes of the site.
    pub processes: Vec<Process>,
    /// What is missing for the work that waits.
    pub missing: Vec<Missing>,
    /// That a run was due and none has begun.
    pub overdue: Option<String>,
    /// Why something is unknown.
    pub notes: Vec<String>,
}

impl Status {
    /// How the site of `log` stands, at one moment: where something is appended meanwhile it is looked at again.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn read(log: &EventLog, seen: Seen) -> Result<Self, LogError> {
        let mut status = Self::read_once(log, seen.clone()).await?;
        for _ in 0..MAX_LOOKS {
            if log.head().await?.size == status.log.size {
                return Ok(status);
            }
            status = Self::read_once(log, seen.clone()).await?;
        }
        status.notes.push("the log moves: some of these numbers are a moment older than others".to_owned());
        Ok(status)
    }

    async fn read_once(log: &EventLog, seen: Seen) -> Result<Self, LogError> {
        let head = log.head().await?;
        let counts = BookingCounts::of(log.counts(SubjectKind::Booking).await?);
        Ok(Self {
            site: log.site().clone(),
            bookings: Bookings { waiting: seen.waiting, counts },
            log: LogHead { size: head.size, root: head.root_base64() },
            drives: drives(log, seen.drives).await?,
            last_run: last_run(log).await?,
            processes: seen.processes,
            missing: seen.missing,
            overdue: seen.overdue,
            mail: failed_mail(log).await?,
            causes: causes(log).await?,
            alarms: raised_alarms(log).await?,
            notes: seen.notes,
        })
    }

    /// How a site stands that has no log yet.
    #[must_use]
    pub fn before_the_first_run(site: SiteId, seen: Seen) -> Self {
        Self {
            site,
            bookings: Bookings { waiting: seen.waiting, counts: BookingCounts::default() },
            log: LogHead { size: 0, root: EMPTY_ROOT.to_owned() },
            drives: seen.drives,
            last_run: None,
            processes: seen.processes,
            missing: seen.missing,
            overdue: seen.overdue,
            mail: None,
            causes: Vec::new(),
            alarms: Vec::new(),
            notes: seen.notes,
        }
    }

    /// Whether something needs a person, or cannot be known.
    #[must_use]
    pub fn has_problems(&self) -> bool {
        let run_failed = self.last_run.as_ref().is_some_and(|run| run.state == "failed");
        let is_anybody_missing = !self.missing.is_empty() || self.overdue.is_some() || self.mail.is_some();
        let is_unknown = self.bookings.waiting.is_none();
        self.bookings.counts.needs_attention > 0
            || !self.alarms.is_empty()
            || run_failed
            || is_anybody_missing
            || is_unknown
    }
}

/// The alarms that are raised now, newest first.
///
/// # Errors
/// The log cannot be read.
pub async fn raised_alarms(log: &EventLog) -> Result<Vec<RaisedAlarm>, LogError> {
    let mut raised = Vec::new();
    for events in newest(log, SubjectKind::Alarm).await?.into_values() {
        // An alarm whose stream does not fold is for `log verify` to report.
        let Ok(Alarm { raised: Some((alarm, since)), .. }) = fold::<Alarm>(&events) else { continue };
        raised.push(RaisedAlarm {
            kind: alarm.kind,
            subject: alarm.subject,
            since,
            message: alarm.message,
            next_step: alarm.next_step,
        });
    }
    raised.sort_by(|a, b| b.since.cmp(&a.since).then_with(|| a.subject.cmp(&b.subject)));
    Ok(raised)
}

/// Why a mail was not handed over that is tried again. What it was about is in the log, and nobody was told.
///
/// # Errors
/// The log cannot be read.
pub async fn failed_mail(log: &EventLog) -> Result<Option<String>, LogError> {
    let waiting = log.due(StageName::Notify, Timestamp::MAX, MAX_SUBJECTS).await?;
    let failed = waiting.iter().find_map(|last| last.event.failure());
    Ok(failed.map(|failed| printable(&failed.message, MESSAGE_CHARS)))
}

async fn last_run(log: &EventLog) -> Result<Option<LastRun>, LogError> {
    let Some(newest) = newest_one(log, SubjectKind::Run).await? else { return Ok(None) };
    let Some(first) = newest.first() else { return Ok(None) };
    let (Ok(id), Ok(run)) = (first.stream.id().parse(), fold::<Run>(&newest)) else { return Ok(None) };
    Ok(Some(LastRun::of(id, first.time, &run)))
}

impl LastRun {
    fn of(id: RunId, requested_at: Timestamp, run: &Run) -> Self {
        let found = run.enumerated.as_ref();
        let state = match (found, &run.failure) {
            (Some(_), _) => "enumerated",
            (None, Some(failed)) if failed.retry_at.is_none() => "failed",
            (None, Some(_)) => "retrying",
            (None, None) => "due",
        };
        Self {
            id,
            requested_at,
            state,
            waiting: found.map(|found| found.waiting),
            enumerated: found.map(|found| found.enumerated),
            zero_reason: found.and_then(|found| found.zero_reason),
            failure: run.failure.as_ref().map(|failed| failed.message.clone()),
        }
    }
}

/// Those that were seen, then those that only the log knows.
async fn drives(log: &EventLog, mut seen: Vec<DriveState>) -> Result<Vec<DriveState>, LogError> {
    for (name, events) in newest(log, SubjectKind::Drive).await? {
        let Ok(id) = name.id().parse::<DriveId>() else { continue };
        if seen.iter().any(|drive| drive.id == Some(id)) {
            continue;
        }
        let label = events.iter().rev().find_map(|recorded| match &recorded.event {
            Event::DriveInitialised(data) => Some(data.label.clone()),
            _ => None,
        });
        seen.push(DriveState { id: Some(id), label, state: "not-attached".to_owned(), free_bytes: None });
    }
    Ok(seen)
}

async fn newest_one(log: &EventLog, kind: SubjectKind) -> Result<Option<Vec<Recorded>>, LogError> {
    let Some(head) = log.newest(kind, 1).await?.into_iter().next() else { return Ok(None) };
    Ok(Some(log.readable_stream(&head.stream).await?))
}

async fn newest(log: &EventLog, kind: SubjectKind) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
    let heads = log.newest(kind, MAX_SUBJECTS).await?;
    let names: Vec<_> = heads.into_iter().map(|head| head.stream).collect();
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    log.readable_streams(&names).await
}

#[cfg(test)]
mod tests;
