//! Reading back from the device, not from the page cache.

use std::fs::File;
use std::io;

use strongroom_files::at::read_at;
use strongroom_files::cache::{drop_cached, is_inline, resident_pages, set_direct};
use strongroom_files::{Backing, Stat};
use strongroom_model::digest::PairHasher;
use strongroom_model::event::ReadBack;
use strongroom_model::{Algorithm, ByteCount, Digest};
use strongroom_service::{Fault, fault};

use super::{Drive, relative};
use crate::error::{DriveError, Operation};
use crate::mount::Mount;
use crate::proof::ReadBackResult;
use crate::relative::Relative;
use crate::seen::FileVersion;

/// For `O_DIRECT`: the largest logical block of any drive on sale. A drive that needs more refuses, and is read
/// otherwise.
const ALIGNMENT_BYTES: usize = 4096;
/// Enough for any drive's full speed.
const BUFFER_BYTES: usize = 1 << 20;

impl Drive {
    /// Reads a file back and reports how: [`ReadBack::Direct`] past the page cache, [`ReadBack::CacheDropped`] with
    /// none of its pages cached before, [`ReadBack::Cached`] if neither is certain.
    ///
    /// # Errors
    /// Also if the file is missing, not plain, or unreadable.
    pub fn read_back(&self, path: &str, algorithm: Algorithm) -> Result<ReadBackResult, DriveError> {
        self.read_back_many(&[(path, algorithm)]).pop().expect("one answer for each file")
    }

    /// Reads many files back; one result for each, in order.
    #[must_use]
    pub fn read_back_many(&self, files: &[(&str, Algorithm)]) -> Vec<Result<ReadBackResult, DriveError>> {
        let mount = match self.mount() {
            Ok(mount) => mount,
            Err(error) => return files.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut buffer = AlignedBuffer::new();
        files
            .iter()
            .map(|(path, algorithm)| {
                let read = relative(path).and_then(|path| read_file(&mount, &path, *algorithm, &mut buffer));
                read.map_err(|error| match self.mount() {
                    // If the drive itself is gone, report that, not the file.
                    Err(gone) if error.obstacle().is_none() => gone,
                    _ => error,
                })
            })
            .collect()
    }
}

/// For a file that differs from the one read back earlier: whether its content is the proven one. FAT invents new
/// inode numbers with each mount.
pub(crate) fn is_still(mount: &Mount, path: &Relative, sha256: &Digest) -> Result<bool, DriveError> {
    let read = read_file(mount, path, Algorithm::Sha256, &mut AlignedBuffer::new())?;
    Ok(read.pair.sha256 == *sha256 && (read.method != ReadBack::Cached || mount.backing() != Backing::Device))
}

fn read_file(
    mount: &Mount,
    path: &Relative,
    algorithm: Algorithm,
    buffer: &mut AlignedBuffer,
) -> Result<ReadBackResult, DriveError> {
    let mut read = || {
        let file = mount.top.file(path)?;
        let stat = Stat::of(&file)?;
        let (size, seen) = (stat.size, FileVersion::of(&stat));
        if mount.filesystem().on_device {
            let read = from_device(&file, size, algorithm, buffer)?;
            // A layer below may have a cache.
            let method = if mount.backing() == Backing::Device { read.method } else { ReadBack::Cached };
            Ok(ReadBackResult { seen, method, ..read })
        } else {
            let mut hasher = PairHasher::new(algorithm);
            let read = pour(&file, size, &mut hasher, buffer)?;
            Ok(ReadBackResult { pair: hasher.finish(), size: ByteCount(read), method: ReadBack::Cached, seen })
        }
    };
    read().map_err(|error| mount.open_error(Operation::Read, path, error))
}

/// Reads with `O_DIRECT` where supported, and checks the page cache before and after: some file systems accept the
/// flag and read through it.
fn from_device(file: &File, size: u64, algorithm: Algorithm, buffer: &mut AlignedBuffer) -> io::Result<ReadBackResult> {
    // Drops clean pages; ours are clean, since they were synced.
    drop_cached(file)?;
    let resident_before = resident_pages(file, size).ok();

    let mut direct = set_direct(file, true).is_ok();
    let mut hasher = PairHasher::new(algorithm);
    let mut read = pour(file, size, &mut hasher, buffer);
    if direct && read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput) {
        set_direct(file, false)?;
        direct = false;
        hasher = PairHasher::new(algorithm);
        read = pour(file, size, &mut hasher, buffer);
    }
    let read = read?;

    let resident_after = resident_pages(file, size).ok();
    let method = match (direct, resident_before, resident_after) {
        _ if is_inline(file) => ReadBack::Cached,
        (true, _, Some(0)) => ReadBack::Direct,
        (_, Some(0), _) => ReadBack::CacheDropped,
        _ => ReadBack::Cached,
    };
    if !direct {
        // Nobody reads it again soon.
        let _ = drop_cached(file);
    }
    Ok(ReadBackResult { pair: hasher.finish(), size: ByteCount(read), method, seen: FileVersion::default() })
}

fn pour(file: &File, size: u64, hasher: &mut PairHasher, buffer: &mut AlignedBuffer) -> io::Result<u64> {
    let fault = fault!("drive.read-back");
    match fault.map(Fault::fail) {
        // As for a real EINTR, read again.
        Some(Err(error)) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
        _ => {}
    }
    let mut offset = 0;
    while offset < size {
        let length = usize::try_from(size - offset).unwrap_or(usize::MAX).min(BUFFER_BYTES);
        let chunk = &mut buffer.bytes()[..length.next_multiple_of(ALIGNMENT_BYTES)];
        let count = read_at(file, chunk, offset)?;
        // Truncated while being read.
        if count < length && !count.is_multiple_of(ALIGNMENT_BYTES) || count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let count = count.min(length);
        if fault == Some(Fault::Flip) && offset == 0 {
            chunk[count / 2] ^= 1;
        }
        hasher.update(&chunk[..count]);
        offset += count as u64;
    }
    Ok(offset)
}

struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    fn new() -> Self {
        let memory = vec![0; BUFFER_BYTES + ALIGNMENT_BYTES];
        let start = memory.as_ptr().align_offset(ALIGNMENT_BYTES);
        Self { memory, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..][..BUFFER_BYTES]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_begins_where_direct_reads_want_it() {
        let mut buffer = AlignedBuffer::new();
        assert_eq!(buffer.bytes().as_ptr().align_offset(ALIGNMENT_BYTES), 0);
        assert_eq!(buffer.bytes().len(), BUFFER_BYTES);
    }
}
