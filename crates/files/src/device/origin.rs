//! A file system's id and its device's serial number. Neither is proof: a clone has its original's id, and a USB
//! adapter may report its own serial number.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::major;

use super::{block, disk, slaves};
use crate::Handle;

/// A UUID has 36, a serial number usually 20.
const MAX_CHARS: usize = 64;
const MAX_IDS: usize = 4096;
const MAX_BYTES: u64 = 256;
/// SCSI's target, host and interface are between disk and USB device.
const MAX_ABOVE: usize = 12;

/// A file system's origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// Its UUID, from udev.
    pub filesystem: Option<String>,
    /// Its only device's serial number.
    pub serial: Option<String>,
}

impl Origin {
    /// Of an open file or folder.
    pub fn of(file: impl Handle) -> Self {
        let Ok(stat) = rustix::fs::fstat(file) else { return Self::default() };
        let top = Path::new("/");
        let device = disk(top, stat.st_dev).unwrap_or(stat.st_dev);
        if major(device) == 0 {
            return Self::default();
        }
        Self { filesystem: filesystem(&top.join("dev/disk/by-uuid"), device), serial: serial(top, device) }
    }
}

fn filesystem(folder: &Path, device: u64) -> Option<String> {
    let entries = fs::read_dir(folder).ok()?.take(MAX_IDS).flatten();
    let is_it = |path: PathBuf| fs::metadata(path).is_ok_and(|found| found.rdev() == device);
    entries.filter(|entry| is_it(entry.path())).find_map(|entry| plain(entry.file_name().as_encoded_bytes()))
}

/// Through a stack of single parts (LUKS, LVM).
fn serial(top: &Path, device: u64) -> Option<String> {
    let place = block(top, device)?;
    match slaves(&place)[..] {
        // One level only: a deeper stack has no single device to name.
        [below] => of_disk(&block(top, below)?),
        _ => of_disk(&place),
    }
}

/// NVMe, MMC and virtio report it, SCSI in vital product data; a USB adapter's is the last resort.
fn of_disk(place: &Path) -> Option<String> {
    let read = |path: PathBuf| {
        let mut bytes = Vec::new();
        fs::File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    // Skips the page's header (SPC-4, section 7.8.12).
    let page = read(place.join("device/vpd_pg80")).and_then(|page| plain(page.get(4..)?));
    let own = || ["device/serial", "serial"].iter().find_map(|name| plain(&read(place.join(name))?));
    let usb = || {
        let device = place.ancestors().take(MAX_ABOVE).find(|above| above.join("idVendor").exists())?;
        plain(&read(device.join("serial"))?)
    };
    page.or_else(own).or_else(usb)
}

fn plain(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let fits = (1..=MAX_CHARS).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::makedev;

    use super::*;

    fn write(top: &Path, path: &str, bytes: &[u8]) {
        let path = top.join("sys/devices").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn device(top: &Path, number: &str, path: &str) {
        let place = top.join("sys/devices").join(path);
        fs::create_dir_all(&place).unwrap();
        fs::create_dir_all(top.join("sys/dev/block")).unwrap();
        symlink(&place, top.join("sys/dev/block").join(number)).unwrap();
    }

    #[test]
    fn a_device_tells_its_serial_number_in_one_of_several_ways() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path();
        device(top, "8:0", "usb1/1-2/host6/block/sda");
        device(top, "8:1", "usb1/1-2/host6/block/sda/sda1");
        write(top, "usb1/1-2/host6/block/sda/sda1/partition", b"1\n");
        assert_eq!(serial(top, makedev(8, 1)), None);
        write(top, "usb1/1-2/idVendor", b"1058\n");
        write(top, "usb1/1-2/serial", b"ADAPTER7\n");
        assert_eq!(serial(top, makedev(8, 1)).as_deref(), Some("ADAPTER7"));
        write(top, "usb1/1-2/host6/block/sda/device/vpd_pg80", b"\0\x80\0\x10  WX41A7654321  ");
        assert_eq!(serial(top, makedev(8, 1)).as_deref(), Some("WX41A7654321"), "the disk's own, of its partition");
        device(top, "253:0", "virtual/dm-0");
        write(top, "virtual/dm-0/slaves/sda1/dev", b"8:1\n");
        assert_eq!(serial(top, makedev(253, 0)).as_deref(), Some("WX41A7654321"), "LUKS on it");
        assert_eq!(serial(top, makedev(9, 9)), None);
    }

    #[test]
    fn r9_a_device_that_tells_nonsense_tells_nothing() {
        for bytes in [&b""[..], b"\0\0\0", b"\x1b[31m", &[0xff; 8], &[b'x'; MAX_CHARS + 1], "\u{202e}x".as_bytes()] {
            assert_eq!(plain(bytes), None, "{bytes:?}");
        }
        assert_eq!(plain(b" S2 X\n").as_deref(), Some("S2 X"));
    }
}
