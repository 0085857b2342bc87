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
