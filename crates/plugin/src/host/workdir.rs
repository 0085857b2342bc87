//! The folder that a plugin runs in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use strongroom_service::private_folders;

/// Names that are tried before giving up: so many runs of one name would have left theirs.
const MAX_NAMES: u32 = 1000;
/// A folder with more entries is taken for full: counting them would take too long.
const MAX_ENTRIES: u64 = 200_000;
/// A larger one is not kept after a failure.
const MAX_KEPT_BYTES: u64 = 64 << 20;

/// A new and empty folder, for its owner only. It is removed when it is dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Workdir {
    path: PathBuf,
    is_kept: bool,
}

impl Workdir {
    /// Makes one below `parent`, named after the run.
    pub(super) fn make(parent: &Path, run: &str) -> io::Result<Self> {
        private_folders().create(parent)?;
        let parent = parent.canonicalize()?;
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let name: String = run.chars().filter(is_plain).take(64).collect();
        let name = if name.is_empty() { "plugin" } else { &name };
        for number in 0..MAX_NAMES {
            let path = parent.join(format!("{name}.{number}"));
            match private_folders().recursive(false).create(&path) {
                Ok(()) => return Ok(Self { path, is_kept: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{MAX_NAMES} folders of that name are there; remove the old ones")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps it for a person to look at, if there is something in it and not too much.
    pub(super) fn keep(&mut self) -> Option<PathBuf> {
        let size = size_of(&self.path);
        self.is_kept = size > 0 && size <= MAX_KEPT_BYTES;
        self.is_kept.then(|| self.path.clone())
    }
}

impl Drop for Workdir {
    fn drop(&mut self) {
        if !self.is_kept && fs::remove_dir_all(&self.path).is_err() {
            // What the plugin took its own permissions from; the service's clean-up finds it by its name.
            tracing::warn!(path = %self.path.display(), "cannot remove a plugin's working directory");
        }
    }
}

/// Removes what failed runs, and hosts that were killed, left below `parent` and last changed before `before`; how many
/// folders. Choose a time that no run can have lasted since: a folder in use is not told apart.
pub fn remove_old_workdirs(parent: &Path, before: SystemTime) -> io::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() && found.modified()? < before {
            fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// What a folder holds, in bytes; [`u64::MAX`] if it has too many entries. Links are not followed.
pub(super) fn size_of(folder: &Path) -> u64 {
    let (mut folders, mut entries, mut bytes) = (vec![folder.to_owned()], 0_u64, 0_u64);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            entries += 1;
            if entries > MAX_ENTRIES {
                return u64::MAX;
            }
            let Ok(found) = entry.path().symlink_metadata() else { continue };
            if found.is_dir() {
                folders.push(entry.path());
            } else {
                // An empty file is something too.
                bytes = bytes.saturating_add(found.len().max(1));
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_folder_is_new_plain_and_removed_unless_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let first = Workdir::make(parent.path(), "../../etc").unwrap();
        assert_eq!(first.path(), parent.path().canonicalize().unwrap().join("etc.0"));
        let mut second = Workdir::make(parent.path(), "../../etc").unwrap();
        assert_ne!(first.path(), second.path());
        assert_eq!(second.keep(), None);
        fs::write(second.path().join("left"), "x").unwrap();
        let kept = second.keep().unwrap();
        drop((first, second));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        assert_eq!(size_of(&kept), 1);
    }

    #[test]
    fn only_old_folders_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("run.0")).unwrap();
        fs::write(parent.path().join("file"), "").unwrap();
        let changed = parent.path().join("run.0").metadata().unwrap().modified().unwrap();
        assert_eq!(remove_old_workdirs(parent.path(), changed).unwrap(), 0);
        assert_eq!(remove_old_workdirs(parent.path(), changed + Duration::from_secs(1)).unwrap(), 1);
        assert!(parent.path().join("file").exists());
    }
}
