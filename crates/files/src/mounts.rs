use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// Mount points below a folder; none where the kernel does not list them (proc_pid_mountinfo(5)).
pub fn mounts_below(root: &Path) -> Vec<PathBuf> {
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    below(&mounts, root).into_iter().map(|place| OsString::from_vec(place).into()).collect()
}

fn below(mounts: &[u8], root: &Path) -> Vec<Vec<u8>> {
    let root = [root.as_os_str().as_bytes(), b"/"].concat();
    let place = |line: &[u8]| line.split(|&b| b == b' ').nth(4).map(unescaped);
    mounts.split(|&b| b == b'\n').filter_map(place).filter(|place| place.starts_with(&root)).collect()
}

/// Spaces, tabs, newlines and backslashes are octal there.
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
