//! Files in their file system's own records (Btrfs's inline extents, ext4's `inline_data`, NTFS's resident files),
//! which even `O_DIRECT` reads through a cache.

use std::os::fd::AsRawFd as _;

use crate::Handle;

/// `FS_IOC_FIEMAP` (linux/fs.h). It fails on MIPS, PowerPC and SPARC, where the number differs.
const FIEMAP: libc::c_ulong = 0xC020_660B;
/// `FIEMAP_EXTENT_DATA_INLINE` and `…_TAIL` (linux/fiemap.h).
const INLINE: u32 = 0x200 | 0x400;

/// `struct fiemap` with one extent, as an inline file has.
#[repr(C)]
#[derive(Default)]
struct Request {
    start: u64,
    length: u64,
    flags: u32,
    mapped_extents: u32,
    extent_count: u32,
    reserved: u32,
    extent: Extent,
}

#[repr(C)]
#[derive(Default)]
struct Extent {
    logical: u64,
    physical: u64,
    length: u64,
    reserved: [u64; 2],
    flags: u32,
    reserved_flags: [u32; 3],
}

/// FAT and exFAT report nothing, and have no such files.
#[expect(unsafe_code, reason = "no crate wraps the ioctl safely")]
pub fn is_inline(file: impl Handle) -> bool {
    let mut request = Request { length: u64::MAX, extent_count: 1, ..Request::default() };
    // SAFETY: the kernel reads and writes a `struct fiemap` followed by `extent_count` extents: one. `Request` has that
    // layout, and lives through the call.
    let result = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), FIEMAP as _, std::ptr::from_mut(&mut request)) };
    result == 0 && request.mapped_extents > 0 && request.extent.flags & INLINE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_some_size_is_not_inline() {
        assert_eq!(size_of::<Request>(), 32 + 56);
        let dir = tempfile::tempdir_in(std::env::current_exe().unwrap().parent().unwrap()).unwrap();
        std::fs::write(dir.path().join("file"), vec![7; 1 << 20]).unwrap();
        let file = std::fs::File::open(dir.path().join("file")).unwrap();
        file.sync_all().unwrap();
        assert!(!is_inline(&file));
    }
}
