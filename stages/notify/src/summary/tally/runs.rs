use jiff::Timestamp;
use strongroom_model::event::{Failed, Rejected, RunEnumerated, Trigger, ZeroReason};
use strongroom_model::{Event, Recorded};

use super::Bounded;

/// Runs, and what the server listed for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunTally {
    /// Started by the schedule.
    pub by_schedule: u64,
    /// Started by `--once`.
    pub by_once: u64,
    /// Runs with a list.
    pub enumerated: u64,
    /// Failed attempts to get a list.
    pub failed_attempts: u64,
    /// Runs without a list in the end.
    pub given_up: u64,
    /// Runs that found nothing waiting.
    pub nothing_waiting: u64,
    /// Runs that found only claimed bookings, or such that need a person.
    pub all_claimed: u64,
    /// Runs that found only unusable records.
    pub none_usable: u64,
    /// Runs whose list had none of the waiting bookings.
    pub none_listed: u64,
    /// Archived bookings offered again.
    pub forgotten: u64,
    /// Unusable records in the last list.
    pub rejected: Bounded<Rejected>,
    /// The last list: time and result.
    pub last_look: Option<(Timestamp, RunEnumerated)>,
    /// The last failure, unless a list followed.
    pub last_failure: Option<Failed>,
}

impl RunTally {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::RunRequested(data) => match data.trigger {
                Trigger::Schedule => self.by_schedule += 1,
                Trigger::Once => self.by_once += 1,
            },
            Event::RunEnumerated(data) => self.look(recorded.time, data),
            Event::RunFailed(failed) => {
                self.failed_attempts += 1;
                self.given_up += u64::from(failed.retry_at.is_none());
                self.last_failure = Some(failed.clone());
            }
            _ => {}
        }
    }

    fn look(&mut self, at: Timestamp, data: &RunEnumerated) {
        self.enumerated += 1;
        self.forgotten += data.forgotten;
        self.last_failure = None;
        match data.zero_reason {
            Some(ZeroReason::NothingWaiting) => self.nothing_waiting += 1,
            Some(ZeroReason::AllClaimed) => self.all_claimed += 1,
            Some(ZeroReason::NoneUsable) => self.none_usable += 1,
            Some(ZeroReason::NoneListed) => self.none_listed += 1,
            None => {}
        }
        // Runs see the same records until these are corrected: only the last list counts, or a night would count
        // hundreds for one.
        self.rejected = Bounded::default();
        data.rejected.iter().for_each(|rejected| self.rejected.push(rejected.clone()));
        self.rejected.count_more(data.unusable.saturating_sub(data.rejected.len() as u64));
        self.last_look = Some((at, data.clone()));
    }

    /// Runs that were started.
    pub const fn started(&self) -> u64 {
        self.by_schedule + self.by_once
    }

    /// Bookings left waiting after the last list, without those in progress or unusable; `None` without a list.
    pub fn left_waiting(&self) -> Option<u64> {
        self.last_look.as_ref().map(|(_, look)| {
            let seen = look.enumerated + look.claimed + look.forgotten + look.unusable;
            look.waiting.saturating_sub(seen)
        })
    }
}
