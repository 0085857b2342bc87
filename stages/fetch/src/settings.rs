use std::path::PathBuf;

use jiff::tz::TimeZone;
use strongroom_drive::BagCache;
use strongroom_model::{ByteCount, DriveId, SiteId};

/// Where files go, and how many at once.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// The site: the drive's first folder.
    pub site: SiteId,
    /// The drive's mount folder.
    pub root: PathBuf,
    /// The only accepted drive, if set.
    pub expect: Option<DriveId>,
    /// What must stay free on the drive.
    pub reserve: ByteCount,
    /// Concurrent downloads, over all batches.
    pub concurrency: usize,
    /// Files taken at a time, which share a sync at most.
    pub batch: usize,
    /// The time zone of the bags' months.
    pub zone: TimeZone,
    /// Bags that this process's stages share.
    pub bags: BagCache,
}
