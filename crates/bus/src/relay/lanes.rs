//! All queues of a site: one for each stage, and one for each drive that has something to be
//! proven.

use strongroom_model::{DriveId, Position, SiteId, StageName};

use crate::broker::Topology;

use super::lane::Lane;

/// The queues that a relay fills.
#[derive(Debug)]
pub(super) struct Lanes {
    site: SiteId,
    all: Vec<Lane>,
    /// All of verify's work below was looked at for drives that are not known yet.
    pub(super) searched: Position,
    /// Whether a drive became known that has no queue yet.
    pub(super) grown: bool,
}

impl Lanes {
    pub(super) fn new(site: &SiteId) -> Self {
        let all = StageName::ALL.into_iter().filter_map(|stage| Lane::new(site, stage, None)).collect();
        Self { site: site.clone(), all, searched: Position(0), grown: true }
    }

    /// A drive that may have work.
    pub(super) fn know(&mut self, drive: DriveId) {
        if self.all.iter().any(|lane| lane.drive == Some(drive)) {
            return;
        }
        self.all.extend(Lane::new(&self.site, StageName::Verify, Some(drive)));
        self.grown = true;
    }

    /// Begins at the log's first position again, with every queue: nothing is known of any.
    pub(super) fn restart(&mut self) {
        self.all.iter_mut().for_each(Lane::restart);
        self.searched = Position(0);
    }

    /// Looks at all that is pending once more. What was published and is remembered is not
    /// published again.
    pub(super) fn rescan(&mut self) {
        self.all.iter_mut().for_each(|lane| lane.cursor = Position(0));
        self.searched = Position(0);
    }

    /// What the queues hold is not known any more, and not shown as it was.
    pub(super) fn forget_gauges(&self) {
        for lane in &self.all {
            let queue = lane.queue.to_string();
            metrics::gauge!("strongroom_queue_ready", "queue" => queue.clone()).set(f64::NAN);
            metrics::gauge!("strongroom_queue_consumers", "queue" => queue).set(f64::NAN);
        }
        metrics::gauge!("strongroom_parked_messages", "site" => self.site.to_string()).set(f64::NAN);
    }

    /// What must be on the broker.
    pub(super) fn topology(&self) -> Topology {
        let drives: Vec<DriveId> = self.all.iter().filter_map(|lane| lane.drive).collect();
        Topology::new(self.site.clone(), &drives)
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Lane> {
        self.all.iter()
    }

    pub(super) fn get_mut(&mut self, index: usize) -> &mut Lane {
        &mut self.all[index]
    }
}
