//! The place where a drive is mounted, whichever drive that is now.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_model::ByteCount;

use crate::admission::Admission;
use crate::bag::BagCache;
use crate::drive::{Drive, DriveSettings};
use crate::error::DriveError;

/// Where a drive is mounted. It may be missing when the process starts, and may be swapped
/// for another one while it runs.
#[derive(Debug)]
pub struct Slot {
    root: PathBuf,
    settings: DriveSettings,
    admission: Option<Arc<dyn Admission>>,
    bags: BagCache,
    drive: Mutex<Option<Drive>>,
}

impl Slot {
    /// The slot at `root`, whose drives are opened with those settings.
    #[must_use]
    pub fn new(root: PathBuf, settings: DriveSettings) -> Self {
        Self { root, settings, admission: None, bags: BagCache::default(), drive: Mutex::new(None) }
    }

    /// The same, with what others in this process read of its bags.
    #[must_use]
    pub fn sharing(self, bags: BagCache) -> Self {
        Self { bags, ..self }
    }

    /// The same, where a drive is given out only if this allows it.
    #[must_use]
    pub fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { admission: Some(admission), ..self }
    }

    /// The drive that is there now, looked at anew: R6. Blocks.
    ///
    /// # Errors
    /// An obstacle: there is none, or none that may be used.
    pub fn drive(&self) -> Result<Drive, DriveError> {
        let mut slot = self.drive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drive) = &*slot
            && drive.check(ByteCount(0)).is_ok()
        {
            return self.admit(drive).map(|()| drive.clone());
        }
        // Gone, or swapped. What comes next may be another drive, if the configuration lets it.
        *slot = None;
        let drive = Drive::open_sharing(&self.root, &self.settings, self.bags.clone())?;
        self.admit(&drive)?;
        *slot = Some(drive.clone());
        Ok(drive)
    }

    fn admit(&self, drive: &Drive) -> Result<(), DriveError> {
        self.admission.as_ref().map_or(Ok(()), |admission| admission.admit(drive))
    }
}
