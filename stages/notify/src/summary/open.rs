//! What was open where an interval ended, whatever has happened since.
//!
//! It follows from the events before that position alone, so that a summary which is sent
//! again reads the same. It is found without folding the whole log: what stands as it stood
//! then is read off the streams' last events, and what has moved since is folded up to there.

mod alarms;
mod attention;
mod bookings;
mod drives;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::Position;

pub use self::alarms::{StandingAlarm, StandingAlarms};
pub use self::attention::{Attention, Group, Stuck};
pub use self::bookings::InHand;
pub use self::drives::Drives;

/// How many events or streams are read at a time: a page of about 300 KiB.
pub(crate) const PAGE: usize = 256;

/// What was open at a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Open {
    /// Bookings that were on their way.
    pub in_hand: InHand,
    /// Bookings that only a person could lead on.
    pub attention: Attention,
    /// Conditions that lasted.
    pub alarms: StandingAlarms,
    /// The drives.
    pub drives: Drives,
}

/// What was open where the interval that ends at `to` ended.
///
/// # Errors
/// The log could not be read.
pub async fn open_at(log: &EventLog, to: Position) -> Result<Open, LogError> {
    let (in_hand, attention) = bookings::at(log, to).await?;
    Ok(Open { in_hand, attention, alarms: alarms::at(log, to).await?, drives: drives::at(log, to).await? })
}
