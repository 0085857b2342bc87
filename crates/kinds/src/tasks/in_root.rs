//! Files of a host whose file system begins at a folder: links lead where they lead on that host, and never out of it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

use strongroom_files::{Beneath, Policy};

/// As many links as the kernel follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// A host's file system below a folder.
#[derive(Debug)]
pub(super) struct InRoot<'a> {
    root: &'a Path,
    beneath: Beneath,
}

impl<'a> InRoot<'a> {
    /// # Errors
    /// If the folder cannot be opened.
    pub(super) fn new(root: &'a Path) -> io::Result<Self> {
        // Nothing is created below it, so the modes are never used.
        let policy = Policy { one_file_system: false, file_mode: 0o600, folder_mode: 0o700 };
        Ok(Self { root, beneath: Beneath::open(root, policy)? })
    }

    /// Where a path of the host really is, without the first slash. An absolute link begins at the root again, and `..`
    /// does not lead above it, as after chroot(2).
    ///
    /// # Errors
    /// If something on the way is missing or cannot be read, or if links go in circles.
    pub(super) fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        let (mut done, mut left, mut links) = (PathBuf::new(), parts(path), 0);
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            if !fs::symlink_metadata(self.root.join(&next))?.is_symlink() {
                done = next;
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("its symbolic links go in circles"));
            }
            let target = fs::read_link(self.root.join(&next))?;
            if target.is_absolute() {
                done = PathBuf::new();
            }
            left.extend(parts(&target));
        }
        Ok(done)
    }

    /// Opens a plain file that [`resolve`](Self::resolve) found. A link that was put in its place since is refused.
    ///
    /// # Errors
    /// If it is no plain file, or cannot be opened.
    pub(super) fn open(&self, resolved: &Path) -> io::Result<File> {
        self.beneath.file(resolved)
    }

    /// The folder itself.
    pub(super) const fn root(&self) -> &Path {
        self.root
    }
}

/// The parts of a path, the first one last; without those that lead nowhere.
fn parts(path: &Path) -> Vec<OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
    };
    path.components().rev().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_lead_where_they_lead_on_that_host() {
        let (outer, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let at = |path: &str| folder.path().join(path);
        fs::create_dir_all(at("opt/app")).unwrap();
        fs::write(at("opt/app/run.sh"), "x").unwrap();
        fs::write(outer.path().join("run.sh"), "secret").unwrap();
        symlink("/opt/app", at("bin")).unwrap();
        symlink("../../../../../opt/app/run.sh", at("up")).unwrap();
        symlink(outer.path().join("run.sh"), at("out")).unwrap();
        symlink("circle", at("circle")).unwrap();
        let root = InRoot::new(folder.path()).unwrap();
        for path in ["/bin/run.sh", "up", "/opt/./app/../app/run.sh"] {
            assert_eq!(root.resolve(Path::new(path)).unwrap(), Path::new("opt/app/run.sh"), "{path}");
        }
        assert_eq!(root.resolve(Path::new("out")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(root.resolve(Path::new("circle")).is_err() && root.open(Path::new("up")).is_err());
        assert!(root.open(Path::new("opt/app/run.sh")).is_ok() && root.open(Path::new("opt")).is_err());
    }
}
