//! What happened in an interval of the log: a pure fold, one event after the other.
//!
//! Memory does not grow with the interval: there are counters, and lists with a bound that
//! count what they leave out.

mod alarms;
mod bounded;
mod files;
mod mails;
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
pub use self::runs::Runs;
pub use self::work::Work;

/// How often a cause came up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CauseCount {
    /// Failed attempts.
    pub attempts: u64,
    /// How many of them left a person to look.
    pub gave_up: u64,
}

/// What happened in an interval.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// How many events there were, of every kind.
    pub events: u64,
    /// When the first happened.
    pub first_at: Option<Timestamp>,
    /// When the last happened.
    pub last_at: Option<Timestamp>,
    /// What happened to files.
    pub files: Files,
    /// How long work was under way.
    pub work: Work,
    /// What files, runs and mails failed of.
    pub causes: BTreeMap<FailureKind, CauseCount>,
    /// Runs.
    pub runs: Runs,
    /// Alarms.
    pub alarms: Alarms,
    /// Mails.
    pub mails: Mails,
    /// Drives that were set up, by label.
    pub drives_set_up: Bounded<String>,
    /// Where events are that this version cannot read.
    pub unreadable: Bounded<Position>,
}

impl Tally {
    /// Counts one event.
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
            // How a drive is used is told as it is where the interval ends.
            Event::DriveAttached(_) => {}
            // Why a person had to decide is told as the alarm that led to it.
            Event::DriveUsed(_) | Event::DriveAdopted(_) | Event::DriveIdentityRestored(_) => {}
        }
    }

    /// Counts one event that this version cannot read.
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
