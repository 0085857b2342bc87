//! Counts cached pages: posix_fadvise(2) and `O_DIRECT` may silently do nothing. mincore(2) works on every file system
//! without I/O; cachestat(2) needs Linux 6.5, and `preadv2` with `RWF_NOWAIT` starts the read-ahead that it is to find
//! absent.

use std::io;
use std::os::fd::AsRawFd as _;

use crate::Handle;

/// 64 KiB of answers.
const WINDOW_BYTES: u64 = 256 << 20;

/// Cached pages of the first `size` bytes. For another user's file that is not writable, the kernel answers "all"
/// (mincore(2), since Linux 5.2): the safe error.
pub fn resident_pages(file: impl Handle, size: u64) -> io::Result<u64> {
    let mut pages = 0;
    let mut offset = 0;
    while offset < size {
        let length = WINDOW_BYTES.min(size - offset);
        pages += resident_in(file.as_fd(), offset, usize::try_from(length).expect("a window fits an address space"))?;
        offset += length;
    }
    Ok(pages)
}

#[expect(unsafe_code, reason = "no crate wraps mincore(2) safely; see the module's documentation")]
fn resident_in(file: impl Handle, offset: u64, length: usize) -> io::Result<u64> {
    let page_bytes = rustix::param::page_size();
    let mut answers = vec![0_u8; length.div_ceil(page_bytes)];
    let file = file.as_fd().as_raw_fd();
    let offset = libc::off_t::try_from(offset).map_err(|_| io::ErrorKind::InvalidInput)?;

    // SAFETY: a new shared mapping at an address of the kernel's choosing replaces no other. Nothing refers into it, so
    // the file may change or shrink.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), length, libc::PROT_READ, libc::MAP_SHARED, file, offset) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping just made; `answers` has one byte for each of its pages.
    let result = unsafe { libc::mincore(start, length, answers.as_mut_ptr()) };
    let error = (result != 0).then(io::Error::last_os_error);
    // SAFETY: the mapping just made; nothing else refers to it.
    let unmapped = unsafe { libc::munmap(start, length) };
    debug_assert_eq!(unmapped, 0, "munmap of what mmap gave");
    match error {
        Some(error) => Err(error),
        // mincore(2) defines only the lowest bit.
        None => Ok(answers.iter().map(|answer| u64::from(answer & 1)).sum()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_just_written_is_resident_and_one_that_was_dropped_is_not() {
        // Beside this program: a build seldom lies in a RAM disk, where all is always resident.
        let dir = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        if !crate::Filesystem::of(std::fs::File::open(dir.path()).unwrap()).unwrap().on_device {
            return;
        }
        let path = dir.path().join("file");
        std::fs::write(&path, vec![7; 100_000]).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        assert_eq!(resident_pages(&file, 100_000).unwrap(), 100_000_u64.div_ceil(rustix::param::page_size() as u64));
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        assert_eq!(resident_pages(&file, 100_000).unwrap(), 0);
        assert_eq!(resident_pages(&file, 0).unwrap(), 0);
    }
}
