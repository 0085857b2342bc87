//! Disks that are mounted below the document root.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How many are named.
const MAX_NAMED: usize = 10;

/// Says which folders below the root are mounts of their own: a file that is archived from one
/// to another is copied, which takes longer and, for a while, the room of both.
pub(crate) fn log_those_below(root: &Path) {
    for place in those_below(root).into_iter().take(MAX_NAMED) {
        tracing::info!(
            folder = %String::from_utf8_lossy(&place),
            "a disk of its own is mounted below the document root: files are copied to and from there, not renamed"
        );
    }
}

/// How many folders below the root are mounts of their own now.
pub(crate) fn count_below(root: &Path) -> usize {
    those_below(root).len()
}

/// None where the kernel does not tell: a file that cannot be renamed is copied all the same.
fn those_below(root: &Path) -> Vec<Vec<u8>> {
    fs::read("/proc/self/mountinfo").map(|mounts| below(&mounts, root)).unwrap_or_default()
}

/// The mount points below a folder, of `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
fn below(mounts: &[u8], root: &Path) -> Vec<Vec<u8>> {
    let root = [root.as_os_str().as_bytes(), b"/"].concat();
    let place = |line: &[u8]| line.split(|&b| b == b' ').nth(4).map(unescaped);
    mounts.split(|&b| b == b'\n').filter_map(place).filter(|place| place.starts_with(&root)).collect()
}

/// Spaces, tabs, line ends and backslashes are written as three octal digits.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| byte == b'\\').and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(escaped) => {
                plain.push(escaped);
                rest = &after[3..];
            }
            None => {
                plain.push(byte);
                rest = after;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_below_the_root_are_found_whatever_their_names() {
        let mounts = b"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
            23 22 8:2 / /srv/documents rw - ext4 /dev/sdb rw\n\
            24 23 8:3 / /srv/documents/archived rw - ext4 /dev/sdc rw\n\
            25 23 8:4 / /srv/documents/two\\040words\\134 rw - ext4 /dev/sdd rw\n\
            26 22 8:5 / /srv/documents-2/x rw - ext4 /dev/sde rw\n\
            nonsense\n";
        let found = below(mounts, Path::new("/srv/documents"));
        assert_eq!(found, [&b"/srv/documents/archived"[..], b"/srv/documents/two words\\"]);
    }
}
