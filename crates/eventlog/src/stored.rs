//! A log's head, and events in their exact bytes.

use std::str::FromStr;
use std::sync::Arc;

use data_encoding::BASE64;
use jiff::Timestamp;
use strongroom_model::text::printable;
use strongroom_model::{Position, Recorded};

use crate::error::LogError;
use crate::merkle::Hash;

/// A log's size and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of events: the next position.
    pub size: u64,
    /// RFC 6962's root over them.
    pub root: Hash,
}

impl Head {
    /// The root in base64 (RFC 4648, section 4), as in a checkpoint.
    #[must_use]
    pub fn root_base64(&self) -> String {
        BASE64.encode(&self.root)
    }
}

/// A text that is not a size and root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a size and root of a log: write SIZE:ROOT, the root in base64 as a summary mail or `strongroom status` shows it"
)]
pub struct ParseHeadError(String);

/// From `SIZE:ROOT`, as a person types it from a mail.
impl FromStr for Head {
    type Err = ParseHeadError;

    fn from_str(text: &str) -> Result<Self, ParseHeadError> {
        let parsed = text.split_once(':').and_then(|(size, root)| {
            let root = BASE64.decode(root.as_bytes()).ok()?;
            Some(Self { size: size.parse().ok()?, root: root.try_into().ok()? })
        });
        parsed.ok_or_else(|| ParseHeadError(printable(text, 80)))
    }
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its position.
    pub position: Position,
    /// Its leaf's hash.
    pub leaf_hash: Hash,
    /// Its exact bytes: CloudEvents in RFC 8785 canonical form.
    pub body: String,
}

impl Stored {
    /// Reads the event.
    ///
    /// # Errors
    /// It is not an event, or of an unknown type.
    pub fn decode(&self) -> Result<Recorded, LogError> {
        decode(self.position, &self.body)
    }

    /// A text in the event's data, even of an unknown type: for readers that must not overlook its subject.
    #[must_use]
    pub fn data_text(&self, field: &str) -> Option<String> {
        Some(self.json()?.get("data")?.get(field)?.as_str()?.to_owned())
    }

    /// When it happened, even of an unknown type.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.json()?.get("time")?.as_str()?.parse().ok()
    }

    fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(&self.body).ok()
    }
}

pub(crate) fn decode(position: Position, body: &str) -> Result<Recorded, LogError> {
    let recorded =
        Recorded::parse(body).map_err(|source| LogError::Undecodable { position, source: Arc::new(source) })?;
    if recorded.position != position {
        return Err(LogError::Damaged { position, reason: "the event there names another position" });
    }
    Ok(recorded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written_down() {
        let head = Head { size: 181, root: [7; 32] };
        assert_eq!(format!("181:{}", head.root_base64()).parse(), Ok(head));
        for bad in ["", "181", "181:", "x:BwcHBw==", "181:BwcHBw==", "-1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="]
        {
            let error = bad.parse::<Head>().unwrap_err().to_string();
            assert!(error.contains("SIZE:ROOT"), "{error}");
        }
    }
}
