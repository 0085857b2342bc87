//! Which work waits, and for whom.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::presence::Waiting;
use strongroom_model::{Partition, Position, Recorded, StageName, StreamName};

/// How much of a stage's work is looked through at a time for the drives or hosts that it is bound to.
const PAGE: usize = 512;

/// What is known of the work that waits. That of drives and hosts is found by looking through all of it, a page at
/// each look.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bound: BTreeMap<StageName, Bound>,
}

/// The work of a stage with partitions.
#[derive(Debug, Default)]
struct Bound {
    next: Position,
    /// Of each partition, one piece of work that waits.
    partitions: BTreeMap<Partition, (StreamName, Position)>,
}

impl Backlog {
    /// The work that waits at the moment, by what was seen in so many pages at least.
    pub(crate) async fn look(
        &mut self,
        log: &EventLog,
        now: Timestamp,
        pages: usize,
    ) -> Result<Vec<Waiting>, LogError> {
        let mut work = Vec::new();
        for &stage in StageName::ALL {
            if stage.is_partitioned() {
                let bound = self.bound.entry(stage).or_default();
                bound.look(log, stage, now, pages).await?;
                let waiting = |partition: &Partition| Waiting { stage, partition: Some(partition.clone()) };
                work.extend(bound.partitions.keys().map(waiting));
            } else if !log.pending(stage, Position(0), 1).await?.is_empty() || !log.due(stage, now, 1).await?.is_empty()
            {
                work.push(Waiting { stage, partition: None });
            }
        }
        Ok(work)
    }
}

impl Bound {
    async fn look(&mut self, log: &EventLog, stage: StageName, now: Timestamp, pages: usize) -> Result<(), LogError> {
        let streams: Vec<StreamName> = self.partitions.values().map(|(stream, _)| stream.clone()).collect();
        if !streams.is_empty() {
            let heads = log.heads(&streams).await?;
            let stands = |stream: &StreamName| heads.get(stream).map(|head| head.position);
            self.partitions.retain(|_, (stream, position)| stands(stream) == Some(*position));
        }
        let due = log.due(stage, now, PAGE).await?;
        self.see(log, due).await?;
        for _ in 0..pages {
            let page = log.pending(stage, self.next, PAGE).await?;
            let last = page.last().map(|last| last.position.next()).filter(|_| page.len() >= PAGE);
            self.see(log, page).await?;
            self.next = last.unwrap_or_default();
            if last.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn see(&mut self, log: &EventLog, waiting: Vec<Recorded>) -> Result<(), LogError> {
        if waiting.is_empty() {
            return Ok(());
        }
        let streams: Vec<StreamName> = waiting.into_iter().map(|event| event.stream).collect();
        for head in log.heads(&streams).await?.into_values() {
            if let Some(partition) = head.partition {
                self.partitions.entry(partition).or_insert((head.stream, head.position));
            }
        }
        Ok(())
    }
}
