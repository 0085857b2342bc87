use std::fmt;

use crate::drive::Drive;
use crate::error::DriveError;

/// Decides whether a healthy drive may be used: whether it is the one that the log knows, and not a clone of it. A
/// [`Slot`](crate::Slot) asks before each use, from many threads, where blocking is allowed. Nothing is written to the
/// drive before, or after an error.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Whether the drive may be used now.
    fn admit(&self, drive: &Drive) -> Result<(), DriveError>;
}
