//! What an operator says of fetching.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use strongroom_drive::BagCache;
use strongroom_model::{ByteCount, DriveId, SiteId};

/// Where files go, and how many at once.
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// Whose files they are: the drive's first folder.
    pub site: SiteId,
    /// Where the drive is mounted.
    pub root: PathBuf,
    /// The only drive to write to; any that was set up where it is `None`.
    pub expect: Option<DriveId>,
    /// How much of the drive must stay free.
    pub reserve: ByteCount,
    /// How many files are downloaded at once, over all batches.
    pub concurrency: usize,
    /// How many files are taken at a time, and share a sync at most.
    pub batch: usize,
    /// Whose calendar months the bags are stamped with.
    pub zone: TimeZone,
    /// What the stages of this process have read of the drive's bags.
    pub bags: BagCache,
}
