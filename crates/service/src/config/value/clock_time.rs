use std::fmt;
use std::str::FromStr;

use jiff::civil::Time;
use schemars::JsonSchema;
use strongroom_model::text::printable;

use crate::schedule::time_of_day;

/// A time of day, written `07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("pattern" = "^[0-2][0-9]:[0-5][0-9]$"))]
pub struct ClockTime(pub Time);

impl FromStr for ClockTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        time_of_day(text).map(Self).ok_or_else(|| {
            let shown = printable(text, super::MAX_SHOWN_CHARS);
            format!("{shown:?} is not a time of day: write it from \"00:00\" to \"23:59\"")
        })
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%H:%M"))
    }
}
