//! The place where a drive is mounted, whichever drive that is now.

use std::sync::{Mutex, PoisonError};

use strongroom_drive::{Drive, DriveError, DriveSettings};
use strongroom_model::ByteCount;

use crate::settings::FetchSettings;

/// Where a drive is mounted. It may be missing when the process starts, and may be swapped
/// for another one while it runs.
#[derive(Debug)]
pub(crate) struct Slot {
    root: std::path::PathBuf,
    settings: DriveSettings,
    drive: Mutex<Option<Drive>>,
}

impl Slot {
    pub(crate) fn new(settings: &FetchSettings) -> Self {
        Self {
            root: settings.root.clone(),
            settings: DriveSettings { reserve: settings.reserve, expect: settings.expect },
            drive: Mutex::new(None),
        }
    }

    /// The drive that is there now, looked at anew: R6. Blocks.
    ///
    /// # Errors
    /// An obstacle: there is none, or none that may be written to.
    pub(crate) fn drive(&self) -> Result<Drive, DriveError> {
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
