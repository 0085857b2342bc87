//! The place where a drive is mounted, whichever drive that is now.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use strongroom_drive::{Drive, DriveError, DriveSettings};
use strongroom_model::{ByteCount, DriveId};

/// Where a drive is mounted. It may be missing when the process starts, and may be swapped
/// for another one while it runs.
#[derive(Debug)]
pub(crate) struct Slot {
    root: PathBuf,
    settings: DriveSettings,
    drive: Mutex<Option<Drive>>,
}

impl Slot {
    /// The slot at `root`, for that one drive, or for any that was set up.
    pub(crate) fn new(root: PathBuf, expect: Option<DriveId>) -> Self {
        // What is read back is on the drive already, and a manifest is what the reserve is for:
        // a drive that is full for fetching is not for proving.
        let settings = DriveSettings { reserve: ByteCount(0), expect };
        Self { root, settings, drive: Mutex::new(None) }
    }

    /// The drive that is there now, looked at anew. Blocks.
    ///
    /// # Errors
    /// An obstacle: there is none, or none that may be used.
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
