//! Runs.

use jiff::Timestamp;
use strongroom_model::event::{Failed, Rejected, RunEnumerated, Trigger, ZeroReason};
use strongroom_model::{Event, Recorded};

use super::Bounded;

/// Runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Runs {
    /// Started by the schedule.
    pub by_schedule: u64,
    /// Started by `--once`.
    pub by_once: u64,
    /// Those that were told what is waiting.
    pub enumerated: u64,
    /// Attempts to ask the server that failed.
    pub failed_attempts: u64,
    /// Those that could not ask the server in the end.
    pub given_up: u64,
    /// Those that found nothing waiting.
    pub nothing_waiting: u64,
    /// Those that found only what is in hand or needs a person.
    pub all_in_hand: u64,
    /// Those that found only records which cannot be used.
    pub none_usable: u64,
    /// Those whose list showed none of the bookings that wait.
    pub none_listed: u64,
    /// Bookings that the server offered though they were archived.
    pub forgotten: u64,
    /// The server's records that could not be used, at the last look.
    pub rejected: Bounded<Rejected>,
    /// The last look at the server: when, and what it showed.
    pub last_look: Option<(Timestamp, RunEnumerated)>,
    /// The last failure to ask the server, if none was asked since.
    pub last_failure: Option<Failed>,
}

impl Runs {
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
            Some(ZeroReason::AllInHand) => self.all_in_hand += 1,
            Some(ZeroReason::NoneUsable) => self.none_usable += 1,
            Some(ZeroReason::NoneListed) => self.none_listed += 1,
            None => {}
        }
        // The same records are met by every run until they are put right: only the last
        // look counts, or a night would make hundreds of one.
        self.rejected = Bounded::default();
        data.rejected.iter().for_each(|rejected| self.rejected.push(rejected.clone()));
        self.rejected.count_more(data.unusable.saturating_sub(data.rejected.len() as u64));
        self.last_look = Some((at, data.clone()));
    }

    /// Runs that were started.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.by_schedule + self.by_once
    }

    /// How many bookings the last look left waiting on the server beyond those that are in
    /// hand or cannot be used; `None` where nobody looked.
    #[must_use]
    pub fn left_waiting(&self) -> Option<u64> {
        self.last_look.as_ref().map(|(_, look)| {
            let seen = look.enumerated + look.in_hand + look.forgotten + look.unusable;
            look.waiting.saturating_sub(seen)
        })
    }
}
