//! The uses of a drive, which the drive and the log both keep: what tells a drive from its clone.
//!
//! Each process that begins to use a drive leaves a mark on it, and the log records that use. A clone is a drive of the
//! moment when it was made: it lacks the marks of all later uses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::UseToken;

/// The greatest number of a use: three hundred years of one each hundredth of a second. A drive that holds a greater one was
/// tampered with.
pub const MAX_GENERATION: u64 = 1_000_000_000_000;

/// One use of a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DriveUse {
    /// Its number on that drive, from 1: greater than those of the uses before it. Two uses that began at the same moment
    /// may share one.
    pub generation: u64,
    /// What nothing else has, not even a clone: random.
    pub token: UseToken,
}

impl DriveUse {
    /// A new use, after all that the drive and the log know of.
    #[must_use]
    pub fn after(newest: Option<Self>, marks: &[Self]) -> Self {
        let before = marks.iter().chain(&newest).map(|one| one.generation).max().unwrap_or(0);
        Self { generation: before.saturating_add(1).min(MAX_GENERATION), token: UseToken::random() }
    }

    /// The use that an event is about, if it is about one.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        match event {
            Event::DriveUsed(data) => Some(Self { generation: data.generation, token: data.token }),
            Event::DriveAdopted(data) => Some(Self { generation: data.generation, token: data.token }),
            _ => None,
        }
    }
}

/// How the marks on a drive and the log's newest use of it go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// This log knows of no use: it, or what writes marks, is newer than the drive.
    New,
    /// The drive holds the mark of the newest use: it is the one that was used last, or a clone that was made since.
    Continues,
    /// All marks on the drive are newer than what the log knows, and older ones are not kept any more: the log is an older
    /// one, and its checkpoints tell whether it is the right one.
    Ahead,
    /// The drive lacks the mark of the newest use: it is a clone or an older image, or it lost what was written to it.
    Broken,
}

impl Lineage {
    /// How these marks go together with the newest use that the log knows of.
    #[must_use]
    pub fn of(newest: Option<DriveUse>, marks: &[DriveUse]) -> Self {
        let Some(newest) = newest else { return Self::New };
        if marks.contains(&newest) {
            return Self::Continues;
        }
        match marks.iter().map(|mark| mark.generation).min() {
            Some(oldest) if oldest > newest.generation => Self::Ahead,
            _ => Self::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(generation: u64) -> DriveUse {
        DriveUse { generation, token: UseToken::random() }
    }

    #[test]
    fn r6_a_drive_is_the_one_that_holds_the_mark_of_its_newest_use() {
        let (first, second, third) = (used(1), used(2), used(3));
        assert_eq!(Lineage::of(None, &[]), Lineage::New);
        assert_eq!(Lineage::of(None, &[first, second]), Lineage::New, "a new log has seen nothing");
        assert_eq!(Lineage::of(Some(second), &[second, first]), Lineage::Continues);
        assert_eq!(
            Lineage::of(Some(second), &[first, second, third]),
            Lineage::Continues,
            "a use that was interrupted"
        );
        assert_eq!(Lineage::of(Some(second), &[third]), Lineage::Ahead, "an older log");
        assert_eq!(Lineage::of(Some(second), &[first]), Lineage::Broken, "an older image");
        assert_eq!(Lineage::of(Some(second), &[first, used(2)]), Lineage::Broken, "two drives went on from one");
        assert_eq!(Lineage::of(Some(second), &[first, used(2), used(3)]), Lineage::Broken, "and one got further");
        assert_eq!(Lineage::of(Some(first), &[]), Lineage::Broken, "an image from before its first use");
    }

    #[test]
    fn each_use_has_a_greater_number_than_all_before_it() {
        assert_eq!(DriveUse::after(None, &[]).generation, 1);
        assert_eq!(DriveUse::after(Some(used(4)), &[used(2), used(3)]).generation, 5);
        assert_eq!(DriveUse::after(Some(used(4)), &[used(9)]).generation, 10);
        assert_eq!(DriveUse::after(Some(used(u64::MAX)), &[]).generation, MAX_GENERATION);
        assert_ne!(DriveUse::after(None, &[]), DriveUse::after(None, &[]));
    }
}
