//! What this process has seen happen, counted from the log's events.

use std::collections::{BTreeMap, HashMap};

use strongroom_model::event::Rejected;
use strongroom_model::{BookingCounts, ByteCount, Event, FailureKind, Recorded, StreamName};

#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Bookings to be brought to the archive: left over from before, and taken since.
    pub(crate) files: u64,
    /// The bytes of those whose size is known.
    pub(crate) bytes: ByteCount,
    pub(crate) fetched_bytes: ByteCount,
    pub(crate) proven_bytes: ByteCount,
    pub(crate) archived: u64,
    /// Failures that are tried again by themselves, by cause.
    pub(crate) retries: BTreeMap<FailureKind, u64>,
    /// Failures that need a person.
    pub(crate) stuck: u64,
    pub(crate) unusable: u64,
    /// The first of these.
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) sizes: HashMap<StreamName, ByteCount>,
}

impl Tally {
    /// Nothing seen yet; what an earlier process left is to be done as well.
    pub(crate) fn after(left: BookingCounts) -> Self {
        Self { files: left.in_progress(), ..Self::default() }
    }

    pub(crate) fn see(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TimesheetEnumerated(data) => {
                self.files += 1;
                self.learn(&recorded.stream, data.size_bytes);
            }
            Event::TimesheetFetched(data) => {
                self.learn(&recorded.stream, data.size_bytes);
                self.fetched_bytes = self.fetched_bytes + data.size_bytes;
            }
            Event::TimesheetBackedUp(data) => {
                self.learn(&recorded.stream, data.size_bytes);
                self.proven_bytes = self.proven_bytes + data.size_bytes;
            }
            Event::TimesheetArchived(_) => {
                self.archived += 1;
                self.sizes.remove(&recorded.stream);
            }
            Event::TimesheetFailed(failed) => match failed.retry_at {
                Some(_) => *self.retries.entry(failed.kind).or_default() += 1,
                None => {
                    self.stuck += 1;
                    self.sizes.remove(&recorded.stream);
                }
            },
            // Every run meets the same ones again.
            Event::RunEnumerated(found) if found.unusable > self.unusable => {
                self.unusable = found.unusable;
                self.rejected.clone_from(&found.rejected);
            }
            _ => {}
        }
    }

    /// How many are neither archived nor waiting for a person.
    pub(crate) const fn left(&self) -> u64 {
        self.files.saturating_sub(self.archived + self.stuck)
    }

    fn learn(&mut self, stream: &StreamName, size: ByteCount) {
        if self.sizes.insert(stream.clone(), size).is_none() {
            self.bytes = self.bytes + size;
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::RunEnumerated;
    use strongroom_model::{DriveId, EventId, Position, Version};
    use strongroom_stage_rig::sample;

    use super::*;
    use crate::run::testing::{archived, failed};

    fn happened(booking: &str, event: Event) -> Recorded {
        Recorded {
            position: Position(0),
            version: Version(0),
            id: EventId(DriveId::random().0),
            stream: StreamName::booking(&booking.parse().unwrap()),
            time: "2026-11-20T23:00:00Z".parse().unwrap(),
            actor: "fetch@backup-1".parse().unwrap(),
            cause: None,
            run: None,
            event,
        }
    }

    #[test]
    fn a_booking_is_counted_once_however_often_it_is_tried() {
        let mut tally = Tally::default();
        let digest = sample::sha256(b"x");
        let enumerated = sample::enumerated("x", 100, digest.clone());
        let backed_up = sample::backed_up(DriveId::random(), "x", 100, &digest);
        for event in [enumerated, failed(Some("2026-11-20T23:00:30Z")), backed_up] {
            tally.see(&happened("B-1", event));
        }
        assert_eq!((tally.files, tally.bytes, tally.left()), (1, ByteCount(100), 1));
        tally.see(&happened("B-1", archived()));
        assert_eq!((tally.archived, tally.left(), tally.sizes.len()), (1, 0, 0));
    }

    #[test]
    fn what_an_earlier_process_left_is_still_to_be_done() {
        let left = BookingCounts { enumerated: 2, backed_up: 1, archived: 9, ..BookingCounts::default() };
        let mut tally = Tally::after(left);
        tally.see(&happened("B-7", failed(None)));
        assert_eq!((tally.files, tally.stuck, tally.left()), (3, 1, 2));
    }

    #[test]
    fn a_record_that_every_run_meets_again_is_counted_once() {
        let found = RunEnumerated {
            waiting: 3,
            listed: 3,
            enumerated: 1,
            claimed: 0,
            forgotten: 0,
            unusable: 1,
            rejected: vec![Rejected { booking: "../x".to_owned(), reason: "it is not a booking id".to_owned() }],
            zero_reason: None,
        };
        let mut tally = Tally::default();
        for _ in 0..2 {
            tally.see(&happened("B-1", Event::RunEnumerated(found.clone())));
        }
        assert_eq!((tally.unusable, tally.rejected.len()), (1, 1));
    }
}
