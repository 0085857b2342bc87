//! What this process has seen happen, counted from the log's events.

use std::collections::{BTreeMap, HashMap};

use strongroom_model::event::Rejected;
use strongroom_model::{BookingCounts, ByteCount, Event, FailureKind, Recorded, StreamName};

/// Counts since the process began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// Bookings to be brought to the archive: left over from before, and taken since.
    pub(crate) files: u64,
    /// The bytes of those whose size is known.
    pub(crate) bytes: ByteCount,
    /// Files on the drive.
    pub(crate) fetched: u64,
    /// Their bytes.
    pub(crate) fetched_bytes: ByteCount,
    /// Files that were proven.
    pub(crate) proven: u64,
    /// Their bytes.
    pub(crate) proven_bytes: ByteCount,
    /// Files that the server has archived.
    pub(crate) archived: u64,
    /// Failures that are tried again by themselves, by cause.
    pub(crate) retries: BTreeMap<FailureKind, u64>,
    /// Failures that need a person.
    pub(crate) stuck: u64,
    /// Runs that asked the server.
    pub(crate) runs: u64,
    /// Records that could not be used.
    pub(crate) unusable: u64,
    /// The first of these.
    pub(crate) rejected: Vec<Rejected>,
    /// The sizes of claimed bookings.
    pub(crate) sizes: HashMap<StreamName, ByteCount>,
}

impl Tally {
    /// Nothing seen yet; what an earlier process left is to be done as well.
    pub(crate) fn after(left: BookingCounts) -> Self {
        Self { files: left.in_progress(), ..Self::default() }
    }

    /// Counts one event.
    pub(crate) fn see(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TimesheetEnumerated(data) => {
                self.files += 1;
                self.learn(&recorded.stream, data.size_bytes);
            }
            Event::TimesheetFetched(data) => {
                self.learn(&recorded.stream, data.size_bytes);
                self.fetched += 1;
                self.fetched_bytes = self.fetched_bytes + data.size_bytes;
            }
            Event::TimesheetBackedUp(data) => {
                self.learn(&recorded.stream, data.size_bytes);
                self.proven += 1;
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
            Event::RunEnumerated(found) => {
                self.runs += 1;
                // Every run meets the same ones again.
                if found.unusable > self.unusable {
                    self.unusable = found.unusable;
                    self.rejected.clone_from(&found.rejected);
                }
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
    use strongroom_model::event::{Archived, BackedUp, Enumerated, Failed, ReadBack, RunEnumerated};
    use strongroom_model::{Algorithm, Digest, DriveId, EventId, Position, StageName, Version};

    use super::*;

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

    fn digest() -> Digest {
        Digest::of(Algorithm::Sha256, b"x")
    }

    fn enumerated(booking: &str, bytes: u64) -> Recorded {
        let signed_off_at = "2026-11-20T12:00:00Z".parse().unwrap();
        let data =
            Enumerated { filename: "x".to_owned(), size_bytes: ByteCount(bytes), digest: digest(), signed_off_at };
        happened(booking, Event::TimesheetEnumerated(data))
    }

    fn backed_up(booking: &str, bytes: u64) -> Recorded {
        let data = BackedUp {
            drive: DriveId::random(),
            path: "x".to_owned(),
            month: "2026-11".parse().unwrap(),
            size_bytes: ByteCount(bytes),
            sha256: digest(),
            digest: digest(),
            read_back: ReadBack::Direct,
        };
        happened(booking, Event::TimesheetBackedUp(data))
    }

    fn failed(booking: &str, again: bool) -> Recorded {
        let data = Failed {
            stage: StageName::Fetch,
            kind: FailureKind::CutShort,
            message: "cut".to_owned(),
            attempt: 1,
            retry_at: again.then(|| "2026-11-20T23:00:30Z".parse().unwrap()),
            digest: None,
            quarantined: None,
            reached: Vec::new(),
        };
        happened(booking, Event::TimesheetFailed(data))
    }

    #[test]
    fn a_booking_is_counted_once_however_often_it_is_tried() {
        let mut tally = Tally::default();
        for event in [enumerated("B-1", 100), failed("B-1", true), backed_up("B-1", 100)] {
            tally.see(&event);
        }
        assert_eq!((tally.files, tally.bytes, tally.left()), (1, ByteCount(100), 1));
        let month = "2026-11".parse().unwrap();
        tally.see(&happened("B-1", Event::TimesheetArchived(Archived { month, path: "x".to_owned() })));
        assert_eq!((tally.archived, tally.left(), tally.sizes.len()), (1, 0, 0));
    }

    #[test]
    fn what_an_earlier_process_left_is_still_to_be_done() {
        let left = BookingCounts { enumerated: 2, backed_up: 1, archived: 9, ..BookingCounts::default() };
        let mut tally = Tally::after(left);
        tally.see(&failed("B-7", false));
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
