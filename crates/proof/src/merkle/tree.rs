//! A whole tree in memory, from which proofs are cut.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::{Hash, node_hash};

/// Every perfect subtree's hash: 64 bytes for each leaf, so 64 MB for a million events.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[h][i]` covers the leaves from `i << h` to `(i + 1) << h`; only complete ones are there.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Appends a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        for height in 0.. {
            if self.levels.len() == height {
                self.levels.push(Vec::new());
            }
            let level = &mut self.levels[height];
            level.push(node);
            if level.len() % 2 == 1 {
                return;
            }
            node = node_hash(&level[level.len() - 2], &node);
        }
    }

    /// The root over the first `size` leaves; `None`: there are fewer.
    #[must_use]
    pub fn root(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(Sha256::digest([]).into()),
            _ => (size <= self.size()).then(|| self.hash(0..size)),
        }
    }

    /// The inclusion proof of a leaf in the tree of the first `size` (RFC 6962, section 2.1.1): from the leaf's
    /// sibling up. `None`: there is no such leaf or size.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        (index < size && size <= self.size()).then(|| {
            let mut path = Vec::new();
            let (mut leaves, mut above) = (0..size, Vec::new());
            while leaves.end - leaves.start > 1 {
                let (left, right) = halves(&leaves);
                let (inside, sibling) = if index < right.start { (left, right) } else { (right, left) };
                above.push(sibling);
                leaves = inside;
            }
            path.extend(above.into_iter().rev().map(|sibling| self.hash(sibling)));
            path
        })
    }

    /// The proof that the tree of the first `old` leaves is the beginning of the tree of the first `new` (RFC 6962,
    /// section 2.1.2). Empty from the empty tree, and between equal ones. `None`: there is no such size.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.size() {
            return None;
        }
        if old == 0 {
            return Some(Vec::new());
        }
        let (mut leaves, mut is_old_root, mut above) = (0..new, true, Vec::new());
        // `old` lies in `leaves`, and ends them in the end.
        while leaves.end != old {
            let (left, right) = halves(&leaves);
            if old <= left.end {
                above.push(right);
                leaves = left;
            } else {
                above.push(left);
                leaves = right;
                is_old_root = false;
            }
        }
        let first = (!is_old_root).then_some(leaves);
        Some(first.into_iter().chain(above.into_iter().rev()).map(|leaves| self.hash(leaves)).collect())
    }

    /// The hash of a subtree as RFC 6962 splits one: it starts at a multiple of its greatest perfect part.
    fn hash(&self, leaves: Range<u64>) -> Hash {
        let length = leaves.end - leaves.start;
        if length.is_power_of_two() {
            let height = length.trailing_zeros();
            let node = usize::try_from(leaves.start >> height).expect("an index of a vector in memory");
            return self.levels[height as usize][node];
        }
        let (left, right) = halves(&leaves);
        node_hash(&self.hash(left), &self.hash(right))
    }
}

/// RFC 6962's split: the left half has the greatest power of two that is smaller than the whole.
fn halves(leaves: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let length = leaves.end - leaves.start;
    let split = leaves.start + length.next_power_of_two() / 2;
    (leaves.start..split, split..leaves.end)
}
