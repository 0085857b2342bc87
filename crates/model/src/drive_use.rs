//! The uses of a drive, marked on it and in the log. A clone lacks all later marks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::id::UseToken;

/// The greatest number of a use, 100 a second for 300 years: a higher one is forged.
pub const MAX_GENERATION: u64 = 1_000_000_000_000;

/// One use of a drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct DriveUse {
    /// Its number, from 1; simultaneous uses may share one.
    pub generation: u64,
    /// Random: not even a clone has it.
    pub token: UseToken,
}

impl DriveUse {
    /// A new use, numbered after all known ones.
    #[must_use]
    pub fn after(newest: Option<Self>, marks: &[Self]) -> Self {
        let before = marks.iter().chain(&newest).map(|one| one.generation).max().unwrap_or(0);
        Self { generation: before.saturating_add(1).min(MAX_GENERATION), token: UseToken::random() }
    }

    /// The use that an event records.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        match event {
            Event::DriveUsed(data) => Some(Self { generation: data.generation, token: data.token }),
            Event::DriveAdopted(data) => Some(Self { generation: data.generation, token: data.token }),
            _ => None,
        }
    }
}

/// How a drive's marks relate to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// The log has no use yet.
    New,
    /// The newest use's mark is there: it was used last, or cloned since.
    Continues,
    /// All kept marks are newer than the log, whose checkpoints show whether it is the right one.
    Ahead,
    /// The newest mark is missing: a clone, an older image, or lost writes.
    Broken,
}

impl Lineage {
    /// Compares marks with the log's newest use.
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
