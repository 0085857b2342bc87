//! Which work waits, and for whom.

use std::collections::BTreeMap;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::presence::Waiting;
use strongroom_model::{DriveId, Position, Recorded, StageName, StreamName};

/// How many of the copies that wait to be proven are looked through at a time for the drives that they are on.
const PAGE: usize = 512;

/// What is known of the work that waits: verify's is of drives, which are found by looking all of it through, a
/// page at each look.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    next: Position,
    /// Of each drive, one copy that waits.
    drives: BTreeMap<DriveId, (StreamName, Position)>,
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
            let waits =
                !log.pending(stage, Position(0), 1).await?.is_empty() || !log.due(stage, now, 1).await?.is_empty();
            if stage == StageName::Verify {
                self.drives(log, now, pages).await?;
                work.extend(self.drives.keys().map(|drive| Waiting { stage, drive: Some(*drive) }));
            } else if waits {
                work.push(Waiting { stage, drive: None });
            }
        }
        Ok(work)
    }

    async fn drives(&mut self, log: &EventLog, now: Timestamp, pages: usize) -> Result<(), LogError> {
        let streams: Vec<StreamName> = self.drives.values().map(|(stream, _)| stream.clone()).collect();
        if !streams.is_empty() {
            let heads = log.heads(&streams).await?;
            let stands = |stream: &StreamName| heads.get(stream).map(|head| head.position);
            self.drives.retain(|_, (stream, position)| stands(stream) == Some(*position));
        }
        let due = log.due(StageName::Verify, now, PAGE).await?;
        self.see(log, due).await?;
        for _ in 0..pages {
            let page = log.pending(StageName::Verify, self.next, PAGE).await?;
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
        let streams: Vec<StreamName> = waiting.into_iter().map(|event| event.stream).collect();
        for head in log.heads(&streams).await?.into_values() {
            if let Some(drive) = head.partition.and_then(|partition| partition.as_str().parse().ok()) {
                self.drives.entry(drive).or_insert((head.stream, head.position));
            }
        }
        Ok(())
    }
}
