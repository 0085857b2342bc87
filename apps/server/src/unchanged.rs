//! Whether a file still matches its recorded digest.
//!
//! Copies are proven against the digest. A file that was changed since is the only one of its kind, so nothing may
//! move or delete it: it would take another's name and proof. All calls block.

use std::fs::File;

use strongroom_files::Stat;
use strongroom_model::{ByteCount, Digest};

use crate::bytes::{digest_of, stat_of};
use crate::disk_error::Result;
use crate::path::RelativePath;
use crate::root::DocumentRoot;

/// Up to this size a file is always read again: that costs less than opening it. Above, the stamp decides where it is
/// known, so that moving a file of many gigabytes takes no minutes.
const ALWAYS_READ_BYTES: u64 = 1 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) size: ByteCount,
    pub(crate) digest: Digest,
    pub(crate) stamp: Option<Stamp>,
}

/// What the file system says of a file: device, inode, size, and the times of the last change of its bytes and of its
/// inode. Nobody can set the last one, so a file that was written to and given its old time has another stamp. A
/// rename changes it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(String);

impl Stamp {
    pub(crate) fn of(entry: &Stat) -> Self {
        let (device, inode) = entry.id;
        let (written, changed) = (entry.modified.nanoseconds_since_1970(), entry.changed.nanoseconds_since_1970());
        Self(format!("{device}-{inode}-{}-{written}-{changed}", entry.size))
    }

    /// A recorded one. A malformed text equals no file's.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileCheck {
    Same(Stat),
    /// The reason is for a person.
    Changed(String),
    Nothing,
}

pub(crate) fn examine(root: &DocumentRoot, path: &RelativePath, expected: &Fingerprint) -> Result<FileCheck> {
    let file = match root.entry(path)? {
        None => return Ok(FileCheck::Nothing),
        Some(entry) if !entry.is_plain() => return Ok(FileCheck::Changed("is not a regular file any more".to_owned())),
        Some(_) => root.open_file(path)?,
    };
    let before = stat_of(&file)?;
    if before.size != expected.size.0 {
        let why = format!("has {} bytes, not the recorded {}", before.size, expected.size.0);
        return Ok(FileCheck::Changed(why));
    }
    let is_stamped = expected.stamp.as_ref().is_some_and(|stamp| *stamp == Stamp::of(&before));
    if is_stamped && before.size > ALWAYS_READ_BYTES {
        return Ok(FileCheck::Same(before));
    }
    compare(file, before, expected)
}

fn compare(mut file: File, before: Stat, expected: &Fingerprint) -> Result<FileCheck> {
    let (_, digest) = digest_of(&mut file, expected.digest.algorithm())?;
    if digest != expected.digest {
        return Ok(FileCheck::Changed(format!("has the digest {digest}, not the recorded {}", expected.digest)));
    }
    if stat_of(&file)? != before {
        return Ok(FileCheck::Changed("is being written to".to_owned()));
    }
    Ok(FileCheck::Same(before))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::{Duration, SystemTime};

    use strongroom_model::Algorithm;

    use super::*;

    fn root() -> (tempfile::TempDir, DocumentRoot, RelativePath) {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        (dir, root, RelativePath::new("a.pdf").unwrap())
    }

    fn fingerprint(bytes: &[u8]) -> Fingerprint {
        let size = ByteCount(bytes.len() as u64);
        Fingerprint { size, digest: Digest::of(Algorithm::Sha256, bytes), stamp: None }
    }

    fn stamped(root: &DocumentRoot, path: &RelativePath, bytes: &[u8]) -> Fingerprint {
        let stamp = root.entry(path).unwrap().map(|entry| Stamp::of(&entry));
        Fingerprint { stamp, ..fingerprint(bytes) }
    }

    /// Writes in place, and puts the file's time back.
    fn forge(path: &std::path::Path, bytes: &[u8]) {
        let before = std::fs::metadata(path).unwrap().modified().unwrap();
        let mut file = File::options().write(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
        file.set_modified(before).unwrap();
    }

    #[test]
    fn a_file_that_was_changed_is_found_whatever_its_times_say() {
        let (dir, root, path) = root();
        let place = dir.path().join("a.pdf");
        for size in [3, 3 << 20] {
            let whole = vec![7; size];
            std::fs::write(&place, &whole).unwrap();
            let expected = stamped(&root, &path, &whole);
            assert!(matches!(examine(&root, &path, &expected).unwrap(), FileCheck::Same(_)));
            // The clock that files are stamped with ticks every few milliseconds.
            std::thread::sleep(Duration::from_millis(20));
            forge(&place, b"x");
            let FileCheck::Changed(why) = examine(&root, &path, &expected).unwrap() else { panic!("it was changed") };
            assert!(why.contains("has the digest sha256:"), "{why}");
            std::fs::write(&place, "longer than before").unwrap();
            let FileCheck::Changed(why) = examine(&root, &path, &fingerprint(b"abc")).unwrap() else {
                panic!("it grew")
            };
            assert_eq!(why, "has 18 bytes, not the recorded 3");
        }
    }

    #[test]
    fn a_file_with_new_times_and_the_same_bytes_is_the_same() {
        let (dir, root, path) = root();
        let whole = vec![7; 3 << 20];
        std::fs::write(dir.path().join("a.pdf"), &whole).unwrap();
        let expected = stamped(&root, &path, &whole);
        let file = File::options().write(true).open(dir.path().join("a.pdf")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        assert!(matches!(examine(&root, &path, &expected).unwrap(), FileCheck::Same(_)));
    }

    #[test]
    fn what_is_not_a_regular_file_is_changed() {
        let (dir, root, path) = root();
        assert_eq!(examine(&root, &path, &fingerprint(b"")).unwrap(), FileCheck::Nothing);
        std::os::unix::fs::symlink("elsewhere", dir.path().join("a.pdf")).unwrap();
        assert!(matches!(examine(&root, &path, &fingerprint(b"")).unwrap(), FileCheck::Changed(_)));
        std::fs::remove_file(dir.path().join("a.pdf")).unwrap();
        std::fs::create_dir(dir.path().join("a.pdf")).unwrap();
        assert!(matches!(examine(&root, &path, &fingerprint(b"")).unwrap(), FileCheck::Changed(_)));
    }
}
