use std::fmt;

use crate::drive::Drive;
use crate::error::DriveError;

/// Decides whether a healthy drive may be used: whether it is the one that the log knows, and not a clone of it.
///
/// A [`Slot`](crate::Slot) calls it before each use, from many threads, where blocking is allowed; repeated calls
/// should be fast. Nothing is written to the drive before it, or after an error.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Whether the drive may be used now.
    ///
    /// # Errors
    /// An obstacle.
    fn admit(&self, drive: &Drive) -> Result<(), DriveError>;
}
