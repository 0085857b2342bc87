//! Ids, each of its own type.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::macros::serde_as_text;
use crate::text::printable;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: {rule}")]
pub struct ParseIdError {
    /// The expected kind.
    pub what: &'static str,
    /// Printable and shortened.
    pub text: String,
    /// What such an id looks like.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$meta:meta])* $name:ident, $what:literal, $accepts:expr, $rule:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl $name {
            /// As text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ParseIdError { what: $what, text: printable(text, 60), rule: $rule })
                }
            }
        }

        serde_as_text!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

macro_rules! uuid_id {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(with = "String", extend("format" = "uuid"))]
        pub struct $name(pub Uuid);

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError {
                    what: $what,
                    text: printable(text, 60),
                    rule: "it is a UUID, such as 0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11",
                })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

text_id!(
    /// A document server and its records.
    SiteId,
    "a site name",
    is_label,
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen"
);

text_id!(
    /// A backup job's name, as the configuration has it.
    JobName,
    "a job's name",
    is_label,
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen"
);

text_id!(
    /// A host on which jobs run: its name up to the first dot.
    HostName,
    "a host's name",
    is_label,
    "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen"
);

impl HostName {
    /// What a system calls itself, as far as it can be a name here: its first label in lower case, other characters
    /// as hyphens. `host` where nothing is left.
    #[must_use]
    pub fn of_system(name: &str) -> Self {
        let first = name.split('.').next().unwrap_or_default().to_lowercase();
        let fits = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let label: String = first.chars().map(fits).take(63).collect();
        label.trim_matches('-').parse().unwrap_or_else(|_| Self("host".to_owned()))
    }
}

text_id!(
    /// A timesheet's record on the server: characters that are harmless in stream names, URLs and folder names.
    BookingId,
    "a booking id",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-'))
        && text.as_bytes()[0].is_ascii_alphanumeric(),
    "1 to 128 letters, digits, dots, hyphens, underscores and tildes, starting with a letter or digit"
);

text_id!(
    /// An agreement to delete archived files, by its proposer's choice.
    PurgeId,
    "the id of a purge",
    |text| text.parse::<BookingId>().is_ok(),
    "1 to 128 letters, digits, dots, hyphens, underscores and tildes, starting with a letter or digit"
);

text_id!(
    /// Part, host, user and process, such as `fetch@backup-1/strongroom/4242`; a person is an `operator`. Earlier
    /// versions have part and host only.
    Actor,
    "an actor",
    |text| (1..=128).contains(&text.len()) && !text.chars().any(char::is_control),
    "1 to 128 bytes without control characters"
);

impl Actor {
    /// The part of the program, such as `fetch`.
    #[must_use]
    pub fn part(&self) -> &str {
        self.0.split_once('@').map_or(self.0.as_str(), |(part, _)| part)
    }

    /// The host, if known.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let (_, rest) = self.0.split_once('@')?;
        rest.split('/').next()
    }

    /// Whether part and host are the same.
    #[must_use]
    pub fn is_same_part(&self, other: &Self) -> bool {
        self.part() == other.part() && self.host() == other.host()
    }
}

uuid_id!(
    /// An event: a UUID version 7, to sort roughly by time.
    EventId,
    "an event id"
);
uuid_id!(
    /// An enumeration and what follows.
    RunId,
    "a run id"
);
uuid_id!(
    /// A drive's identity, in `.strongroom/drive.json`.
    DriveId,
    "a drive id"
);
uuid_id!(
    /// A requested act on drives' contents.
    CustodyId,
    "the id of an act"
);
uuid_id!(
    /// One run of a backup job.
    JobRunId,
    "the id of a job's run"
);
uuid_id!(
    /// The identity of a folder that jobs write to, in `.strongroom/target.json`.
    TargetId,
    "a target's id"
);
uuid_id!(
    /// A drive's use, in its mark.
    UseToken,
    "a token of a use"
);

/// A label of a host name (RFC 1123, section 2.1), in lower case.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

/// RFC 9562, section 5.7.
fn v7(now: jiff::Timestamp) -> Uuid {
    let nanos = now.as_nanosecond().max(0);
    let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
    let subsec = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, subsec))
}

impl EventId {
    /// A new id.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        Self(v7(now))
    }
}

impl RunId {
    /// A new id.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        Self(v7(now))
    }
}

impl CustodyId {
    /// A new id.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        Self(v7(now))
    }
}

impl JobRunId {
    /// A new id.
    #[must_use]
    pub fn new(now: jiff::Timestamp) -> Self {
        Self(v7(now))
    }
}

impl TargetId {
    /// A random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl DriveId {
    /// A random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl UseToken {
    /// A random token.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_id_is_harmless_in_a_path_and_a_url() {
        for good in ["1", "B-1001", "a.b_c~d", "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11"] {
            assert!(good.parse::<BookingId>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "a b", "a\n", "-a", "é", &"x".repeat(129)] {
            assert!(bad.parse::<BookingId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_id_is_named_without_its_control_characters() {
        let error = "a\u{1b}[31m\n".parse::<BookingId>().unwrap_err();
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
}
