use std::collections::BTreeMap;

use strongroom_model::event::{BackedUp, ReadBack};
use strongroom_model::{ByteCount, DriveId, Event, Recorded, StreamName};

/// A proof's version without failures: enumerated, fetched, proven. Each time that a stage reports that it still works
/// adds one.
const UNTROUBLED_PROOF: u64 = 2;

/// Proven copies on one drive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OnDrive {
    pub(crate) files: u64,
    pub(crate) bytes: ByteCount,
    /// As in [`ReadBack`].
    pub(crate) direct: u64,
    pub(crate) cache_dropped: u64,
    pub(crate) cached: u64,
}

/// What happened to files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Files {
    /// Proven.
    pub backed_up: u64,
    /// The size of what was proven.
    pub(crate) bytes: ByteCount,
    /// Kept from interrupted transfers.
    pub(crate) resumed_bytes: ByteCount,
    /// Proven after a failed attempt.
    pub(crate) recovered: u64,
    pub(crate) archived: u64,
    pub(crate) purged: u64,
    pub(crate) given_back: u64,
    /// How often stages reported that they still work, for files not proven yet: few, since only the largest take so
    /// long.
    held: BTreeMap<StreamName, u64>,
    /// Proven, by drive.
    pub(crate) drives: BTreeMap<DriveId, OnDrive>,
}

impl Files {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TimesheetFetched(data) => self.resumed_bytes = self.resumed_bytes + data.resumed_from_bytes,
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
    pub(crate) fn cached(&self) -> u64 {
        self.drives.values().map(|drive| drive.cached).sum()
    }
}
