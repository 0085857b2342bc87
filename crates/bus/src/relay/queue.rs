//! One queue, and what is known to be in it: pure bookkeeping.
//!
//! What is published is remembered for as long as it is pending, so that it is not published
//! at every look, and so that it is missing when it gets lost.

use std::collections::HashMap;

use strongroom_eventlog::Work;
use strongroom_model::{Partition, Position, Recorded, SiteId, StageName, StreamName};
use tokio::time::Instant;

use crate::broker::{Depth, QueueName};

/// How many published events are remembered as pending, at most: those that are ready, and
/// those that workers have in hand. At 200 bytes each they are 4 MiB. Beyond it nothing more
/// is published into that queue until some are done.
const MAX_SENT: usize = 20_000;

/// A queue that the relay fills.
#[derive(Debug)]
pub(super) struct RelayQueue {
    pub(super) name: QueueName,
    pub(super) stage: StageName,
    pub(super) partition: Option<Partition>,
    /// All that is pending below was looked at since the last doubt.
    pub(super) cursor: Position,
    /// What was published and was pending at the last look.
    sent: HashMap<StreamName, Sent>,
    /// How many more may be published before its depth is asked for again.
    room: usize,
    /// When its depth was asked for last.
    pub(super) depth_at: Option<Instant>,
    /// How much it held then.
    pub(super) depth: Option<Depth>,
    /// Not to be tried before this: it was missing, or refused what it was given.
    pub(super) retry_at: Option<Instant>,
    /// Whether it was not there when it was last needed.
    pub(super) missing: bool,
    /// Whether it gave no answer when it was last needed: it is there, and does nothing.
    pub(super) stuck: bool,
    /// Whether it took nothing of what it was last given.
    pub(super) refuses: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    position: Position,
    /// From when on it counts as lost, if it is still pending and not in the queue.
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

    /// The work that belongs into it.
    pub(super) fn work(&self) -> Work<'_> {
        Work { stage: self.stage, partition: self.partition.as_ref() }
    }

    /// Begins at the log's first position again: nothing is known of the queue.
    pub(super) fn restart(&mut self) {
        self.cursor = Position(0);
        self.sent.clear();
        self.room = 0;
        self.depth_at = None;
        self.depth = None;
    }

    /// What the broker says of the queue.
    pub(super) fn observed(&mut self, depth: Depth, ready_most: u32, now: Instant) {
        self.depth = Some(depth);
        self.depth_at = Some(now);
        let room = ready_most.saturating_sub(depth.ready);
        self.room = usize::try_from(room).unwrap_or(usize::MAX);
    }

    /// Whether it is not to be tried now.
    pub(super) fn is_waiting(&self, now: Instant) -> bool {
        self.retry_at.is_some_and(|until| until > now)
    }

    /// How many may be published now.
    pub(super) fn room(&self) -> usize {
        self.room.min(MAX_SENT.saturating_sub(self.sent.len()))
    }

    /// Whether as many are remembered as may be.
    pub(super) fn is_crowded(&self) -> bool {
        self.sent.len() >= MAX_SENT
    }

    /// How many are remembered.
    pub(super) fn outstanding(&self) -> usize {
        self.sent.len()
    }

    /// Whether that event was published already.
    pub(super) fn was_published(&self, event: &Recorded) -> bool {
        self.sent.get(&event.stream).is_some_and(|sent| sent.position == event.position)
    }

    /// It was published, and lies in the queue; if it turns out not to, it counts as lost from `lost_at` on.
    pub(super) fn published(&mut self, stream: StreamName, position: Position, lost_at: Instant, sequence: u64) {
        self.room = self.room.saturating_sub(1);
        self.sent.insert(stream, Sent { position, lost_at, sequence });
    }

    /// The queue takes nothing more for now; `position` was not published.
    pub(super) fn refused(&mut self, position: Position, until: Instant) {
        self.room = 0;
        self.cursor = self.cursor.min(position);
        self.retry_at = Some(until);
    }

    /// The streams that are remembered.
    pub(super) fn streams(&self) -> Vec<StreamName> {
        self.sent.keys().cloned().collect()
    }

    /// Forgets what is not pending any more: `stands` says where streams stand now.
    pub(super) fn forget_done(&mut self, stands: impl Fn(&StreamName) -> Option<Position>) {
        self.sent.retain(|stream, sent| stands(stream) == Some(sent.position));
    }

    /// What counts as lost: published long ago, still pending, and not in the queue.
    ///
    /// What lies in a queue was published last, since it is taken in its order: of those that
    /// are remembered, all but the `ready` newest have left it.
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
        assert_eq!(queue.room(), 0, "more than the bound is no room");
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
