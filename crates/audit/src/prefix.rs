//! The log's projection at an earlier position, made from the events.
//!
//! A question about the past costs time by the log's size, and a few hundred bytes for each subject.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError, StageBacklog, StreamHead};
use strongroom_model::{
    Position, Recorded, StageName, Status, StreamName, SubjectKind, next_step, partition_after, status_after,
};
use strongroom_proof::Head;
use strongroom_proof::merkle::Frontier;

use crate::listed::next_events;
use crate::page::Horizon;

#[derive(Debug, Default)]
pub(crate) struct Prefix {
    heads: HashMap<StreamName, StreamHead>,
    tree: Frontier,
    /// Events that this version cannot read: their subjects are shown as before.
    pub(crate) unreadable: u64,
}

impl Prefix {
    pub(crate) async fn read(log: &EventLog, horizon: Horizon) -> Result<Self, LogError> {
        let mut prefix = Self::default();
        let mut next = Position(0);
        while horizon.includes(next) {
            for stored in next_events(log, &mut next, horizon.end).await? {
                prefix.tree.push(stored.leaf_hash);
                match log.readable(&stored) {
                    Some(recorded) => prefix.take(&recorded),
                    None => prefix.unreadable += 1,
                }
            }
        }
        Ok(prefix)
    }

    pub(crate) fn take(&mut self, recorded: &Recorded) {
        let before = self.heads.get(&recorded.stream);
        let status = status_after(before.and_then(|head| head.status.as_ref()), &recorded.event);
        let partition = partition_after(before.and_then(|head| head.partition.as_ref()), &recorded.event);
        let head = StreamHead {
            stream: recorded.stream.clone(),
            first_position: before.map_or(recorded.position, |head| head.first_position),
            position: recorded.position,
            version: recorded.version,
            next: next_step(&recorded.event),
            status,
            partition,
        };
        self.heads.insert(recorded.stream.clone(), head);
    }

    pub(crate) fn head(&self) -> Head {
        Head { size: self.tree.size(), root: self.tree.root() }
    }

    pub(crate) fn delayed(&self, stage: StageName) -> Vec<Position> {
        let waits = |head: &&StreamHead| head.next.is_some_and(|next| next.stage == stage && next.not_before.is_some());
        let mut positions: Vec<_> = self.heads.values().filter(waits).map(|head| head.position).collect();
        positions.sort_unstable();
        positions
    }

    pub(crate) fn counts(&self, kind: SubjectKind) -> Vec<(Status, u64)> {
        let mut counts = BTreeMap::new();
        for status in self.of(kind).filter_map(|head| head.status.clone()) {
            *counts.entry(status).or_default() += 1;
        }
        counts.into_iter().collect()
    }

    pub(crate) fn backlog(&self) -> Vec<StageBacklog> {
        let mut stages: BTreeMap<&str, StageBacklog> = BTreeMap::new();
        for next in self.heads.values().filter_map(|head| head.next) {
            let empty = StageBacklog { stage: next.stage, at_once: 0, delayed: 0, first_due_at: None };
            let stage = stages.entry(next.stage.name()).or_insert(empty);
            match next.not_before {
                None => stage.at_once += 1,
                Some(due) => {
                    stage.delayed += 1;
                    stage.first_due_at = Some(stage.first_due_at.map_or(due, |first: Timestamp| first.min(due)));
                }
            }
        }
        stages.into_values().collect()
    }

    /// By the position of their last event.
    pub(crate) fn with_status(
        &self,
        kind: SubjectKind,
        status: &str,
        from: Position,
        limit: usize,
    ) -> Vec<&StreamHead> {
        let has = |head: &&StreamHead| head.status.as_ref().is_some_and(|known| known.as_str() == status);
        let mut heads: Vec<_> = self.of(kind).filter(has).filter(|head| head.position >= from).collect();
        heads.sort_by_key(|head| head.position);
        heads.truncate(limit);
        heads
    }

    fn of(&self, kind: SubjectKind) -> impl Iterator<Item = &StreamHead> {
        self.heads.values().filter(move |head| head.stream.kind() == kind)
    }
}
