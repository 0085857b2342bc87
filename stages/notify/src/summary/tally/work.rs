//! How long work was under way: the time in which events about files came.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strongroom_model::{Event, Recorded};

/// Two events no farther apart than this belong to the same stretch of work. It is longer
/// than a batch takes, and shorter than the pause between two runs that find nothing.
const STRETCH: SignedDuration = SignedDuration::from_secs(30);

/// How long work was under way. A transfer counts from its own start; where several ran at
/// once, the time counts once. A clock that was set back adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    total: SignedDuration,
    counted_to: Option<Timestamp>,
}

impl Work {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        let end = recorded.time;
        let transfer = match &recorded.event {
            Event::TimesheetFetched(data) => {
                SignedDuration::from_millis(i64::try_from(data.elapsed_ms).unwrap_or(i64::MAX))
            }
            _ => SignedDuration::ZERO,
        };
        let start = end.checked_sub(transfer).unwrap_or(end);
        let since = match self.counted_to {
            // What came soon after the last event is the same work.
            Some(last) if end.duration_since(last) <= STRETCH => last,
            Some(last) => start.max(last),
            None => start,
        };
        self.total = self.total.saturating_add(end.duration_since(since).max(SignedDuration::ZERO));
        self.counted_to = Some(self.counted_to.map_or(end, |last| last.max(end)));
    }

    /// The time in all.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total.unsigned_abs()
    }
}
