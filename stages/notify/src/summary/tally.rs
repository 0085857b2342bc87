//! What happened in an interval: a pure fold over its events. Counters and bounded lists keep memory independent of its
//! length.

mod alarms;
mod bounded;
mod files;
mod runs;
mod work;

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_model::event::Failed;
use strongroom_model::{Event, FailureKind, Position, Recorded, SubjectKind, status_of};

pub(crate) use self::alarms::AlarmChange;
pub use self::alarms::Alarms;
pub(crate) use self::bounded::{Bounded, MAX_LISTED};
pub use self::files::Files;
pub(crate) use self::files::OnDrive;
pub use self::runs::RunTally;
use self::work::WorkTime;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CauseCount {
    pub(crate) attempts: u64,
    /// Those that left it to a person.
    pub(crate) gave_up: u64,
}

/// What happened in an interval.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Number of events.
    pub events: u64,
    pub(crate) first_at: Option<Timestamp>,
    pub(crate) last_at: Option<Timestamp>,
    /// Files.
    pub files: Files,
    pub(crate) work: WorkTime,
    /// Of failures of files, runs and mails.
    pub(crate) causes: BTreeMap<FailureKind, CauseCount>,
    /// Runs.
    pub runs: RunTally,
    /// Alarms.
    pub alarms: Alarms,
    /// Earlier summaries: stream id and receipt.
    pub(crate) summaries_sent: Bounded<(String, String)>,
    /// Work of families that have no section of their own: how often subjects of each kind got which status. Both are
    /// ours, so this is bounded.
    pub(crate) other: BTreeMap<SubjectKind, BTreeMap<String, u64>>,
    /// By label.
    pub(crate) drives_set_up: Bounded<String>,
    pub(crate) unreadable: Bounded<Position>,
}

impl Tally {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        self.events += 1;
        self.first_at.get_or_insert(recorded.time);
        self.last_at = Some(recorded.time);
        match &recorded.event {
            Event::TimesheetEnumerated(_)
            | Event::TimesheetFetched(_)
            | Event::TimesheetBackedUp(_)
            | Event::TimesheetArchived(_)
            | Event::TimesheetPurged(_)
            | Event::TimesheetRestored(_)
            | Event::TimesheetHeld(_)
            | Event::TimesheetRetried(_) => {
                self.files.add(recorded);
                self.work.add(recorded);
            }
            Event::TimesheetFailed(failed) => {
                self.work.add(recorded);
                self.failed(failed);
            }
            Event::RunRequested(_) | Event::RunEnumerated(_) => self.runs.add(recorded),
            Event::RunFailed(failed) => {
                self.runs.add(recorded);
                self.failed(failed);
            }
            Event::AlarmRaised(_) | Event::AlarmCleared(_) => self.alarms.add(recorded),
            Event::SummarySent(data) => {
                self.summaries_sent.push((recorded.stream.id().to_owned(), data.receipt.clone()));
            }
            Event::AlarmFailed(failed) | Event::SummaryFailed(failed) => self.failed(failed),
            Event::AlarmNotified(_) | Event::SummaryComposed(_) => {}
            Event::DriveInitialised(data) => self.drives_set_up.push(data.label.clone()),
            // Only its state at the interval's end matters.
            Event::DriveAttached(_) => {}
            // The alarm that led to it reports it.
            Event::DriveUsed(_) | Event::DriveAdopted(_) | Event::DriveIdentityRestored(_) => {}
            other => {
                self.other(recorded);
                other.failure().into_iter().for_each(|failed| self.failed(failed));
            }
        }
    }

    pub(super) fn unreadable(&mut self, position: Position) {
        self.events += 1;
        self.unreadable.push(position);
    }

    /// Hosts, and the steps of a job's run, are told by how jobs stand.
    fn other(&mut self, recorded: &Recorded) {
        if matches!(recorded.stream.kind(), SubjectKind::Host | SubjectKind::JobRun) {
            return;
        }
        if let Some(status) = status_of(&recorded.event).filter(|_| !recorded.event.keeps_status()) {
            let counts = self.other.entry(recorded.stream.kind()).or_default();
            *counts.entry(status.to_string()).or_default() += 1;
        }
    }

    fn failed(&mut self, failed: &Failed) {
        let cause = self.causes.entry(failed.kind).or_default();
        cause.attempts += 1;
        cause.gave_up += u64::from(failed.retry_at.is_none());
    }
}
