//! Events in their exact bytes.

use std::sync::Arc;

use jiff::Timestamp;
use strongroom_model::{Position, Recorded};

use crate::error::LogError;
use strongroom_proof::merkle::{Hash, leaf_hash};

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
    /// Its bytes do not have its leaf's hash: somebody changed them. It is not an event, or of an unknown type.
    pub fn decode(&self) -> Result<Recorded, LogError> {
        if !self.is_intact() {
            return Err(LogError::Damaged {
                position: self.position,
                reason: "its bytes are not those that were stored",
            });
        }
        decode(self.position, &self.body)
    }

    /// Whether its bytes are those that were stored. Whoever changes the hash as well changes the root, which
    /// checkpoints show.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        leaf_hash(self.body.as_bytes()) == self.leaf_hash
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
