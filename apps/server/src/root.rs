//! The document root: every file is opened, renamed and deleted beneath it, and no symbolic link is followed on the
//! way. All calls block.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_files::within::names_in;
use strongroom_files::{Beneath, Call, Creation, Folder, Policy, Stat};

use crate::disk_error::{DiskError, Result};
use crate::path::RelativePath;

/// Folders below the root may be mounts. New entries belong to the server's user and group.
const POLICY: Policy = Policy { one_file_system: false, file_mode: 0o640, folder_mode: 0o750 };

/// Clones share one descriptor.
#[derive(Debug, Clone)]
pub(crate) struct DocumentRoot {
    beneath: Arc<Beneath>,
    path: Arc<Path>,
}

impl DocumentRoot {
    /// Opens an existing folder; the path to it may contain symbolic links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let beneath = Beneath::open(&path, POLICY)?;
        Ok(Self { beneath: Arc::new(beneath), path: path.into() })
    }

    /// Its path, without symbolic links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the folder at its path is still this one.
    pub(crate) fn is_in_place(&self) -> bool {
        self.beneath.is_at(&self.path)
    }

    /// For files that are not timesheets.
    pub(crate) fn beneath(&self) -> &Beneath {
        &self.beneath
    }

    /// For messages and comparisons only: [`Self::open_file`] opens a file.
    pub(crate) fn absolute(&self, path: &RelativePath) -> PathBuf {
        self.path.join(path.as_path())
    }

    pub(crate) fn open_file(&self, path: &RelativePath) -> Result<File> {
        self.beneath.file(path.as_path()).map_err(DiskError::of(Call::Read))
    }

    pub(crate) fn create_file(&self, path: &RelativePath) -> Result<File> {
        self.beneath.create(path.as_path(), Creation::New).map_err(DiskError::of(Call::Create))
    }

    pub(crate) fn entry(&self, path: &RelativePath) -> Result<Option<Stat>> {
        self.beneath.stat(path.as_path()).map_err(DiskError::of(Call::Read))
    }

    /// Makes a folder and those above it; returns the folders with a new entry, which must be synced before anything
    /// below is durable.
    pub(crate) fn create_folders(&self, path: &RelativePath) -> Result<Vec<Option<RelativePath>>> {
        let made = self.beneath.make_folder(path.as_path()).map_err(DiskError::of(Call::Create))?;
        Ok(made.changed.iter().map(|folder| RelativePath::below(folder).ok()).collect())
    }

    pub(crate) fn rename(&self, from: &RelativePath, to: &RelativePath) -> Result<()> {
        self.beneath.rename(from.as_path(), to.as_path()).map_err(DiskError::of(Call::Rename))
    }

    /// Deletes a file and returns whether it was there.
    pub(crate) fn remove_file(&self, path: &RelativePath) -> Result<bool> {
        self.beneath.remove(path.as_path()).map_err(DiskError::of(Call::Remove))
    }

    /// Makes the names in these folders durable (`None` is the root).
    pub(crate) fn sync_folders(&self, folders: &BTreeSet<Option<RelativePath>>) -> Result<()> {
        let paths = folders.iter().map(|folder| folder.as_ref().map_or(Path::new(""), RelativePath::as_path));
        self.beneath.sync_folders(&paths.collect()).map_err(DiskError::of(Call::Sync))
    }

    /// With one call where the file system supports that.
    pub(crate) fn sync_files(&self, files: &[File]) -> Result<()> {
        self.beneath.sync_files(files).map_err(DiskError::of(Call::Sync))
    }

    /// The names in a folder (`None` is the root), unordered.
    pub(crate) fn names(&self, path: Option<&RelativePath>) -> Result<Vec<OsString>> {
        names_in(self.folder(path)?).map_err(DiskError::of(Call::List))
    }

    pub(crate) fn folder(&self, path: Option<&RelativePath>) -> Result<Folder> {
        self.beneath.folder(path.map_or(Path::new(""), RelativePath::as_path)).map_err(DiskError::of(Call::Open))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use strongroom_files::FileKind;

    use super::*;

    fn root() -> (tempfile::TempDir, DocumentRoot) {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        (dir, root)
    }

    fn path(text: &str) -> RelativePath {
        RelativePath::new(text).unwrap()
    }

    #[test]
    fn r9_no_link_leads_out_of_the_root() {
        let (dir, root) = root();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        symlink(outside.path(), dir.path().join("folder")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();

        assert!(root.open_file(&path("folder/secret")).is_err());
        assert!(root.open_file(&path("file")).is_err());
        assert!(root.create_file(&path("folder/new")).is_err());
        assert!(root.create_folders(&path("folder/new")).is_err());
        assert!(root.remove_file(&path("folder/secret")).is_err());
        assert!(outside.path().join("secret").exists());
        assert_eq!(root.entry(&path("file")).unwrap().unwrap().kind, FileKind::Other);
    }

    #[test]
    fn a_rename_never_replaces() {
        let (dir, root) = root();
        std::fs::write(dir.path().join("a"), "a").unwrap();
        std::fs::write(dir.path().join("b"), "b").unwrap();
        let error = root.rename(&path("a"), &path("b")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(dir.path().join("b")).unwrap(), b"b");
        root.rename(&path("a"), &path("c")).unwrap();
        assert!(root.entry(&path("a")).unwrap().is_none());
    }

    #[test]
    fn made_folders_name_what_must_be_synced() {
        let (_dir, root) = root();
        let changed = root.create_folders(&path("a/b/c")).unwrap();
        assert_eq!(changed, [None, Some(path("a")), Some(path("a/b"))]);
        assert_eq!(root.create_folders(&path("a/b/d")).unwrap(), [Some(path("a/b"))]);
        assert!(root.create_folders(&path("a/b")).unwrap().is_empty());
        root.sync_folders(&changed.into_iter().collect()).unwrap();
    }

    #[test]
    fn a_pipe_is_no_file_and_does_not_make_us_wait() {
        let (dir, root) = root();
        let status = std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap();
        assert!(status.success());
        assert!(root.open_file(&path("pipe")).is_err());
    }

    #[test]
    fn a_new_file_takes_no_ones_place() {
        let (_dir, root) = root();
        root.create_file(&path("a")).unwrap().write_all(b"1").unwrap();
        assert_eq!(root.create_file(&path("a")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(root.remove_file(&path("a")).unwrap());
        assert!(!root.remove_file(&path("a")).unwrap());
    }
}
