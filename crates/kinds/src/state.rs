//! What a job keeps from one operation to the next.

use serde::{Deserialize, Serialize};
use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::{Outcome, Report, Request};

use crate::proof::Coverage;

/// How many runs are remembered, for what is usual: a week of nightly ones.
const REMEMBERED: usize = 7;

/// What a job keeps. Small: the host takes 16 KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// When the last transfer began, in seconds since 1970.
    pub(crate) transferred_at_s: Option<i64>,
    /// When the last good proof began, in seconds since 1970.
    pub(crate) verified_at_s: Option<i64>,
    /// Files that the source had then.
    pub(crate) seen: Option<u64>,
    /// Deletions of the last runs.
    pub(crate) deletions: Vec<u64>,
    /// Sizes of the last outputs.
    pub(crate) sizes: Vec<u64>,
    /// Which parts were read when.
    pub(crate) coverage: Coverage,
}

impl State {
    /// A state that cannot be read is none: it only makes the brake forget what is usual.
    pub(crate) fn of(request: &Request) -> Self {
        serde_json::from_value(request.state.clone()).unwrap_or_default()
    }

    /// Keeps what a transfer did that began then, if it came to its end.
    pub(crate) fn transferred(&mut self, report: &Report, began_at_s: i64, deletes: bool) {
        if !matches!(report.outcome, Outcome::Done | Outcome::Nothing | Outcome::Partial) {
            return;
        }
        self.transferred_at_s = Some(began_at_s);
        self.seen = Some(report.counts.seen);
        if deletes {
            remember(&mut self.deletions, report.counts.deleted);
        }
    }

    pub(crate) fn sized(&mut self, bytes: u64) {
        remember(&mut self.sizes, bytes);
    }

    pub(crate) fn say(&self, speaker: &Speaker) {
        speaker.state(serde_json::to_value(self).expect("a state has string keys only"));
    }
}

fn remember(list: &mut Vec<u64>, value: u64) {
    list.push(value);
    let surplus = list.len().saturating_sub(REMEMBERED);
    list.drain(..surplus);
}

/// The middle one of what is remembered.
pub(crate) fn median(list: &[u64]) -> Option<u64> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use strongroom_plugin::protocol::Counts;

    use super::*;

    fn report(deleted: u64) -> Report {
        Report::new(Outcome::Done, "").counts(Counts { deleted, ..Counts::default() }, 0)
    }

    #[test]
    fn a_week_is_remembered() {
        let mut state = State::default();
        for count in 0..10 {
            state.transferred(&report(count), 0, true);
        }
        assert_eq!(state.deletions, [3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(median(&state.deletions), Some(6));
        assert_eq!(median(&[]), None);
    }
}
