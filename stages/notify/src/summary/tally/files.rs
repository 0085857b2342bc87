use std::collections::BTreeMap;

use strongroom_model::event::{BackedUp, ReadBack};
use strongroom_model::{ByteCount, DriveId, Event, Recorded, StreamName};

/// A proof's version without failures: enumerated, fetched, proven. Each time that a stage reports that it still works
/// adds one.
const UNTROUBLED_PROOF: u64 = 2;

/// Copies on one drive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnDrive {
    /// Proven copies.
    pub files: u64,
    /// Their size.
    pub bytes: ByteCount,
    /// Read past the page cache.
    pub direct: u64,
    /// Read after they had left the page cache.
    pub cache_dropped: u64,
    /// Read while the page cache may have held them.
    pub cached: u64,
}

/// What happened to files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Files {
    /// Taken by runs.
    pub enumerated: u64,
    /// Fetched onto the drive.
    pub fetched: u64,
    /// Bytes kept from interrupted transfers.
    pub resumed_bytes: ByteCount,
    /// Proven.
    pub backed_up: u64,
    /// The size of what was proven.
    pub bytes: ByteCount,
    /// Proven after a failed attempt.
    pub recovered: u64,
    /// Moved on the server.
    pub archived: u64,
    /// Deleted on the server, by an approved purge.
    pub purged: u64,
    /// Given back by a person.
    pub given_back: u64,
    /// How often stages reported that they still work, for files not proven yet: few, since only the largest take so
    /// long.
    held: BTreeMap<StreamName, u64>,
    /// Proven, by drive.
    pub drives: BTreeMap<DriveId, OnDrive>,
}

impl Files {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TimesheetEnumerated(_) => self.enumerated += 1,
            Event::TimesheetFetched(data) => {
                self.fetched += 1;
                self.resumed_bytes = self.resumed_bytes + data.resumed_from_bytes;
            }
            Event::TimesheetBackedUp(data) => {
                self.backed_up += 1;
                self.bytes = self.bytes + data.size_bytes;
                let held = self.held.remove(&recorded.stream).unwrap_or_default();
                self.recovered += u64::from(recorded.version.0 > UNTROUBLED_PROOF + held);
                self.on_drive(data);
            }
            Event::TimesheetHeld(_) => *self.held.entry(recorded.stream.clone()).or_default() += 1,
            Event::TimesheetArchived(_) => self.archived += 1,
            Event::TimesheetPurged(_) => self.purged += 1,
            Event::TimesheetRetried(_) => self.given_back += 1,
            _ => {}
        }
    }

    fn on_drive(&mut self, data: &BackedUp) {
        let drive = self.drives.entry(data.drive).or_default();
        drive.files += 1;
        drive.bytes = drive.bytes + data.size_bytes;
        match data.read_back {
            ReadBack::Direct => drive.direct += 1,
            ReadBack::CacheDropped => drive.cache_dropped += 1,
            ReadBack::Cached => drive.cached += 1,
        }
    }

    /// Proofs that the page cache may have answered.
    pub fn cached(&self) -> u64 {
        self.drives.values().map(|drive| drive.cached).sum()
    }
}
