//! Signs of life of a site's processes, in the log's database or in a folder beside its file.

use jiff::SignedDuration;
use strongroom_model::presence::{Seen, Sign};
use uuid::Uuid;

use crate::error::LogError;
use crate::log::EventLog;

/// Far more than a site's processes, with a week's restarts.
pub(crate) const MAX_SIGNS: usize = 256;
pub(crate) const KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
pub(crate) const MAX_SIGN_BYTES: usize = 8192;

impl EventLog {
    /// Stores a process's sign of life in place of its last one. It is not an event, and is not synced.
    ///
    /// # Errors
    /// It cannot be stored.
    pub async fn give_sign(&self, process: Uuid, sign: &Sign) -> Result<(), LogError> {
        let text = serde_json::to_string(sign).expect("a sign has string keys");
        self.keep_sign(process, &text).await
    }

    /// Each process's sign of the last week, newest first, without unreadable ones.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn signs(&self) -> Result<Vec<Seen>, LogError> {
        let kept = self.kept_signs().await?;
        let mut signs: Vec<Seen> = kept.into_iter().filter_map(Kept::seen).collect();
        signs.sort_by_key(|seen| seen.age);
        Ok(signs)
    }
}

#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) process: Uuid,
    pub(crate) age: SignedDuration,
    pub(crate) text: String,
}

impl Kept {
    fn seen(self) -> Option<Seen> {
        let sign = serde_json::from_str(&self.text);
        let sign = sign.inspect_err(|error| tracing::debug!(%error, "a sign of life cannot be read"));
        Some(Seen { process: self.process, sign: sign.ok()?, age: self.age })
    }
}
