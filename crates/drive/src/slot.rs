//! The place where a drive is mounted, whichever drive that is now.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use strongroom_model::ByteCount;

use crate::drive::{Drive, DriveSettings};
use crate::error::DriveError;

/// Where a drive is mounted. It may be missing when the process starts, and may be swapped
/// for another one while it runs.
#[derive(Debug)]
pub struct Slot {
    root: PathBuf,
    settings: DriveSettings,
    drive: Mutex<Option<Drive>>,
}

impl Slot {
    /// The slot at `root`, whose drives are opened with those settings.
    #[must_use]
    pub const fn new(root: PathBuf, settings: DriveSettings) -> Self {
        Self { root, settings, drive: Mutex::new(None) }
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
            return Ok(drive.clone());
        }
        // Gone, or swapped. What comes next may be another drive, if the configuration lets it.
        *slot = None;
        let drive = Drive::open(&self.root, &self.settings)?;
        *slot = Some(drive.clone());
        Ok(drive)
    }
}
