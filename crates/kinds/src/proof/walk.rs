//! A walk over plain files, links not followed, one folder open for each level.

use std::fs::{self, ReadDir};
use std::io;
use std::path::{Path, PathBuf};

/// The folder with a target's identity, at its top: no kind copies, compares or deletes it.
pub const IDENTITY_FOLDER: &str = ".strongroom";

/// Deeper trees are loops, or made to exhaust us; each level has an open folder.
const MAX_DEPTH: usize = 256;

/// A plain file, or what could not be read.
#[derive(Debug)]
pub enum Entry {
    /// A plain file, by its path below the root.
    File(PathBuf),
    /// A folder that could not be read, or that is too deep.
    Unreadable(PathBuf, io::Error),
}

/// Walks a tree, without [`IDENTITY_FOLDER`] at its top; memory is bounded by its depth.
#[derive(Debug)]
pub struct Walk {
    root: PathBuf,
    levels: Vec<(PathBuf, ReadDir)>,
}

impl Walk {
    /// Begins at a folder.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(root: &Path) -> io::Result<Self> {
        let top = fs::read_dir(root)?;
        Ok(Self { root: root.to_owned(), levels: vec![(PathBuf::new(), top)] })
    }
}

impl Iterator for Walk {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let (folder, entries) = self.levels.last_mut()?;
            let entry = match entries.next() {
                None => {
                    self.levels.pop();
                    continue;
                }
                Some(Err(error)) => {
                    let folder = folder.clone();
                    self.levels.pop();
                    return Some(Entry::Unreadable(folder, error));
                }
                Some(Ok(entry)) => entry,
            };
            if folder.as_os_str().is_empty() && entry.file_name() == IDENTITY_FOLDER {
                continue;
            }
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_file() => return Some(Entry::File(path)),
                Ok(kind) if !kind.is_dir() => {}
                Ok(_) if self.levels.len() >= MAX_DEPTH => {
                    return Some(Entry::Unreadable(path, io::Error::other("the tree is too deep, or goes in circles")));
                }
                Ok(_) => match fs::read_dir(self.root.join(&path)) {
                    Ok(entries) => self.levels.push((path, entries)),
                    // Deleted since it was listed.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Some(Entry::Unreadable(path, error)),
                },
                Err(error) => return Some(Entry::Unreadable(path, error)),
            }
        }
    }
}

/// Whether a folder has a plain file anywhere below: it stops at the first one.
///
/// # Errors
/// If the folder itself cannot be read.
pub fn has_a_file(root: &Path) -> io::Result<bool> {
    Ok(Walk::new(root)?.any(|entry| matches!(entry, Entry::File(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_files_of_all_levels_are_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b/empty")).unwrap();
        assert!(!has_a_file(folder.path()).unwrap());
        for name in ["one", "a/two", "a/b/three"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let mut found: Vec<_> = Walk::new(folder.path())
            .unwrap()
            .map(|entry| match entry {
                Entry::File(path) => path,
                Entry::Unreadable(path, error) => panic!("{}: {error}", path.display()),
            })
            .collect();
        found.sort();
        assert_eq!(found, ["a/b/three", "a/two", "one"].map(PathBuf::from));
        assert!(has_a_file(folder.path()).unwrap());
        assert!(Walk::new(&folder.path().join("nowhere")).is_err());
    }
}
