//! Up to where a log is replayed.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use strongroom_model::text::printable;
use strongroom_model::{Position, Recorded};

/// The last moment that a replay includes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// Up to and with the event at this position.
    Position(Position),
    /// Up to, but without, the first event that happened later. Clocks may be set back; cutting there keeps a prefix of
    /// the log.
    Time(Timestamp),
}

impl AsOf {
    /// Whether an event is included.
    #[must_use]
    pub fn includes(self, recorded: &Recorded) -> bool {
        match self {
            Self::Position(last) => recorded.position <= last,
            Self::Time(last) => recorded.time <= last,
        }
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
    use crate::samples;

    #[test]
    fn digits_are_a_position_and_all_else_a_time() {
        assert_eq!("12".parse(), Ok(AsOf::Position(Position(12))));
        assert_eq!("2026-11-20T23:00:00Z".parse(), Ok(AsOf::Time("2026-11-20T23:00:00Z".parse().unwrap())));
        assert_eq!("2026-11-21T00:00+01:00".parse(), Ok(AsOf::Time("2026-11-20T23:00:00Z".parse().unwrap())));
        for bad in ["", "yesterday", "-1", "2026-11-20", "99999999999999999999999"] {
            assert!(bad.parse::<AsOf>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_named_moment_itself_is_included() {
        let recorded = samples::enumerated("B-1");
        assert!(AsOf::Position(Position(0)).includes(&recorded));
        assert!(AsOf::Time(recorded.time).includes(&recorded));
        assert!(!AsOf::Time("2026-11-20T22:59:59Z".parse().unwrap()).includes(&recorded));
    }
}
