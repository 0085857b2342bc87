//! What a log gives back: its head, and events in their exact bytes.

use std::sync::Arc;

use data_encoding::BASE64;
use strongroom_model::{Position, Recorded};

use crate::error::LogError;
use crate::merkle::Hash;

/// How far a log goes, and the root that stands for all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// How many events it holds: the position that the next one gets.
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

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the log.
    pub position: Position,
    /// The hash of its leaf in the tree.
    pub leaf_hash: Hash,
    /// Its exact bytes: a CloudEvents JSON object in RFC 8785 canonical form.
    pub body: String,
}

impl Stored {
    /// Reads the event.
    ///
    /// # Errors
    /// It is none, or of a type that this version does not know.
    pub fn decode(&self) -> Result<Recorded, LogError> {
        decode(self.position, &self.body)
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
