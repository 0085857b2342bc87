//! The drives that an act names.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_drive::{Drive, DriveError, DriveErrorKind, DriveSettings};
use strongroom_model::event::MountedDrive;
use strongroom_model::{ByteCount, DriveId};

/// Decides which drives may be read and written, by what the log knows of them (R6). May block.
pub trait DriveGate: fmt::Debug + Send + Sync {
    /// Before a drive is read: an error if it is a clone.
    fn recognise(&self, drive: &Drive) -> Result<(), DriveError>;

    /// Before a drive is written: leaves a mark of the use on it and in the log.
    fn admit(&self, drive: &Drive) -> Result<(), DriveError>;

    /// After a drive was written: leaves the log's newest checkpoint on it.
    fn seal(&self, drive: &Drive) -> Result<(), DriveError>;
}

/// Opens drives where they were mounted when an act was requested, or where the configuration has one. Everything blocks.
#[derive(Debug, Clone)]
pub struct Drives {
    gate: Arc<dyn DriveGate>,
    configured: Option<PathBuf>,
    reserve: ByteCount,
    written: Arc<Mutex<HashMap<(PathBuf, DriveId), Drive>>>,
}

impl Drives {
    /// Drives behind that gate; `configured` is the mount folder of the configuration, `reserve` what must stay free.
    pub fn new(gate: Arc<dyn DriveGate>, configured: Option<PathBuf>, reserve: ByteCount) -> Self {
        Self { gate, configured, reserve, written: Arc::default() }
    }

    /// The mount folder of the configuration.
    pub fn configured(&self) -> Option<&Path> {
        self.configured.as_deref()
    }

    pub(crate) fn to_read(&self, mounted: &MountedDrive) -> Result<Drive, DriveError> {
        self.at_either(mounted, |path| {
            let drive = Drive::open_read_only(path, Some(mounted.drive))?;
            self.gate.recognise(&drive)?;
            Ok(drive)
        })
    }

    pub(crate) fn to_write(&self, mounted: &MountedDrive) -> Result<Drive, DriveError> {
        self.at_either(mounted, |path| {
            let key = (path.to_owned(), mounted.drive);
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(drive) = written.get(&key)
                && drive.check(ByteCount(0)).is_ok()
            {
                self.gate.recognise(drive)?;
                return Ok(drive.clone());
            }
            written.remove(&key);
            let settings = DriveSettings { reserve: Some(self.reserve), expect: Some(mounted.drive) };
            let drive = Drive::open(path, &settings)?;
            self.gate.admit(&drive)?;
            written.insert(key, drive.clone());
            Ok(drive)
        })
    }

    pub(crate) fn seal(&self, drive: &Drive) -> Result<(), DriveError> {
        self.gate.seal(drive)
    }

    /// Where it was, and else at the configured place: drives are mounted elsewhere after a restart. The first error counts.
    fn at_either(
        &self,
        mounted: &MountedDrive,
        open: impl Fn(&Path) -> Result<Drive, DriveError>,
    ) -> Result<Drive, DriveError> {
        let there = Path::new(&mounted.path);
        let error = match open(there) {
            Ok(drive) => return Ok(drive),
            Err(error) => error,
        };
        let is_elsewhere = matches!(
            error.kind,
            DriveErrorKind::Missing
                | DriveErrorKind::NotMounted
                | DriveErrorKind::NotSetUp
                | DriveErrorKind::OtherDrive { .. }
        );
        match self.configured.as_deref().filter(|configured| is_elsewhere && *configured != there) {
            Some(configured) => open(configured).map_err(|_| error),
            None => Err(error),
        }
    }
}
