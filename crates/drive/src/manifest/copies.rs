//! The copies that a bag lists, in little memory: a month may have a million.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use strongroom_model::Digest;

/// No entry.
const NONE: u32 = u32::MAX;
/// An entry's fixed part: the previous entry of the same folder hash, the digest, the path's length.
const FIXED_BYTES: usize = PREVIOUS_BYTES + SHA256_BYTES + LENGTH_BYTES;
const PREVIOUS_BYTES: usize = 4;
const SHA256_BYTES: usize = 32;
const LENGTH_BYTES: usize = 2;

/// Entries in one buffer: some 70 bytes each, where a map of strings takes 300.
#[derive(Debug, Default)]
pub(super) struct Copies {
    entries: Vec<u8>,
    /// The newest entry by folder hash.
    newest: HashMap<u64, u32>,
    hashing: RandomState,
}

struct Entry<'a> {
    previous: u32,
    sha256: &'a [u8],
    path: &'a str,
    /// The next entry's offset.
    end: usize,
}

impl Copies {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The path must be new.
    pub(super) fn add(&mut self, path: &str, sha256: &Digest) {
        let at = u32::try_from(self.entries.len())
            .expect("a manifest has fewer than 4 GiB, and an entry less than its line");
        let previous = self.newest.insert(self.hash_of(folder_of(path)), at).unwrap_or(NONE);
        let length = u16::try_from(path.len()).expect("a path is shorter than a line, which is bounded");
        self.entries.extend_from_slice(&previous.to_le_bytes());
        self.entries.extend_from_slice(sha256.value());
        self.entries.extend_from_slice(&length.to_le_bytes());
        self.entries.extend_from_slice(path.as_bytes());
    }

    pub(super) fn get(&self, path: &str) -> Option<Digest> {
        let entry = self.of_folder(folder_of(path)).find(|entry| entry.path == path)?;
        Some(entry.digest())
    }

    pub(super) fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, Digest)> {
        self.of_folder(folder).map(|entry| {
            let name = entry.path.splitn(3, '/').nth(2).expect("a copy lies in a folder of the payload");
            (name, entry.digest())
        })
    }

    /// In insertion order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Digest)> {
        self.offsets().map(|at| self.entry(at)).map(|entry| (entry.path, entry.digest()))
    }

    /// Sorted by path.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&str, Digest)> {
        let mut offsets: Vec<u32> =
            self.offsets().map(|at| u32::try_from(at).expect("an entry was added at an offset of 32 bits")).collect();
        offsets.sort_unstable_by_key(|at| self.entry(*at as usize).path);
        offsets.into_iter().map(|at| self.entry(at as usize)).map(|entry| (entry.path, entry.digest()))
    }

    fn offsets(&self) -> impl Iterator<Item = usize> {
        let first = (!self.is_empty()).then_some(0);
        std::iter::successors(first, |at| Some(self.entry(*at).end).filter(|end| *end < self.entries.len()))
    }

    fn of_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = Entry<'a>> {
        let newest = self.newest.get(&self.hash_of(folder)).map(|at| self.entry(*at as usize));
        let older = |entry: &Entry<'a>| (entry.previous != NONE).then(|| self.entry(entry.previous as usize));
        // Folders may share a hash.
        std::iter::successors(newest, older).filter(move |entry| folder_of(entry.path) == folder)
    }

    fn entry(&self, at: usize) -> Entry<'_> {
        let (fixed, rest) = self.entries[at..].split_at(FIXED_BYTES);
        let (previous, fixed) = fixed.split_at(PREVIOUS_BYTES);
        let (sha256, length) = fixed.split_at(SHA256_BYTES);
        let length = usize::from(u16::from_le_bytes(length.try_into().expect("it is that long")));
        Entry {
            previous: u32::from_le_bytes(previous.try_into().expect("it is that long")),
            sha256,
            path: std::str::from_utf8(&rest[..length]).expect("a path was added there"),
            end: at + FIXED_BYTES + length,
        }
    }

    fn hash_of(&self, folder: &str) -> u64 {
        self.hashing.hash_one(folder)
    }
}

impl Entry<'_> {
    fn digest(&self) -> Digest {
        Digest::from_sha256(self.sha256.try_into().expect("SHA-256 has 32 bytes"))
    }
}

fn folder_of(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use strongroom_model::Algorithm;

    use super::*;

    #[test]
    fn what_was_added_is_found_by_its_path_and_by_its_folder() {
        let mut copies = Copies::default();
        let path = |n: usize| format!("data/B-{}/{n}.pdf", n / 3);
        let sha256 = |n: usize| Digest::of(Algorithm::Sha256, path(n).as_bytes());
        for n in (0..3000).rev() {
            copies.add(&path(n), &sha256(n));
        }
        for n in 0..3000 {
            assert_eq!(copies.get(&path(n)), Some(sha256(n)));
        }
        assert_eq!(copies.get("data/B-1/x"), None);
        assert_eq!(
            copies.in_folder("B-7").collect::<Vec<_>>(),
            [21, 22, 23]
                .map(|n| (path(n)[9..].to_owned(), sha256(n)))
                .iter()
                .map(|(name, sha256)| (name.as_str(), sha256.clone()))
                .collect::<Vec<_>>()
        );
        assert_eq!(copies.in_folder("B-1000").count(), 0);
        assert_eq!(copies.iter().count(), 3000);
        assert!(copies.in_order().map(|(path, _)| path).is_sorted());
    }

    #[test]
    fn a_copy_takes_little_memory() {
        let mut copies = Copies::default();
        for n in 0..100_000 {
            copies.add(&format!("data/B-{n:06}/timesheet.pdf"), &Digest::from_sha256([7; 32]));
        }
        let table = copies.newest.capacity() * (size_of::<(u64, u32)>() + 1) * 8 / 7;
        let each = (copies.entries.len() + table) / 100_000;
        assert!(each < 110, "{each} bytes for each copy");
    }
}
