//! What each file system supports. Trusting an unknown one with nothing costs only speed.

use std::fs;
use std::io;
use std::sync::LazyLock;

use strongroom_service::fault;

use crate::Handle;
use crate::call::call;

/// syncfs(2), "BUGS": older versions of Linux report no errors.
const SYNCFS_REPORTS_SINCE: (u32, u32) = (5, 8);

static KERNEL: LazyLock<Option<(u32, u32)>> = LazyLock::new(kernel_version);

/// A file system's abilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filesystem {
    /// Whether `syncfs` makes everything durable and reports errors; on FUSE it may do nothing.
    pub syncfs: bool,
    /// Whether it is only on a block device below this kernel's page cache. Network servers, FUSE programs, ZFS and
    /// RAM disks have other caches.
    pub on_device: bool,
    /// Whether birth times are exact and cannot be set.
    pub keeps_birth: bool,
}

impl Filesystem {
    /// Of an open file or folder.
    pub fn of(file: impl Handle) -> io::Result<Self> {
        let magic = call(|| fault!("files.statfs"), || rustix::fs::fstatfs(&file))?.f_type;
        // Its type differs between architectures; the numbers fit in 32 bits.
        let magic = u32::try_from(magic & 0xffff_ffff).unwrap_or(0);
        Ok(Self::known(magic, *KERNEL))
    }

    /// From linux/magic.h, exFAT's and NTFS's sources.
    fn known(magic: u32, kernel: Option<(u32, u32)>) -> Self {
        let (on_device, keeps_birth, syncs) = match magic {
            // ext2 to ext4, XFS, Btrfs, F2FS.
            0xef53 | 0x5846_5342 | 0x9123_683e | 0xf2f5_2010 => (true, true, true),
            // vfat, exFAT, ntfs3: births are in local time, or can be set.
            0x4d44 | 0x2011_bab0 | 0x7366_746e => (true, false, true),
            // tmpfs.
            0x0102_1994 => (false, false, true),
            _ => (false, false, false),
        };
        let reported = kernel.is_some_and(|version| version >= SYNCFS_REPORTS_SINCE);
        Self { syncfs: syncs && reported, on_device, keeps_birth }
    }
}

fn kernel_version() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_file_system_is_trusted_with_nothing() {
        for magic in [0x6969_u32, 0x6573_5546, 0xff53_4d42, 0x2fc1_2fc1, 0x794c_7630, 0] {
            let filesystem = Filesystem::known(magic, Some((6, 18)));
            assert_eq!(filesystem, Filesystem { syncfs: false, on_device: false, keeps_birth: false });
        }
    }

    #[test]
    fn r1_syncfs_is_used_only_where_the_kernel_reports_its_errors() {
        assert!(Filesystem::known(0xef53, Some((5, 8))).syncfs);
        assert!(!Filesystem::known(0xef53, Some((5, 7))).syncfs);
        assert!(!Filesystem::known(0xef53, None).syncfs);
        assert!(kernel_version().is_some());
    }
}
