//! Proof for the document server that marks' events are in the site's log.

use std::collections::HashMap;

use data_encoding::BASE64;
use strongroom_eventlog::{EventLog, LogError, Stored};
use strongroom_model::wire::{EvidenceEvent, MarkEvidence};
use strongroom_model::{EventId, StreamName, Version};
use strongroom_proof::merkle::Tree;
use strongroom_proof::{Checkpoint, SigningKey};
use tokio::sync::Mutex;

/// A stream of a booking or copy has about ten events.
const STREAM_EVENTS: usize = 1000;

/// Cuts proofs from the log's tree, which it keeps and lets grow: 64 MB for a million events.
#[derive(Debug)]
pub struct Prover {
    log: EventLog,
    key: SigningKey,
    tree: Mutex<Tree>,
}

impl Prover {
    /// Proofs under checkpoints that this key signs.
    #[must_use]
    pub fn new(log: &EventLog, key: SigningKey) -> Self {
        Self { log: log.clone(), key, tree: Mutex::default() }
    }

    /// Proof of these events, each in its stream, under a checkpoint of the log as it is now. One that is not there is
    /// left out: whoever needs its proof refuses the mark.
    ///
    /// # Errors
    /// The log cannot be read, or was changed.
    pub async fn evidence(&self, events: &[(StreamName, EventId)]) -> Result<MarkEvidence, LogError> {
        let head = self.log.head().await?;
        let mut tree = self.tree.lock().await;
        self.log.grow(&mut tree, head.size).await?;
        if tree.root(head.size) != Some(head.root) {
            // What was kept may be of a log that was replaced: it is read anew the next time.
            *tree = Tree::default();
            return Err(LogError::Damaged {
                position: strongroom_model::Position(0),
                reason: "the log does not have the root that its head says",
            });
        }
        let mut by_stream: HashMap<&StreamName, Vec<Stored>> = HashMap::new();
        let mut proven = Vec::with_capacity(events.len());
        for (stream, id) in events {
            if !by_stream.contains_key(stream) {
                by_stream.insert(stream, self.log.stream_from(stream, Version(0), STREAM_EVENTS).await?);
            }
            let stored = by_stream[stream].iter().find(|one| one.decode().is_ok_and(|event| event.id == *id));
            if let Some(stored) = stored
                && let Some(path) = tree.inclusion(stored.position.0, head.size)
            {
                let proof = path.iter().map(|hash| BASE64.encode(hash)).collect();
                proven.push(EvidenceEvent { bytes: stored.body.clone(), proof });
            }
        }
        let checkpoint = Checkpoint { site: self.log.site().clone(), head, summary: 0 }.signed(&self.key).to_string();
        Ok(MarkEvidence { checkpoint, events: proven })
    }
}
