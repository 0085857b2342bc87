use std::time::Duration;

use jiff::Timestamp;
use strongroom_model::{Event, next_step};

use crate::lease::INTERVALS;
use crate::retry::RetryPolicy;

/// The longest time that anything is put off. A time beyond it was set before the clock was put back, perhaps by
/// years.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Horizon(Duration);

impl Horizon {
    /// The longest delay of a retry or, with a broker, of a lease.
    pub(crate) fn new(retry: &RetryPolicy, lease_after: Option<Duration>) -> Self {
        Self(retry.longest().max(lease_after.unwrap_or_default() * INTERVALS))
    }

    pub(crate) fn strands(self, due: Timestamp, now: Timestamp) -> bool {
        now.checked_add(self.0).is_ok_and(|horizon| due > horizon)
    }

    pub(crate) fn has_stranded(self, event: &Event, now: Timestamp) -> bool {
        next_step(event).and_then(|next| next.not_before).is_some_and(|due| self.strands(due, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_further_than_anything_can_be_is_due_now() {
        let retry = RetryPolicy { delays: vec![Duration::from_secs(100)], max_attempts: 3, ..RetryPolicy::default() };
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let strands = |horizon: Horizon, due| horizon.strands(at(due), at(0));
        let alone = Horizon::new(&retry, None);
        assert_eq!([-1, 0, 120, 121, 315_360_000].map(|due| strands(alone, due)), [false, false, false, true, true]);
        // A worker that says that it is long at work is believed.
        let fleet = Horizon::new(&retry, Some(Duration::from_secs(600)));
        assert_eq!([121, 1200, 1201].map(|due| strands(fleet, due)), [false, false, true]);
        assert!(!alone.strands(Timestamp::MAX, Timestamp::MAX));
    }
}
