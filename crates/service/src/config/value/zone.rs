use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use strongroom_model::text::printable;

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(with = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone's rules.
    pub fn time_zone(&self) -> TimeZone {
        self.zone.clone()
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(zone) = TimeZone::get(text) {
            return Ok(Self { name: text.to_owned(), zone });
        }
        let shown = printable(text, super::MAX_SHOWN_CHARS);
        if TimeZone::get("Europe/London").is_err() {
            return Err(format!(
                "{shown:?} cannot be looked up: this host has no time zone database; install the package `tzdata`"
            ));
        }
        Err(format!(
            "{shown:?} is not a time zone: write its name in the IANA database, such as \"Europe/Berlin\" \
             (`timedatectl list-timezones` lists them)"
        ))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
