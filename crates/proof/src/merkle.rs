//! The Merkle tree of RFC 6962 (section 2.1), kept as its frontier: the hashes of the perfect subtrees that tile its
//! leaves, one for each one bit of its size (Crosby and Wallach, "Efficient Data Structures for Tamper-Evident
//! Logging", 2009).

mod check;
mod tree;

use std::ops::Range;

use sha2::{Digest, Sha256};

pub use self::check::{is_consistent, is_included};
pub use self::tree::Tree;

/// A SHA-256 value: a leaf, a node or the root.
pub type Hash = [u8; HASH_BYTES];

/// A hash's length in bytes.
pub const HASH_BYTES: usize = 32;

/// A leaf's hash: `SHA-256(0x00 || bytes)`.
#[must_use]
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0x00]).chain_update(bytes).finalize().into()
}

/// A node's hash: `SHA-256(0x01 || left || right)`.
fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([0x01]).chain_update(left).chain_update(right).finalize().into()
}

/// An append-only Merkle tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Leftmost (largest) first.
    nodes: Vec<Hash>,
}

impl Frontier {
    /// The frontier of `size` leaves from [`Frontier::to_bytes`]; `None` if these cannot be that.
    #[must_use]
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (nodes, rest) = bytes.as_chunks::<HASH_BYTES>();
        let fits = rest.is_empty() && nodes.len() == size.count_ones() as usize;
        fits.then(|| Self { size, nodes: nodes.to_vec() })
    }

    /// The nodes' hashes, leftmost first.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.nodes.concat()
    }

    /// The number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Each trailing one bit is a perfect subtree that this leaf completes to twice its size.
        for _ in 0..self.size.trailing_ones() {
            let left = self.nodes.pop().expect("there is a node for each one bit of the size");
            node = node_hash(&left, &node);
        }
        self.nodes.push(node);
        self.size += 1;
    }

    /// The tree's root (RFC 6962's MTH); the empty tree's is the hash of nothing.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut nodes = self.nodes.iter().rev();
        match nodes.next() {
            None => Sha256::digest([]).into(),
            Some(last) => nodes.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// The leaves below the first node that differs from a tree of the same size.
    #[must_use]
    pub fn first_difference(&self, other: &Self) -> Option<Range<u64>> {
        let mut start = 0;
        let mut nodes = self.nodes.iter().zip(&other.nodes);
        for bit in (0..u64::BITS).rev().filter(|bit| self.size >> bit & 1 == 1) {
            let end = start + (1 << bit);
            match nodes.next() {
                Some((ours, theirs)) if ours == theirs => start = end,
                _ => return Some(start..end),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    /// The eight leaves and the roots of the trees of the first 0 to 8 of them, as
    /// Certificate Transparency's own reference tests publish them
    /// (google/certificate-transparency, `cpp/merkletree/merkle_tree_test.cc`).
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn tree_of(leaves: &[Hash]) -> Frontier {
        let mut tree = Frontier::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree
    }

    /// A direct, slow implementation of RFC 6962, section 2.1.
    fn naive_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest([]).into(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&naive_root(left), &naive_root(right))
            }
        }
    }

    #[test]
    fn the_roots_are_the_ones_that_certificate_transparency_publishes() {
        let leaves = LEAVES.map(|leaf| leaf_hash(&HEXLOWER.decode(leaf.as_bytes()).unwrap()));
        for (size, root) in ROOTS.iter().enumerate() {
            assert_eq!(HEXLOWER.encode(&tree_of(&leaves[..size]).root()), *root, "of {size} leaves");
        }
    }

    #[test]
    fn bytes_that_do_not_fit_the_size_are_no_frontier() {
        let tree = tree_of(&[[1; 32], [2; 32], [3; 32]]);
        assert_eq!(Frontier::from_bytes(3, &tree.to_bytes()), Some(tree.clone()));
        assert_eq!(Frontier::from_bytes(4, &tree.to_bytes()), None);
        assert_eq!(Frontier::from_bytes(3, &tree.to_bytes()[1..]), None);
    }

    fn whole(leaves: &[Hash]) -> Tree {
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        tree
    }

    #[test]
    fn every_leaf_of_every_small_tree_is_proven_to_be_in_it_and_nowhere_else() {
        let leaves: Vec<Hash> = (0..20_u8).map(|byte| leaf_hash(&[byte])).collect();
        let tree = whole(&leaves);
        for size in 1..=leaves.len() {
            let root = naive_root(&leaves[..size]);
            let size = size as u64;
            assert_eq!(tree.root(size), Some(root));
            for (index, leaf) in (0..size).zip(&leaves) {
                let proof = tree.inclusion(index, size).unwrap();
                for place in 0..=size {
                    let holds = is_included(leaf, place, size, &root, &proof);
                    assert_eq!(holds, place == index, "leaf {index} at {place} of {size}");
                }
                assert!(!is_included(&[0; 32], index, size, &root, &proof));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!is_included(leaf, index, size, &root, shorter));
                }
                assert!(!is_included(leaf, index, size, &root, &[proof.clone(), vec![root]].concat()));
            }
            assert_eq!(tree.inclusion(size, size), None);
        }
        assert_eq!(tree.inclusion(0, 21), None);
        assert_eq!(tree.root(21), None);
        assert_eq!(tree.root(0), Some(naive_root(&[])));
    }

    #[test]
    fn each_tree_is_proven_to_begin_each_larger_one_and_no_other_is() {
        let leaves: Vec<Hash> = (0_u8..20).map(|n| leaf_hash(&[n])).collect();
        let mut tree = Tree::default();
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        let root = |size: u64| tree.root(size).unwrap();
        for (old, new) in (0..=20_u64).flat_map(|new| (0..=new).map(move |old| (old, new))) {
            let proof = tree.consistency(old, new).unwrap();
            let holds = |old: (u64, &Hash), proof: &[Hash]| is_consistent(old, (new, &root(new)), proof);
            assert!(holds((old, &root(old)), &proof), "{old} of {new}");
            assert!(!holds((old, &root(old)), &[proof.clone(), vec![[0; 32]]].concat()), "{old} of {new}: longer");
            if old > 0 {
                assert!(!holds((old, &[0; 32]), &proof), "{old} of {new}: another root");
                assert!(!is_consistent((old, &root(old)), (new, &[0; 32]), &proof), "{old} of {new}: another tree");
            }
            if let Some((_, shorter)) = proof.split_last() {
                assert!(!holds((old, &root(old)), shorter), "{old} of {new}: shorter");
            }
            assert!(!is_consistent((new + 1, &root(old)), (new, &root(new)), &proof), "{old} of {new}: it was longer");
        }
        assert_eq!(tree.consistency(3, 21), None);
        assert_eq!(tree.consistency(4, 3), None);
    }

    proptest! {
        #[test]
        fn the_frontier_has_the_naive_trees_root(leaves in prop::collection::vec(any::<Hash>(), 0..200)) {
            prop_assert_eq!(tree_of(&leaves).root(), naive_root(&leaves));
        }

        #[test]
        fn a_frontier_read_back_goes_on_the_same(
            leaves in prop::collection::vec(any::<Hash>(), 1..100), cut in any::<prop::sample::Index>(),
        ) {
            let (before, after) = leaves.split_at(cut.index(leaves.len()));
            let stored = tree_of(before);
            let mut tree = Frontier::from_bytes(stored.size(), &stored.to_bytes()).unwrap();
            after.iter().for_each(|leaf| tree.push(*leaf));
            prop_assert_eq!(tree, tree_of(&leaves));
        }

        #[test]
        fn a_changed_leaf_lies_in_the_first_difference(
            leaves in prop::collection::vec(any::<Hash>(), 1..100), changed in any::<prop::sample::Index>(),
        ) {
            let changed = changed.index(leaves.len());
            let mut others = leaves.clone();
            others[changed][0] ^= 1;
            let range = tree_of(&leaves).first_difference(&tree_of(&others)).unwrap();
            prop_assert!(range.contains(&(changed as u64)));
            prop_assert_eq!(tree_of(&leaves).first_difference(&tree_of(&leaves)), None);
        }
    }
}
