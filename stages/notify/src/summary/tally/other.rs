//! Work of families that have no section of their own.

use std::collections::BTreeMap;

use strongroom_model::{Recorded, SubjectKind, status_of};

/// How often subjects of each kind got which status. Both are ours, so this is bounded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Other {
    /// The counts of each kind, by status label.
    pub kinds: BTreeMap<SubjectKind, BTreeMap<String, u64>>,
}

impl Other {
    pub(super) fn add(&mut self, recorded: &Recorded) {
        if recorded.event.keeps_status() {
            return;
        }
        if let Some(status) = status_of(&recorded.event) {
            let counts = self.kinds.entry(recorded.stream.kind()).or_default();
            *counts.entry(status.to_string()).or_default() += 1;
        }
    }
}
