//! What a file system is on. A read past the page cache comes from the device only if no layer below has a cache:
//! partitions, dm (LUKS, LVM), md (RAID) and loop devices, followed through `/sys/dev/block`.

mod origin;

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{major, makedev, minor};

pub use self::origin::Origin;
use crate::Handle;
use crate::filesystem::Filesystem;

/// A partition in LVM on LUKS on RAID on partitions has six.
const MAX_LAYERS: u32 = 16;
const TMPFS: u32 = 0x0102_1994;
const RAMFS: u32 = 0x8584_58f6;
const HUGETLBFS: u32 = 0x9584_58f6;
const FUSE: u32 = 0x6573_5546;

/// What a file system is on, from the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backing {
    /// Devices, read past the page cache.
    Device,
    /// A cache may answer reads.
    Cache(Cache),
    /// Memory, lost with the power.
    Memory,
}

/// Whose cache it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cache {
    /// A loop device's: that of the disk with its file (`.img`, VeraCrypt, LUKS in a file).
    Loop,
    /// A FUSE program's (ntfs-3g, exfat-fuse).
    Fuse,
    /// A network server's.
    Network,
    /// Unknown, perhaps none.
    Unknown,
}

impl Backing {
    /// Of an open file or folder.
    pub fn of(file: impl Handle) -> io::Result<Self> {
        let magic = rustix::fs::fstatfs(&file)?.f_type & 0xffff_ffff;
        let device = rustix::fs::fstat(&file)?.st_dev;
        match u32::try_from(magic).unwrap_or(0) {
            TMPFS | RAMFS | HUGETLBFS => Ok(Self::Memory),
            FUSE => Ok(Self::Cache(Cache::Fuse)),
            _ if !Filesystem::of(&file)?.on_device => Ok(Self::Cache(Cache::Unknown)),
            _ => Ok(below(Path::new("/"), disk(Path::new("/"), device).unwrap_or(device), MAX_LAYERS)),
        }
    }

    /// Why reads may not come from a device, and the remedy.
    pub const fn reason(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Device => None,
            Self::Cache(Cache::Loop) => Some((
                "it is a file that is mounted as a disk (a loop device), so that reads may come from the cache of the disk that the file is on",
                "use a disk or a partition instead of a file, or a loop device with direct I/O (`losetup --direct-io=on`)",
            )),
            Self::Cache(Cache::Fuse) => Some((
                "its file system is a FUSE program (ntfs-3g, exfat-fuse), which reads through a cache",
                "mount it with the kernel's own driver (`mount -t ntfs3`, `mount -t exfat`), or format it as ext4",
            )),
            Self::Cache(Cache::Network) => {
                Some(("it is on a server on the network, which has a cache of its own", "attach the disk to this host"))
            }
            Self::Cache(Cache::Unknown) => Some((
                "its file system, or the device below, is not known to be read past all caches",
                "use a disk with ext4, XFS, Btrfs, exFAT or NTFS (the kernel's drivers)",
            )),
            Self::Memory => Some(("it is in memory, and gone with the power", "use a disk")),
        }
    }
}

/// A folder's disk by device number: the same for all subvolumes of one Btrfs.
pub fn disk_of(folder: impl Handle) -> io::Result<u64> {
    let device = rustix::fs::fstat(folder)?.st_dev;
    Ok(disk(Path::new("/"), device).unwrap_or(device))
}

/// Btrfs invents device numbers; mountinfo has the block device.
fn disk(top: &Path, device: u64) -> Option<u64> {
    if major(device) != 0 {
        return None;
    }
    let number = format!("{}:{}", major(device), minor(device));
    let mounts = fs::read_to_string(top.join("proc/self/mountinfo")).ok()?;
    let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(&number))?;
    let source = line.split_once(" - ")?.1.split(' ').nth(1)?;
    let source = top.join(source.strip_prefix("/dev/").map(|name| format!("dev/{name}"))?);
    Some(fs::metadata(source).ok()?.rdev()).filter(|device| *device != 0)
}

fn below(top: &Path, device: u64, layers: u32) -> Backing {
    let unknown = Backing::Cache(Cache::Unknown);
    let Some(place) = block(top, device).filter(|_| layers > 0) else { return unknown };
    let Some(name) = place.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { return unknown };
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if begins(&["loop"]) {
        return of_loop(top, &place, layers);
    }
    if begins(&["ram", "zram"]) {
        return Backing::Memory;
    }
    if begins(&["nbd", "rbd", "drbd"]) {
        return Backing::Cache(Cache::Network);
    }
    let slaves = slaves(&place);
    if !slaves.is_empty() {
        return slaves.into_iter().map(|device| below(top, device, layers - 1)).max().unwrap_or(unknown);
    }
    if begins(&["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "ub", "dasd", "pmem"]) { Backing::Device } else { unknown }
}

/// Where sysfs describes a device or, for a partition, its disk.
fn block(top: &Path, device: u64) -> Option<PathBuf> {
    let place = top.join(format!("sys/dev/block/{}:{}", major(device), minor(device)));
    let mut place = place.canonicalize().ok()?;
    if place.join("partition").exists() {
        place.pop();
    }
    Some(place)
}

fn slaves(place: &Path) -> Vec<u64> {
    let entries = fs::read_dir(place.join("slaves")).into_iter().flatten().flatten();
    let number = |path: PathBuf| {
        let text = fs::read_to_string(path.join("dev")).ok()?;
        let (major, minor) = text.trim().split_once(':')?;
        Some(makedev(major.parse().ok()?, minor.parse().ok()?))
    };
    // Device 0 is never found, so an unreadable entry counts as unknown.
    entries.map(|entry| number(entry.path()).unwrap_or(0)).collect()
}

/// Direct I/O skips the page cache in between.
fn of_loop(top: &Path, place: &Path, layers: u32) -> Backing {
    let read = |name| fs::read_to_string(place.join("loop").join(name)).unwrap_or_default();
    let (file, direct) = (read("backing_file"), read("dio"));
    let file = Path::new(file.trim_end_matches('\n'));
    let at = |path: &Path| path.strip_prefix("/").map(|path| top.join(path));
    let opened = at(file).ok().and_then(|path| fs::File::open(path).ok());
    let under = opened.and_then(|file| {
        let known = Filesystem::of(&file).ok()?;
        let device = rustix::fs::fstat(&file).ok()?.st_dev;
        let magic = rustix::fs::fstatfs(&file).ok()?.f_type & 0xffff_ffff;
        let memory = matches!(u32::try_from(magic), Ok(TMPFS | RAMFS | HUGETLBFS));
        Some(match (memory, known.on_device) {
            (true, _) => Backing::Memory,
            (false, true) => below(top, disk(top, device).unwrap_or(device), layers - 1),
            (false, false) => Backing::Cache(Cache::Unknown),
        })
    });
    let under = under.unwrap_or(Backing::Cache(Cache::Loop));
    if direct.trim() == "1" { under } else { under.max(Backing::Cache(Cache::Loop)) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A tree of block devices as the kernel shows it.
    struct Devices(tempfile::TempDir);

    impl Devices {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("sys/dev/block")).unwrap();
            Self(dir)
        }

        fn add(&self, number: &str, path: &str, below: &[(&str, &str)]) {
            let place = self.0.path().join("sys/devices").join(path);
            fs::create_dir_all(place.join("slaves")).unwrap();
            fs::write(place.join("dev"), format!("{number}\n")).unwrap();
            for (_, slave) in below {
                let slave = self.0.path().join("sys/devices").join(slave);
                symlink(&slave, place.join("slaves").join(slave.file_name().unwrap())).unwrap();
            }
            symlink(&place, self.0.path().join("sys/dev/block").join(number)).unwrap();
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join("sys/devices").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn below(&self, major: u32, minor: u32) -> Backing {
            below(self.0.path(), makedev(major, minor), MAX_LAYERS)
        }
    }

    #[test]
    fn r1_the_whole_way_down_decides() {
        let devices = Devices::new();
        devices.add("8:0", "pci/sda", &[]);
        devices.add("8:1", "pci/sda/sda1", &[]);
        devices.write("pci/sda/sda1/partition", "1\n");
        devices.add("1:0", "virtual/ram0", &[]);
        devices.add("43:0", "virtual/nbd0", &[]);
        devices.add("99:0", "virtual/strange0", &[]);
        devices.add("7:0", "virtual/loop0", &[]);
        devices.write("virtual/loop0/loop/backing_file", "/home/me/container.img\n");
        devices.write("virtual/loop0/loop/dio", "0\n");
        devices.add("253:0", "virtual/dm-0", &[("", "pci/sda/sda1")]);
        devices.add("253:1", "virtual/dm-1", &[("", "virtual/loop0")]);
        devices.add("253:2", "virtual/dm-2", &[("", "virtual/ram0")]);
        devices.add("9:0", "virtual/md0", &[("", "pci/sda"), ("", "virtual/loop0")]);
        assert_eq!(devices.below(8, 0), Backing::Device);
        assert_eq!(devices.below(8, 1), Backing::Device, "a partition");
        assert_eq!(devices.below(253, 0), Backing::Device, "LUKS on a partition");
        assert_eq!(devices.below(7, 0), Backing::Cache(Cache::Loop));
        assert_eq!(devices.below(253, 1), Backing::Cache(Cache::Loop), "LUKS in a file");
        assert_eq!(devices.below(9, 0), Backing::Cache(Cache::Loop), "one half of a RAID in a file");
        assert_eq!(devices.below(253, 2), Backing::Memory);
        assert_eq!(devices.below(43, 0), Backing::Cache(Cache::Network));
        assert_eq!(devices.below(99, 0), Backing::Cache(Cache::Unknown));
        assert_eq!(devices.below(8, 99), Backing::Cache(Cache::Unknown), "a device that is not there");
    }

    #[test]
    fn what_is_in_the_way_comes_with_what_would_change_it() {
        for backing in [Cache::Loop, Cache::Fuse, Cache::Network, Cache::Unknown].map(Backing::Cache) {
            assert!(backing.reason().is_some());
        }
        assert!(Backing::Device.reason().is_none() && Backing::Memory.reason().is_some());
        assert!(Backing::Memory > Backing::Cache(Cache::Unknown) && Backing::Cache(Cache::Loop) > Backing::Device);
    }
}
