//! What happened in an interval: a pure fold over its events. Counters and bounded lists keep memory independent of its
//! length.

mod alarms;
mod bounded;
mod files;
mod mails;
mod other;
mod runs;
mod work;

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_model::event::Failed;
use strongroom_model::{Event, FailureKind, Position, Recorded};

pub use self::alarms::{AlarmChange, Alarms};
pub use self::bounded::{Bounded, MAX_LISTED};
pub use self::files::{Files, OnDrive};
pub use self::mails::Mails;
pub use self::other::Other;
pub use self::runs::RunTally;
pub use self::work::WorkTime;

/// A cause's count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CauseCount {
    /// Failed attempts.
    pub attempts: u64,
    /// Those that left it to a person.
    pub gave_up: u64,
}

/// What happened in an interval.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Number of events.
    pub events: u64,
    /// The first one's time.
    pub first_at: Option<Timestamp>,
    /// The last one's time.
    pub last_at: Option<Timestamp>,
    /// Files.
    pub files: Files,
    /// Time at work.
    pub work: WorkTime,
    /// Causes of failures of files, runs and mails.
    pub causes: BTreeMap<FailureKind, CauseCount>,
    /// Runs.
    pub runs: RunTally,
    /// Alarms.
    pub alarms: Alarms,
    /// Mails.
    pub mails: Mails,
    /// Work of families that have no section of their own.
    pub other: Other,
    /// Drives that were set up, by label.
    pub drives_set_up: Bounded<String>,
    /// Positions of unreadable events.
    pub unreadable: Bounded<Position>,
}

impl Tally {
    /// Counts an event.
    pub fn add(&mut self, recorded: &Recorded) {
        self.events += 1;
        self.first_at.get_or_insert(recorded.time);
        self.last_at = Some(recorded.time);
        match &recorded.event {
            Event::TimesheetEnumerated(_)
            | Event::TimesheetFetched(_)
            | Event::TimesheetBackedUp(_)
            | Event::TimesheetArchived(_)
            | Event::TimesheetPurged(_)
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
            Event::AlarmNotified(_) | Event::SummaryComposed(_) | Event::SummarySent(_) => self.mails.add(recorded),
            Event::AlarmFailed(failed) | Event::SummaryFailed(failed) => {
                self.mails.add(recorded);
                self.failed(failed);
            }
            Event::DriveInitialised(data) => self.drives_set_up.push(data.label.clone()),
            // Only its state at the interval's end matters.
            Event::DriveAttached(_) => {}
            // The alarm that led to it reports it.
            Event::DriveUsed(_) | Event::DriveAdopted(_) | Event::DriveIdentityRestored(_) => {}
            other => {
                self.other.add(recorded);
                other.failure().into_iter().for_each(|failed| self.failed(failed));
            }
        }
    }

    /// Counts an unreadable event.
    pub fn unreadable(&mut self, position: Position) {
        self.events += 1;
        self.unreadable.push(position);
    }

    fn failed(&mut self, failed: &Failed) {
        let cause = self.causes.entry(failed.kind).or_default();
        cause.attempts += 1;
        cause.gave_up += u64::from(failed.retry_at.is_none());
    }
}
