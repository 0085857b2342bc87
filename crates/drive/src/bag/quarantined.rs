//! What is readable of a bag's damaged manifests and journals in the quarantine.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use strongroom_files::at::read_at;
use strongroom_model::Digest;

use super::journal;
use crate::drive::quarantine::quarantined_from;
use crate::error::DriveError;
use crate::manifest::{self, Manifest};
use crate::mount::Mount;
use crate::place::BagPlace;

/// Of each, newest first. Only a drive that damages one at every start has more.
const MAX_KEPT: usize = 100;
/// Bytes per read: an unreadable block costs only the lines in it.
const BLOCK_BYTES: usize = 4096;

/// Digests by path in the bag. Several files may list a path with different digests.
#[derive(Debug, Default)]
pub(crate) struct QuarantinedLines(HashMap<String, Vec<Digest>>);

impl QuarantinedLines {
    /// Unreadable parts are left out: they are why the files are here.
    pub(crate) fn read(mount: &Mount, place: &BagPlace) -> Result<Self, DriveError> {
        let mut lines = Self::default();
        // Together they may be as large as one manifest.
        let mut room = manifest::MAX_BYTES;
        let kept = |name| quarantined_from(mount, &place.folder().join(name));
        let (manifests, journals) = (kept(manifest::FILE)?, kept(journal::FILE)?);
        for path in manifests.into_iter().take(MAX_KEPT).chain(journals.into_iter().take(MAX_KEPT)) {
            let read = mount.top.file(&path).and_then(|file| readable(&file, room));
            match read {
                Ok(bytes) => {
                    room = room.saturating_sub(bytes.len() as u64);
                    lines.add(Manifest::readable_lines(&bytes));
                }
                // Then only the other one was quarantined.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%path, %error, "a quarantined manifest cannot be read"),
            }
        }
        Ok(lines)
    }

    pub(crate) fn of(&self, path: &str) -> &[Digest] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, lines: impl Iterator<Item = (String, Digest)>) {
        for (path, sha256) in lines {
            let listed = self.0.entry(path).or_default();
            if !listed.contains(&sha256) {
                listed.push(sha256);
            }
        }
    }
}

fn readable(file: &File, most: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().min(most);
    Ok(readable_blocks(size, |block, offset| read_at(file, block, offset)))
}

/// A NUL byte, which no line contains, replaces each unreadable block, so that the partial lines at its edges do not
/// parse.
fn readable_blocks(size: u64, read: impl Fn(&mut [u8], u64) -> io::Result<usize>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let mut block = vec![0; BLOCK_BYTES];
    let mut offset = 0;
    while offset < size {
        match read(&mut block, offset) {
            Ok(0) => break,
            Ok(count) => {
                bytes.extend_from_slice(&block[..count]);
                offset += count as u64;
            }
            Err(_) => {
                bytes.push(0);
                offset = (offset / BLOCK_BYTES as u64 + 1) * BLOCK_BYTES as u64;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use strongroom_model::Algorithm;

    use super::*;

    #[test]
    fn a_block_that_cannot_be_read_costs_only_its_own_lines() {
        let line = |n: usize| {
            let sha256 = Digest::of(Algorithm::Sha256, n.to_string().as_bytes());
            format!("{}  data/B-{n:04}/timesheet.pdf\n", sha256.hex())
        };
        let text: String = (0..1000).map(line).collect();
        let length = line(0).len();
        let bad = 4..6;
        let read = |block: &mut [u8], offset: u64| {
            let offset = usize::try_from(offset).unwrap();
            if bad.contains(&(offset / BLOCK_BYTES)) {
                return Err(io::Error::from_raw_os_error(5));
            }
            let rest = &text.as_bytes()[offset..];
            let count = rest.len().min(block.len());
            block[..count].copy_from_slice(&rest[..count]);
            Ok(count)
        };
        let bytes = readable_blocks(text.len() as u64, read);
        let found: Vec<_> = Manifest::readable_lines(&bytes).map(|(path, _)| path).collect();
        let whole = |n: &usize| {
            let (first, last) = (n * length / BLOCK_BYTES, ((n + 1) * length - 1) / BLOCK_BYTES);
            !bad.contains(&first) && !bad.contains(&last)
        };
        let expected: Vec<_> = (0..1000).filter(whole).map(|n| format!("data/B-{n:04}/timesheet.pdf")).collect();
        assert_eq!(found, expected);
        assert!(found.len() > 800);
    }
}
