//! The folder for archived files, and whether it takes any.

use std::fmt;
use std::io::ErrorKind;

use strongroom_model::Month;

use crate::disk_error::{DiskError, Result};
use crate::path::RelativePath;
use crate::root::DocumentRoot;
use crate::trouble::DiskTrouble;

pub(crate) const ARCHIVED: &str = "archived";
/// Created to see whether a file can be. The name is fixed and ends as a temporary file's does, so that an import
/// skips it: if we stop before it is deleted, the next check deletes it.
const PROBE: &str = ".strongroom-probe.part";

#[derive(Debug)]
pub(crate) struct NoArchive {
    folder: RelativePath,
    error: DiskError,
}

pub(crate) fn folder_of(month: Month) -> RelativePath {
    RelativePath::new(format!("{ARCHIVED}/{month}")).expect("its parts are plain")
}

/// Whether files can be archived in that month: the innermost of its existing folders is a real folder in which a
/// file can be created. No link is followed, and nothing stays behind.
pub(crate) fn try_archive(root: &DocumentRoot, month: Month) -> std::result::Result<(), NoArchive> {
    let month = folder_of(month);
    let mut innermost = None;
    for folder in month.parent().into_iter().chain([month]) {
        match root.folder(Some(&folder)) {
            Ok(_) => innermost = Some(folder),
            // The first move creates it.
            Err(error) if error.kind() == ErrorKind::NotFound => break,
            Err(error) => return Err(NoArchive { folder, error }),
        }
    }
    let Some(folder) = innermost else { return Ok(()) };
    try_create(root, &folder).map_err(|error| NoArchive { folder, error })
}

fn try_create(root: &DocumentRoot, folder: &RelativePath) -> Result<()> {
    let probe = RelativePath::new([folder.as_bytes(), b"/", PROBE.as_bytes()].concat()).expect("its parts are plain");
    root.remove_file(&probe)?;
    match root.create_file(&probe) {
        Ok(_) => {}
        // A concurrent check created it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    root.remove_file(&probe)?;
    Ok(())
}

impl fmt::Display for NoArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, error } = self;
        match error.trouble() {
            _ if error.kind() == ErrorKind::PermissionDenied => write!(
                f,
                "the server's user may not create files in the folder {folder} below its document root: {error}; give \
                 it that folder and those in it (chown)"
            ),
            Some(DiskTrouble::Rights) | None => write!(
                f,
                "the server cannot archive in {folder} below its document root: {error}; see that {folder} is a folder \
                 of its own (no link is followed), and move away what is in its place"
            ),
            Some(trouble) => write!(f, "the server cannot archive in {folder}: {}", trouble.message()),
        }
    }
}

/// The cause is part of the message.
impl std::error::Error for NoArchive {}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    const MONTH: &str = "archived/2026-11";

    fn said(dir: &std::path::Path) -> Option<String> {
        let root = DocumentRoot::open(dir).unwrap();
        try_archive(&root, "2026-11".parse().unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn what_is_not_there_yet_and_a_real_folder_take_files_and_nothing_stays_behind() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(said(dir.path()), None);
        assert!(!dir.path().join(ARCHIVED).exists());
        for folder in [ARCHIVED, MONTH] {
            let folder = dir.path().join(folder);
            std::fs::create_dir(&folder).unwrap();
            // One that was stopped left it.
            std::fs::write(folder.join(PROBE), "").unwrap();
            assert_eq!(said(dir.path()), None);
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        }
    }

    #[test]
    fn r9_a_link_or_a_file_in_place_of_a_folder_is_named_and_left_alone() {
        let outside = tempfile::tempdir().unwrap();
        for place in [ARCHIVED, MONTH] {
            for is_link in [false, true] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join(place);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                if is_link {
                    symlink(outside.path(), &path).unwrap();
                } else {
                    std::fs::write(&path, "x").unwrap();
                }
                let said = said(dir.path()).unwrap();
                assert!(said.contains(&format!("cannot archive in {place} below")), "{said}");
                assert!(said.contains("move away what is in its place"), "{said}");
                assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
            }
        }
    }
}
