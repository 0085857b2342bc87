//! Whether a checkpoint is cosigned.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use strongroom_model::text::printable;
use strongroom_proof::merkle::{Tree, is_consistent};
use strongroom_proof::{AddCheckpoint, CosigningKey, LogHead, Note, ParseKeyError, PublicKey, Signature, WitnessKey};

use crate::memory::Memory;

/// A hundred keys and their comments.
const MAX_LOGS_BYTES: u64 = 64 * 1024;
/// The file with the keys of the logs that it watches, one a line.
const LOGS_FILE: &str = "logs";

/// A witness with its key and its folder, which no other process may use at the same time.
#[derive(Debug)]
pub struct Witness {
    key: CosigningKey,
    folder: std::path::PathBuf,
    memory: Memory,
    /// Held from the comparison with what is remembered until the new checkpoint is durable: of two requests for a log,
    /// the second is compared with the first's checkpoint.
    deciding: Mutex<()>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The checkpoint continues what was seen.
    Cosigned(Signature),
    /// Not a request.
    Malformed(String),
    /// The witness does not watch that log.
    UnknownLog,
    /// No signature by the log's key.
    NotSigned,
    /// The request starts at more than it ends with.
    OldIsLarger,
    /// The request starts elsewhere than at the newest checkpoint that was cosigned, which has this size; or it has that
    /// size and another root.
    Conflict(u64),
    /// The proof does not show that it continues that one.
    Inconsistent,
}

/// Why nothing can be decided.
#[derive(Debug, thiserror::Error)]
pub enum WitnessFault {
    /// The keys of the logs cannot be read.
    #[error("the file `{LOGS_FILE}` with the keys of the logs cannot be read")]
    Logs(#[source] io::Error),
    /// One of them is not a key.
    #[error("line {line} of the file `{LOGS_FILE}` is not a log's key")]
    LogKey {
        /// Which line, from 1.
        line: usize,
        /// What is wrong.
        source: ParseKeyError,
    },
    /// What was cosigned cannot be read or kept.
    #[error("what was cosigned cannot be read or kept")]
    Memory(#[source] io::Error),
}

impl Witness {
    /// A witness that remembers in that folder.
    #[must_use]
    pub fn new(key: CosigningKey, folder: &Path) -> Self {
        Self { key, folder: folder.to_owned(), memory: Memory::new(folder), deciding: Mutex::new(()) }
    }

    /// Its public key.
    #[must_use]
    pub fn key(&self) -> WitnessKey {
        self.key.public()
    }

    /// The keys of the logs that it watches, from the file `logs`: one a line, empty lines and those with `#` left out.
    ///
    /// # Errors
    /// The file cannot be read, or has something else.
    pub fn logs(&self) -> Result<Vec<PublicKey>, WitnessFault> {
        let path = self.folder.join(LOGS_FILE);
        let size = std::fs::metadata(&path).map_err(WitnessFault::Logs)?.len();
        if size > MAX_LOGS_BYTES {
            return Err(WitnessFault::Logs(io::Error::other("it has more than 64 KiB")));
        }
        let text = std::fs::read_to_string(&path).map_err(WitnessFault::Logs)?;
        let lines = (1..).zip(text.lines().map(str::trim));
        lines
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(line, key)| key.parse().map_err(|source| WitnessFault::LogKey { line, source }))
            .collect()
    }

    /// Decides about a request, at a time in seconds since 1970. Blocks: it reads and syncs files.
    ///
    /// A log's origin is the name of its key.
    ///
    /// # Errors
    /// What it needs cannot be read or kept. Then nothing is cosigned.
    pub fn decide(&self, body: &str, now: u64) -> Result<Decision, WitnessFault> {
        let request: AddCheckpoint = match body.parse() {
            Ok(request) => request,
            Err(error) => return Ok(Decision::Malformed(strongroom_model::text::with_causes(&error))),
        };
        let Some(LogHead { origin, head }) = LogHead::of(&request.checkpoint.text) else {
            return Ok(Decision::Malformed("its note is not a checkpoint".to_owned()));
        };
        let keys: Vec<PublicKey> = self.logs()?.into_iter().filter(|key| key.name().to_string() == origin).collect();
        if keys.is_empty() {
            return Ok(Decision::UnknownLog);
        }
        let Some(key) = keys.iter().find(|key| request.checkpoint.verify(key).is_ok()) else {
            return Ok(Decision::NotSigned);
        };
        if request.old > head.size {
            return Ok(Decision::OldIsLarger);
        }
        // Signatures of strangers are not remembered.
        let signatures = request.checkpoint.signatures.iter().filter(|one| one.is_by(key)).cloned().collect();
        let checkpoint = Note { text: request.checkpoint.text, signatures };
        let _deciding = self.deciding.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.memory.newest(&origin).map_err(WitnessFault::Memory)?;
        let (old, old_root) = newest.as_ref().map_or((0, empty_root()), |(seen, _)| (seen.head.size, seen.head.root));
        let is_seen = newest.is_some() && old == head.size;
        if is_seen && old_root != head.root {
            tracing::error!(log = %printable(&origin, 128), size = old, "a log has signed two different trees of one size: it was rewritten");
            self.memory.keep_contradiction(&origin, &checkpoint).map_err(WitnessFault::Memory)?;
            return Ok(Decision::Conflict(old));
        }
        if request.old != old {
            return Ok(Decision::Conflict(old));
        }
        let is_empty_as_it_should = head.size > 0 || head.root == empty_root();
        if !is_empty_as_it_should || !is_consistent((old, &old_root), (head.size, &head.root), &request.proof) {
            tracing::warn!(log = %printable(&origin, 128), old, size = head.size, "a checkpoint was not proven to continue what this witness has seen");
            return Ok(Decision::Inconsistent);
        }
        // If we stop before it is kept, no cosignature was given; if after it, the log asks again, for the same
        // checkpoint or a later one, and gets a cosignature then. One that was given is always remembered.
        if !is_seen {
            self.memory.remember(&origin, &checkpoint).map_err(WitnessFault::Memory)?;
        }
        Ok(Decision::Cosigned(self.key.cosign(&checkpoint.text, now)))
    }
}

/// The root of the tree without leaves.
fn empty_root() -> [u8; 32] {
    Tree::default().root(0).expect("every tree has its first 0 leaves")
}

#[cfg(test)]
mod tests;
