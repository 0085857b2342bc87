use std::fmt;

use crate::drive::Drive;
use crate::error::DriveError;

/// Decides whether a healthy drive may be used: whether the log knows it, and it is not a clone. A
/// [`Slot`](crate::Slot) asks before each use, from many threads that may block. Nothing is written to the drive
/// before, or after an error.
pub trait Admission: fmt::Debug + Send + Sync {
    /// An error is an obstacle: the drive is not used, and the slot asks again. Answer known drives quickly.
    fn admit(&self, drive: &Drive) -> Result<(), DriveError>;
}
