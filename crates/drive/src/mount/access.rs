//! What a drive was opened for.

use super::Mount;
use crate::error::{DriveError, DriveErrorKind};
use crate::identity::Identity;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    /// It may be write-protected.
    Read,
    /// Also where only a copy of a drive is left, perhaps in memory: what is restored is checked by its digest.
    ReadAnyCopy,
}

impl Access {
    pub(super) fn identity(self, read: Result<Identity, DriveError>) -> Result<Identity, DriveError> {
        match (self, read) {
            (Self::ReadAnyCopy, Err(DriveError { kind: DriveErrorKind::Copied(identity), .. })) => Ok(*identity),
            (_, read) => read,
        }
    }
}

impl Mount {
    /// Every write passes here, whatever the file system would allow.
    pub(super) fn check_access_is_write(&self) -> Result<(), DriveError> {
        if self.access == Access::Write { Ok(()) } else { Err(DriveErrorKind::OpenedReadOnly.at(&self.root)) }
    }
}
