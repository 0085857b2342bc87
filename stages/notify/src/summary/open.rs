//! What was open at an interval's end. It follows only from events before that position, so that a repeated summary is
//! identical. Without folding the whole log: unchanged streams are read by their last events, changed ones are folded
//! up to the position.

mod alarms;
mod attention;
mod bookings;
mod drives;
pub(crate) mod hosts;
pub(crate) mod jobs;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::Position;

pub(crate) use self::alarms::LastingAlarm;
use self::alarms::LastingAlarms;
pub use self::attention::Attention;
pub(crate) use self::attention::{Group, Stuck};
pub use self::bookings::Claimed;
use self::drives::Drives;

/// About 300 KiB.
pub(crate) const PAGE: usize = 256;

/// What was open at a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Open {
    /// Bookings that were in progress.
    pub claimed: Claimed,
    /// Subjects that needed a person.
    pub attention: Attention,
    pub(crate) alarms: LastingAlarms,
    pub(crate) drives: Drives,
}

/// What was open at `to`.
pub async fn open_at(log: &EventLog, to: Position) -> Result<Open, LogError> {
    let (claimed, attention) = bookings::at(log, to).await?;
    Ok(Open { claimed, attention, alarms: alarms::at(log, to).await?, drives: drives::at(log, to).await? })
}
