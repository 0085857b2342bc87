//! Signs of life of a site's processes, beside the log: in the database that holds it, or in a folder beside its file.

use jiff::SignedDuration;
use strongroom_model::presence::{Seen, Sign};
use uuid::Uuid;

use crate::error::LogError;
use crate::log::EventLog;

/// How many signs are kept of a site: far more than it has processes, the week's restarts included.
pub(crate) const MAX_SIGNS: usize = 256;
/// For how long a sign is remembered of a process that gives none any more.
pub(crate) const KEPT_FOR: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);
/// How many bytes a sign has at most.
pub(crate) const MAX_SIGN_BYTES: usize = 8192;

impl EventLog {
    /// Keeps a process's newest sign in the place of the one before. It is not an event: the log does not change, and
    /// nothing is synced.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn give_sign(&self, process: Uuid, sign: &Sign) -> Result<(), LogError> {
        let text = serde_json::to_string(sign).expect("a sign has string keys");
        self.keep_sign(process, &text).await
    }

    /// The newest sign of each process that gave one within a week, the newest first. What cannot be read is left out.
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

/// A sign as it is kept: by its process, with its age and its text.
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
