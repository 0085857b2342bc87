use std::collections::HashMap;

use strongroom_model::{Partition, Position, SiteId, StageName};

use crate::broker::Topology;

use super::queue::RelayQueue;

#[derive(Debug)]
pub(super) struct RelayQueues {
    site: SiteId,
    pub(super) all: Vec<RelayQueue>,
    /// For each partitioned stage: all of its work below was searched for unknown partitions.
    pub(super) searched: HashMap<StageName, Position>,
    pub(super) undeclared: bool,
}

impl RelayQueues {
    pub(super) fn new(site: &SiteId) -> Self {
        let all = StageName::ALL.iter().copied().filter_map(|stage| RelayQueue::new(site, stage, None)).collect();
        Self { site: site.clone(), all, searched: HashMap::new(), undeclared: true }
    }

    pub(super) fn add_partition(&mut self, stage: StageName, partition: &Partition) {
        if self.all.iter().any(|queue| queue.stage == stage && queue.partition.as_ref() == Some(partition)) {
            return;
        }
        self.all.extend(RelayQueue::new(&self.site, stage, Some(partition.clone())));
        self.undeclared = true;
    }

    pub(super) fn restart(&mut self) {
        self.all.iter_mut().for_each(RelayQueue::restart);
        self.searched.clear();
    }

    /// Reads all that is pending again; what is remembered as published is not published again.
    pub(super) fn rescan(&mut self) {
        self.all.iter_mut().for_each(|queue| queue.cursor = Position(0));
        self.searched.clear();
    }

    /// Depths are unknown now, and must not be shown as they were.
    pub(super) fn forget_gauges(&self) {
        for queue in &self.all {
            let queue = queue.name.to_string();
            metrics::gauge!("strongroom_queue_ready", "queue" => queue.clone()).set(f64::NAN);
            metrics::gauge!("strongroom_queue_consumers", "queue" => queue).set(f64::NAN);
        }
        metrics::gauge!("strongroom_parked_messages", "site" => self.site.to_string()).set(f64::NAN);
    }

    pub(super) fn topology(&self) -> Topology {
        let partitions = self.all.iter().filter_map(|queue| Some((queue.stage, queue.partition.clone()?)));
        Topology::new(self.site.clone(), &partitions.collect::<Vec<_>>())
    }
}
