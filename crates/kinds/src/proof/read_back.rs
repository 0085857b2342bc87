//! Reads a file and hashes it: the source plainly, the copy past the page cache.

use std::fs::File;
use std::io;

use sha2::{Digest as _, Sha256 as Hasher};
use strongroom_files::at::read_at;
use strongroom_files::cache::{drop_cached, is_inline, resident_pages, set_direct};
use strongroom_files::{Backing, Stat};

/// For `O_DIRECT`: the largest logical block of any drive on sale. A drive that needs more refuses, and is read
/// otherwise.
const ALIGNMENT_BYTES: usize = 4096;
/// Enough for any drive's full speed.
const BUFFER_BYTES: usize = 1 << 20;

/// Asked before each chunk of at most 1 MiB: a file may take hours.
pub type GoOn<'a> = dyn Fn() -> bool + 'a;

/// A SHA-256.
pub type Sha256 = [u8; 32];

/// How bytes were read. Later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Past the page cache, and no cache is known below.
    Direct,
    /// None of the file's pages was cached before.
    Uncached,
    /// Perhaps from a cache.
    Cached,
}

impl Method {
    /// As it is said in sentences.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Direct => "read back from the device, past the cache",
            Self::Uncached => "read back with nothing of it cached",
            Self::Cached => "read back, perhaps from a cache",
        }
    }
}

/// Memory as `O_DIRECT` wants it.
#[derive(Debug)]
pub struct ReadBuffer {
    memory: Vec<u8>,
    start: usize,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        let memory = vec![0; BUFFER_BYTES + ALIGNMENT_BYTES];
        let start = memory.as_ptr().align_offset(ALIGNMENT_BYTES);
        Self { memory, start }
    }
}

impl ReadBuffer {
    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..BUFFER_BYTES]
    }
}

/// Hashes a file as it is: the source, which needs no proof of its own.
///
/// # Errors
/// If it cannot be read to the size that it has now; `Interrupted` if `go_on` says no.
pub fn hash(file: &File, size: u64, buffer: &mut ReadBuffer, go_on: &GoOn<'_>) -> io::Result<Sha256> {
    let mut hasher = Hasher::new();
    pour(file, size, buffer, &mut hasher, go_on)?;
    Ok(hasher.finalize().into())
}

/// Hashes a file from the device where that is possible, and says how it was read. Its bytes must have been synced.
///
/// # Errors
/// If it cannot be read to the size that it has now; `Interrupted` if `go_on` says no.
pub fn hash_past_cache(
    file: &File,
    stat: &Stat,
    backing: Backing,
    buffer: &mut ReadBuffer,
    go_on: &GoOn<'_>,
) -> io::Result<(Sha256, Method)> {
    if backing != Backing::Device {
        return Ok((hash(file, stat.size, buffer, go_on)?, Method::Cached));
    }
    // Drops clean pages; ours are clean, since they were synced.
    drop_cached(file)?;
    let resident_before = resident_pages(file, stat.size).ok();
    let mut direct = set_direct(file, true).is_ok();
    let digest = match hash(file, stat.size, buffer, go_on) {
        Err(error) if direct && error.kind() == io::ErrorKind::InvalidInput => {
            set_direct(file, false)?;
            direct = false;
            hash(file, stat.size, buffer, go_on)?
        }
        read => read?,
    };
    let resident_after = resident_pages(file, stat.size).ok();
    let method = match (direct, resident_before, resident_after) {
        _ if is_inline(file) => Method::Cached,
        (true, _, Some(0)) => Method::Direct,
        (_, Some(0), _) => Method::Uncached,
        _ => Method::Cached,
    };
    if !direct {
        // Nobody reads it again soon.
        let _ = drop_cached(file);
    }
    Ok((digest, method))
}

fn pour(file: &File, size: u64, buffer: &mut ReadBuffer, hasher: &mut Hasher, go_on: &GoOn<'_>) -> io::Result<()> {
    let mut offset = 0;
    while offset < size {
        if !go_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = usize::try_from(size - offset).unwrap_or(usize::MAX).min(BUFFER_BYTES);
        let chunk = &mut buffer.bytes()[..length.next_multiple_of(ALIGNMENT_BYTES)];
        let count = read_at(file, chunk, offset)?;
        // Truncated while being read.
        if count < length && !count.is_multiple_of(ALIGNMENT_BYTES) || count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = count.min(length);
        hasher.update(&chunk[..count]);
        offset += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_size_have_the_digest_that_others_compute() {
        let folder = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        let mut buffer = ReadBuffer::default();
        for size in [0, 1, 4095, 4096, 4097, BUFFER_BYTES - 1, BUFFER_BYTES, 2 * BUFFER_BYTES + 4097] {
            let path = folder.path().join(size.to_string());
            let bytes: Vec<_> = (0..size).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let file = File::open(&path).unwrap();
            file.sync_all().unwrap();
            let stat = Stat::of(&file).unwrap();
            let expected: Sha256 = Hasher::digest(&bytes).into();
            assert_eq!(hash(&file, stat.size, &mut buffer, &|| true).unwrap(), expected);
            let (digest, _) =
                hash_past_cache(&file, &stat, Backing::of(&file).unwrap(), &mut buffer, &|| true).unwrap();
            assert_eq!(digest, expected, "{size}");
        }
    }
}
