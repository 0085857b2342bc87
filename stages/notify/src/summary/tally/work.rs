use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strongroom_model::{Event, Recorded};

/// Events no further apart belong to one stretch of work: longer than a batch, shorter than the pause between runs that
/// find nothing.
const STRETCH: SignedDuration = SignedDuration::from_secs(30);

/// Time with events about files. A transfer counts from its start, concurrent ones once; a clock that was set back adds
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WorkTime {
    total: SignedDuration,
    counted_to: Option<Timestamp>,
}

impl WorkTime {
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
            // Soon after the last event: the same stretch.
            Some(last) if end.duration_since(last) <= STRETCH => last,
            Some(last) => start.max(last),
            None => start,
        };
        self.total = self.total.saturating_add(end.duration_since(since).max(SignedDuration::ZERO));
        self.counted_to = Some(self.counted_to.map_or(end, |last| last.max(end)));
    }

    pub(crate) fn total(&self) -> Duration {
        self.total.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::Archived;
    use strongroom_model::{EventId, Position, StreamName, Version};
    use uuid::Uuid;

    use super::*;

    /// An event about a file, so many seconds after the start.
    fn at(seconds: i64) -> Recorded {
        let month = "2026-11".parse().unwrap();
        Recorded {
            position: Position(0),
            version: Version(3),
            id: EventId(Uuid::nil()),
            stream: StreamName::booking(&"B-1".parse().unwrap()),
            time: Timestamp::from_second(1_763_676_000 + seconds).unwrap(),
            actor: "archive@backup-1".parse().unwrap(),
            cause: None,
            run: None,
            event: Event::TimesheetArchived(Archived { month, path: "archived/a.pdf".to_owned() }),
        }
    }

    fn total_s(seconds: &[i64]) -> u64 {
        let mut work = WorkTime::default();
        seconds.iter().for_each(|seconds| work.add(&at(*seconds)));
        work.total().as_secs()
    }

    #[test]
    fn pauses_between_stretches_of_work_do_not_count() {
        assert_eq!(total_s(&[]), 0);
        assert_eq!(total_s(&[0, 10, 20]), 20);
        assert_eq!(total_s(&[0, 10, 3600, 3605]), 15);
    }

    #[test]
    fn a_clock_that_was_set_back_adds_nothing() {
        assert_eq!(total_s(&[100, 110, 5, 6, 112]), 12);
    }
}
