//! All queues of a site: one for each stage, and for a partitioned stage one for each partition.

use std::collections::HashMap;

use strongroom_model::{Partition, Position, SiteId, StageName};

use crate::broker::Topology;

use super::queue::RelayQueue;

/// The queues that a relay fills.
#[derive(Debug)]
pub(super) struct RelayQueues {
    site: SiteId,
    all: Vec<RelayQueue>,
    /// Of each partitioned stage: all of its work below was looked at for partitions that are not known yet.
    pub(super) searched: HashMap<StageName, Position>,
    /// Whether a partition became known that has no queue yet.
    pub(super) undeclared: bool,
}

impl RelayQueues {
    pub(super) fn new(site: &SiteId) -> Self {
        let all = StageName::ALL.iter().copied().filter_map(|stage| RelayQueue::new(site, stage, None)).collect();
        Self { site: site.clone(), all, searched: HashMap::new(), undeclared: true }
    }

    /// A partition that a stage may have work in.
    pub(super) fn add_partition(&mut self, stage: StageName, partition: &Partition) {
        if self.all.iter().any(|queue| queue.stage == stage && queue.partition.as_ref() == Some(partition)) {
            return;
        }
        self.all.extend(RelayQueue::new(&self.site, stage, Some(partition.clone())));
        self.undeclared = true;
    }

    /// Begins at the log's first position again, with every queue: nothing is known of any.
    pub(super) fn restart(&mut self) {
        self.all.iter_mut().for_each(RelayQueue::restart);
        self.searched.clear();
    }

    /// Looks at all that is pending once more. What was published and is remembered is not
    /// published again.
    pub(super) fn rescan(&mut self) {
        self.all.iter_mut().for_each(|queue| queue.cursor = Position(0));
        self.searched.clear();
    }

    /// What the queues hold is not known any more, and not shown as it was.
    pub(super) fn forget_gauges(&self) {
        for queue in &self.all {
            let queue = queue.name.to_string();
            metrics::gauge!("strongroom_queue_ready", "queue" => queue.clone()).set(f64::NAN);
            metrics::gauge!("strongroom_queue_consumers", "queue" => queue).set(f64::NAN);
        }
        metrics::gauge!("strongroom_parked_messages", "site" => self.site.to_string()).set(f64::NAN);
    }

    /// What must be on the broker.
    pub(super) fn topology(&self) -> Topology {
        let partitions = self.all.iter().filter_map(|queue| Some((queue.stage, queue.partition.clone()?)));
        Topology::new(self.site.clone(), &partitions.collect::<Vec<_>>())
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &RelayQueue> {
        self.all.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> &mut RelayQueue {
        &mut self.all[index]
    }
}
