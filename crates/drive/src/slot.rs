use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_model::ByteCount;

use crate::admission::Admission;
use crate::bag::BagCache;
use crate::drive::{Drive, DriveSettings};
use crate::error::DriveError;

/// The mount folder of whichever drive is there. It may be missing at the start, and swapped at run time.
#[derive(Debug)]
pub struct Slot {
    root: PathBuf,
    settings: DriveSettings,
    admission: Option<Arc<dyn Admission>>,
    bags: BagCache,
    drive: Mutex<Option<Drive>>,
}

impl Slot {
    /// A slot at `root`.
    pub fn new(root: PathBuf, settings: DriveSettings) -> Self {
        Self { root, settings, admission: None, bags: BagCache::default(), drive: Mutex::new(None) }
    }

    /// Shares bags that others in this process read.
    #[must_use]
    pub fn sharing(self, bags: BagCache) -> Self {
        Self { bags, ..self }
    }

    /// Asks `admission` before each use of a drive.
    #[must_use]
    pub fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { admission: Some(admission), ..self }
    }

    /// The drive that is there now, checked again (R6). Blocks.
    pub fn drive(&self) -> Result<Drive, DriveError> {
        let mut slot = self.drive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drive) = &*slot
            && drive.check(ByteCount(0)).is_ok()
        {
            return self.admit(drive).map(|()| drive.clone());
        }
        // Gone or swapped. The configuration may allow another drive.
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
