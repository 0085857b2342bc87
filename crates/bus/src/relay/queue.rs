//! What is known of one queue. Published events are remembered while they are pending, so as not to be published
//! again, and to notice their loss.

use std::collections::HashMap;

use strongroom_eventlog::Work;
use strongroom_model::{Partition, Position, Recorded, SiteId, StageName, StreamName};
use tokio::time::Instant;

use crate::broker::{Depth, QueueName};

/// Remembered events, ready or in flight. At 200 bytes each they are 4 MiB. Beyond it nothing is published into that
/// queue.
const MAX_SENT: usize = 20_000;

#[derive(Debug)]
pub(super) struct RelayQueue {
    pub(super) name: QueueName,
    pub(super) stage: StageName,
    pub(super) partition: Option<Partition>,
    /// Every pending event before this position has been read since the last restart.
    pub(super) cursor: Position,
    sent: HashMap<StreamName, Sent>,
    /// How many more may be published before its depth is queried.
    room: usize,
    pub(super) depth_at: Option<Instant>,
    pub(super) depth: Option<Depth>,
    /// It was missing, stuck, or refused messages.
    pub(super) retry_at: Option<Instant>,
    pub(super) missing: bool,
    pub(super) stuck: bool,
    pub(super) refuses: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    position: Position,
    /// When it counts as lost, if it is still pending and not in the queue.
    lost_at: Instant,
    /// In the order of publishing.
    sequence: u64,
}

impl RelayQueue {
    pub(super) fn new(site: &SiteId, stage: StageName, partition: Option<Partition>) -> Option<Self> {
        Some(Self {
            name: QueueName::stage(site, stage, partition.as_ref())?,
            stage,
            partition,
            cursor: Position(0),
            sent: HashMap::new(),
            room: 0,
            depth_at: None,
            depth: None,
            retry_at: None,
            missing: false,
            stuck: false,
            refuses: false,
        })
    }

    pub(super) fn work(&self) -> Work<'_> {
        Work { stage: self.stage, partition: self.partition.as_ref() }
    }

    pub(super) fn restart(&mut self) {
        self.cursor = Position(0);
        self.sent.clear();
        self.room = 0;
        self.depth_at = None;
        self.depth = None;
    }

    pub(super) fn observed(&mut self, depth: Depth, ready_most: u32, now: Instant) {
        self.depth = Some(depth);
        self.depth_at = Some(now);
        let room = ready_most.saturating_sub(depth.ready);
        self.room = usize::try_from(room).unwrap_or(usize::MAX);
    }

    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|until| until > now)
    }

    pub(super) fn room(&self) -> usize {
        self.room.min(MAX_SENT.saturating_sub(self.sent.len()))
    }

    pub(super) fn is_crowded(&self) -> bool {
        self.sent.len() >= MAX_SENT
    }

    pub(super) fn outstanding(&self) -> usize {
        self.sent.len()
    }

    pub(super) fn was_published(&self, event: &Recorded) -> bool {
        self.sent.get(&event.stream).is_some_and(|sent| sent.position == event.position)
    }

    pub(super) fn published(&mut self, stream: StreamName, position: Position, lost_at: Instant, sequence: u64) {
        self.room = self.room.saturating_sub(1);
        self.sent.insert(stream, Sent { position, lost_at, sequence });
    }

    /// It is full; `position` was not published.
    pub(super) fn refused(&mut self, position: Position, until: Instant) {
        self.room = 0;
        self.cursor = self.cursor.min(position);
        self.retry_at = Some(until);
    }

    pub(super) fn streams(&self) -> Vec<StreamName> {
        self.sent.keys().cloned().collect()
    }

    pub(super) fn forget_done(&mut self, head_of: impl Fn(&StreamName) -> Option<Position>) {
        self.sent.retain(|stream, sent| head_of(stream) == Some(sent.position));
    }

    /// Published long ago, still pending, and not in the queue. A queue is first in, first out: all but the `ready`
    /// newest have left it.
    pub(super) fn lost(&self, ready: u32, now: Instant, most: usize) -> Vec<Position> {
        let mut sent: Vec<&Sent> = self.sent.values().collect();
        sent.sort_unstable_by_key(|sent| sent.sequence);
        let left = sent.len().saturating_sub(usize::try_from(ready).unwrap_or(usize::MAX));
        let old = |sent: &&&Sent| now >= sent.lost_at;
        sent[..left].iter().filter(old).map(|sent| sent.position).take(most).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn queue() -> RelayQueue {
        RelayQueue::new(&"harbour".parse().unwrap(), StageName::Fetch, None).unwrap()
    }

    fn stream(n: u64) -> StreamName {
        format!("booking/{n}").parse().unwrap()
    }

    fn depth(ready: u32, consumers: u32) -> Depth {
        Depth { ready, consumers }
    }

    #[test]
    fn a_queue_is_filled_up_to_its_bound_and_no_further() {
        let (mut queue, now) = (queue(), Instant::now());
        queue.observed(depth(7, 1), 10, now);
        assert_eq!(queue.room(), 3);
        for n in 0..3 {
            queue.published(stream(n), Position(n), now, n);
        }
        assert_eq!(queue.room(), 0);
        queue.observed(depth(12, 1), 10, now);
        assert_eq!(queue.room(), 0, "beyond the bound there is no room");
    }

    #[test]
    fn only_what_left_the_queue_long_ago_counts_as_lost() {
        let (mut queue, now) = (queue(), Instant::now());
        queue.observed(depth(0, 1), 10, now);
        let later = now + Duration::from_secs(60);
        for n in 0..5 {
            queue.published(stream(n), Position(n), later, n);
        }
        assert_eq!(queue.lost(0, now, 99), []);
        assert_eq!(queue.lost(5, later, 99), []);
        assert_eq!(queue.lost(3, later, 99), [Position(0), Position(1)]);
        assert_eq!(queue.lost(0, later, 2), [Position(0), Position(1)]);
        queue.forget_done(|stream| (stream.id() != "0").then(|| Position(stream.id().parse().unwrap())));
        assert_eq!(queue.lost(3, later, 99), [Position(1)]);
    }

    #[test]
    fn what_was_refused_is_looked_at_again() {
        let (mut queue, now) = (queue(), Instant::now());
        queue.observed(depth(0, 1), 10, now);
        queue.cursor = Position(9);
        queue.refused(Position(4), now);
        assert_eq!((queue.cursor, queue.room()), (Position(4), 0));
    }
}
