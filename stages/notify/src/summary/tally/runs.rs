use strongroom_model::event::{Failed, Rejected, RunEnumerated, ZeroReason};
use strongroom_model::{Event, Recorded};

use super::Bounded;

/// Runs, and what the server listed for them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunTally {
    /// How many were started.
    pub started: u64,
    /// Failed attempts to get a list.
    pub(crate) failed_attempts: u64,
    /// Runs without a list in the end.
    pub(crate) given_up: u64,
    /// Runs by their [`ZeroReason`].
    pub(crate) nothing_waiting: u64,
    pub(crate) all_claimed: u64,
    pub(crate) none_usable: u64,
    pub(crate) none_listed: u64,
    /// Archived bookings offered again.
    pub(crate) forgotten: u64,
    /// Unusable records in the last list.
    pub(crate) rejected: Bounded<Rejected>,
    /// The last list.
    pub(crate) last_look: Option<RunEnumerated>,
    /// The last failure, unless a list followed.
    pub(crate) last_failure: Option<Failed>,
}

impl RunTally {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::RunRequested(_) => self.started += 1,
            Event::RunEnumerated(data) => self.look(data),
            Event::RunFailed(failed) => {
                self.failed_attempts += 1;
                self.given_up += u64::from(failed.retry_at.is_none());
                self.last_failure = Some(failed.clone());
            }
            _ => {}
        }
    }

    fn look(&mut self, data: &RunEnumerated) {
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
        self.last_look = Some(data.clone());
    }

    /// Bookings left waiting after the last list, without those in progress or unusable; `None` without a list.
    pub(crate) fn left_waiting(&self) -> Option<u64> {
        self.last_look.as_ref().map(|look| {
            let seen = look.enumerated + look.claimed + look.forgotten + look.unusable;
            look.waiting.saturating_sub(seen)
        })
    }
}
