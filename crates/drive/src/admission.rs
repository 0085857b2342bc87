//! What else must allow that a drive is used, beyond the drive itself.

use std::fmt;

use crate::drive::Drive;
use crate::error::DriveError;

/// Says whether a drive may be used that was found well: whether it is the one that the log knows, and no clone of it.
///
/// It is asked by a [`Slot`](crate::Slot) each time before it gives a drive out, by many threads at once, where blocking is
/// allowed: what it knows already it should answer quickly. Nothing has been written to the drive by then, and nothing is
/// after an error, which is an obstacle; the slot is asked again until it is over.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Whether it may be used now.
    ///
    /// # Errors
    /// An obstacle.
    fn admit(&self, drive: &Drive) -> Result<(), DriveError>;
}
