//! A moment of a log, as people write it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use strongroom_eventlog::EventLog;
use strongroom_model::Position;
use strongroom_model::text::printable;

use crate::page::ViewError;

/// A moment of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// When the event at this position was the last.
    Position(Position),
    /// Before the first event that happened later. Clocks may be set back; cutting there keeps a prefix of the log.
    Time(Timestamp),
}

impl AsOf {
    /// How many events there were; fewer than all are before a time that is earlier than the log.
    ///
    /// # Errors
    /// The log does not reach the position, or cannot be read.
    pub async fn size(self, log: &EventLog) -> Result<u64, ViewError> {
        // Before the search, so that an event appended meanwhile is not included without having been compared.
        let size = log.head().await?.size;
        match self {
            Self::Position(last) if last.0 < size => Ok(last.0 + 1),
            Self::Position(asked) => Err(ViewError::AfterEnd { site: log.site().clone(), asked, size }),
            Self::Time(time) => Ok(log.first_after(time).await?.map_or(size, |first| first.0.min(size))),
        }
    }

    /// The last event's position.
    ///
    /// # Errors
    /// As [`AsOf::size`]; also if the log begins later.
    pub async fn position(self, log: &EventLog) -> Result<Position, ViewError> {
        let size = self.size(log).await?;
        let before = || ViewError::BeforeStart { site: log.site().clone(), asked: self };
        size.checked_sub(1).map(Position).ok_or_else(before)
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "position {position}"),
            Self::Time(time) => write!(f, "{time}"),
        }
    }
}

/// A text that is neither a position nor a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is neither a position nor a time: write a position such as 120, or a time such as \
     2026-11-20T23:00:00Z or 2026-11-20T23:00+01:00"
)]
pub struct ParseAsOfError(String);

impl FromStr for AsOf {
    type Err = ParseAsOfError;

    fn from_str(text: &str) -> Result<Self, ParseAsOfError> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(Position(position)));
        }
        text.parse().map(Self::Time).map_err(|_| ParseAsOfError(printable(text, 60)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_position_and_all_else_a_time() {
        assert_eq!("12".parse(), Ok(AsOf::Position(Position(12))));
        assert_eq!("2026-11-20T23:00:00Z".parse(), Ok(AsOf::Time("2026-11-20T23:00:00Z".parse().unwrap())));
        assert_eq!("2026-11-21T00:00+01:00".parse(), Ok(AsOf::Time("2026-11-20T23:00:00Z".parse().unwrap())));
        for bad in ["", "yesterday", "-1", "2026-11-20", "99999999999999999999999"] {
            assert!(bad.parse::<AsOf>().is_err(), "{bad}");
        }
    }
}
