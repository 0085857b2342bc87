//! How a log relates to a checkpoint of it, and the tree that proofs are cut from.

use strongroom_model::Position;
use strongroom_proof::Head;
use strongroom_proof::merkle::{Frontier, Hash, Tree};

use crate::error::LogError;
use crate::log::EventLog;

/// Leaves read at a time: half a MiB.
const LEAVES: u64 = 16_384;

/// How a log relates to an earlier state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the same or longer.
    Continues,
    /// It has only that many events.
    Shorter(u64),
    /// Its first events are others.
    Differs,
}

impl EventLog {
    /// Compares the log with an earlier state, reading all leaf hashes up to it.
    ///
    /// # Errors
    /// The database failed, or a position is missing.
    pub async fn compare(&self, earlier: &Head) -> Result<Comparison, LogError> {
        let size = self.head().await?.size;
        if size < earlier.size {
            return Ok(Comparison::Shorter(size));
        }
        let mut tree = Frontier::default();
        self.each_leaf(0, earlier.size, |leaf| tree.push(leaf)).await?;
        Ok(if tree.root() == earlier.root { Comparison::Continues } else { Comparison::Differs })
    }
    /// The tree over the first `size` events, for proofs: 64 MB for a million.
    ///
    /// # Errors
    /// The database failed, or there are fewer events.
    pub async fn tree(&self, size: u64) -> Result<Tree, LogError> {
        let mut tree = Tree::default();
        self.grow(&mut tree, size).await?;
        Ok(tree)
    }

    /// Lets a tree of this log's first events grow to that size.
    ///
    /// # Errors
    /// The log cannot be read, or is shorter. The tree keeps what it got.
    pub async fn grow(&self, tree: &mut Tree, size: u64) -> Result<(), LogError> {
        let from = tree.size();
        self.each_leaf(from, size, |leaf| tree.push(leaf)).await
    }

    async fn each_leaf(&self, from: u64, size: u64, mut take: impl FnMut(Hash)) -> Result<(), LogError> {
        let mut next = from;
        while next < size {
            let to = size.min(next + LEAVES);
            let leaves: Vec<Hash> = self.leaves(Position(next), Position(to)).await?;
            if leaves.len() as u64 != to - next {
                return Err(LogError::Damaged { position: Position(next), reason: "an event is missing" });
            }
            leaves.into_iter().for_each(&mut take);
            next = to;
        }
        Ok(())
    }
}
