//! Reading back from the device, not from the page cache.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use strongroom_files::at::read_at;
use strongroom_files::cache::{drop_cached, is_inline, resident_pages, set_direct};
use strongroom_files::{Backing, Beneath, Stat};
use strongroom_model::digest::PairHasher;
use strongroom_model::event::ReadBack;
use strongroom_model::{Algorithm, ByteCount, Digest};
use strongroom_service::{Fault, fault};

use super::{Drive, relative};
use crate::error::{DriveError, Operation};
use crate::mount::Mount;
use crate::proof::{LoggedCopy, ProvenRead, ReadBackResult};
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

impl Drive {
    /// Reads a proven file once, past the page cache where possible, and gives its bytes to `sink` in order, in chunks
    /// of at most 1 MiB: the source of copies, repairs and restored files. A file whose size differs from the proven one
    /// is not read.
    ///
    /// The sink has the bytes before the digest is known: whoever writes them must compare the digests before the result
    /// counts for anything.
    ///
    /// # Errors
    /// The file is missing, not plain, or unreadable; or the drive's.
    pub fn read_proven(
        &self,
        path: &str,
        copy: &LoggedCopy,
        sink: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<ProvenRead, DriveError> {
        let path = relative(path)?;
        let mount = self.mount()?;
        let read = mount.top.file(&path).and_then(|file| {
            let stat = Stat::of(&file)?;
            if copy.size.is_some_and(|size| size.0 != stat.size) {
                return Ok(ProvenRead::OtherSize(ByteCount(stat.size)));
            }
            let algorithm = copy.sha256.algorithm();
            let read = read_open(&mount.top, mount.backing(), &file, algorithm, &mut AlignedBuffer::new(), sink)?;
            Ok(read.map_or(ProvenRead::Stopped, |result| ProvenRead::Read { result, modified: stat.modified }))
        });
        read.map_err(|error| match self.mount() {
            // If the drive itself is gone, report that, not the file.
            Err(gone) => gone,
            Ok(_) => mount.open_error(Operation::Read, &path, error),
        })
    }
}

/// For a file that differs from the one read back earlier: whether its content is the proven one. FAT invents new
/// inode numbers with each mount.
pub(crate) fn is_still(mount: &Mount, path: &Relative, sha256: &Digest) -> Result<bool, DriveError> {
    let read = read_file(mount, path, Algorithm::Sha256, &mut AlignedBuffer::new())?;
    Ok(read.pair.sha256 == *sha256 && (read.method != ReadBack::Cached || mount.backing() != Backing::Device))
}

pub(crate) fn read_file(
    mount: &Mount,
    path: &Relative,
    algorithm: Algorithm,
    buffer: &mut AlignedBuffer,
) -> Result<ReadBackResult, DriveError> {
    let read = mount.top.file(path).and_then(|file| {
        let read = read_open(&mount.top, mount.backing(), &file, algorithm, buffer, &mut |_| ControlFlow::Continue(()));
        read.map(|read| read.expect("it goes on to the end"))
    });
    read.map_err(|error| mount.open_error(Operation::Read, path, error))
}

/// Takes a file's bytes in order; `Break` ends the reading.
pub(crate) type Sink<'a> = dyn FnMut(&[u8]) -> ControlFlow<()> + 'a;

/// Reads an open file below `top`, from the device where possible; `None` if the sink ended it.
pub(crate) fn read_open(
    top: &Beneath,
    backing: Backing,
    file: &File,
    algorithm: Algorithm,
    buffer: &mut AlignedBuffer,
    sink: &mut Sink<'_>,
) -> io::Result<Option<ReadBackResult>> {
    let stat = Stat::of(file)?;
    let mut reading = Reading { file, size: stat.size, hasher: PairHasher::new(algorithm), given: 0 };
    let method = if top.filesystem().on_device {
        let method = reading.read_device(algorithm, buffer, sink)?;
        // A layer below may have a cache.
        method.map(|method| if backing == Backing::Device { method } else { ReadBack::Cached })
    } else {
        reading.pour(buffer, sink)?.is_continue().then_some(ReadBack::Cached)
    };
    Ok(method.map(|method| ReadBackResult {
        pair: reading.hasher.finish(),
        size: ByteCount(reading.size),
        method,
        seen: FileVersion::of(&stat),
    }))
}

struct Reading<'a> {
    file: &'a File,
    size: u64,
    hasher: PairHasher,
    /// Bytes that the sink has.
    given: u64,
}

impl Reading<'_> {
    /// Reads with `O_DIRECT` where supported, and checks the page cache before and after: some file systems accept the
    /// flag and read through it.
    fn read_device(
        &mut self,
        algorithm: Algorithm,
        buffer: &mut AlignedBuffer,
        sink: &mut Sink<'_>,
    ) -> io::Result<Option<ReadBack>> {
        let file = self.file;
        // Drops clean pages; ours are clean, since they were synced.
        drop_cached(file)?;
        let resident_before = resident_pages(file, self.size).ok();

        let mut direct = set_direct(file, true).is_ok();
        let mut read = self.pour(buffer, sink);
        if direct && read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::InvalidInput) {
            set_direct(file, false)?;
            direct = false;
            self.hasher = PairHasher::new(algorithm);
            read = self.pour(buffer, sink);
        }
        if read?.is_break() {
            return Ok(None);
        }

        let resident_after = resident_pages(file, self.size).ok();
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
        Ok(Some(method))
    }

    fn pour(&mut self, buffer: &mut AlignedBuffer, sink: &mut Sink<'_>) -> io::Result<ControlFlow<()>> {
        let fault = fault!("drive.read-back");
        match fault.map(Fault::fail) {
            // As for a real EINTR, read again.
            Some(Err(error)) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        let mut offset = 0;
        while offset < self.size {
            let length = usize::try_from(self.size - offset).unwrap_or(usize::MAX).min(BUFFER_BYTES);
            let chunk = &mut buffer.bytes()[..length.next_multiple_of(ALIGNMENT_BYTES)];
            let count = read_at(self.file, chunk, offset)?;
            // Truncated while being read.
            if count < length && !count.is_multiple_of(ALIGNMENT_BYTES) || count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let count = count.min(length);
            if fault == Some(Fault::Flip) && offset == 0 {
                chunk[count / 2] ^= 1;
            }
            self.hasher.update(&chunk[..count]);
            // When it begins anew without O_DIRECT, the sink has the first bytes already.
            let skipped = usize::try_from(self.given.saturating_sub(offset)).unwrap_or(usize::MAX).min(count);
            if skipped < count && sink(&chunk[skipped..count]).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            offset += count as u64;
            self.given = self.given.max(offset);
        }
        Ok(ControlFlow::Continue(()))
    }
}

pub(crate) struct AlignedBuffer {
    memory: Vec<u8>,
    start: usize,
}

impl AlignedBuffer {
    pub(crate) fn new() -> Self {
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
