//! Finding the files of a folder.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::found::ScannedFile;
use super::report::Remark;
use crate::documents::Documents;
use crate::path::{RelativePath, readable};
use crate::root::DocumentRoot;
use crate::session::CONTROL;
use strongroom_files::FileKind;

/// The folder below the document root that copies go to.
const IMPORTED: &str = "imported";

/// A walk through a folder, in the order of names. It holds the names of the folders that it
/// is in: its memory grows with the largest of them, not with the number of files.
#[derive(Debug)]
pub(crate) struct Walk {
    documents: Documents,
    /// What is still to be looked at, the next one last.
    todo: Vec<WalkEntry>,
    remarks: Vec<Remark>,
}

/// A name on the way.
#[derive(Debug)]
struct WalkEntry {
    base: Arc<Base>,
    /// `None` is the base itself.
    path: Option<RelativePath>,
}

/// Where a walk begins.
#[derive(Debug)]
struct Base {
    root: DocumentRoot,
    /// Where copies go; `None` for what lies below the document root already.
    copies: Option<RelativePath>,
}

impl Walk {
    /// Begins at a folder: the document root, one below it, or any other.
    pub(crate) fn begin(documents: &Documents, folder: &Path) -> io::Result<Self> {
        let folder = folder.canonicalize()?;
        let root = documents.root();
        let place = match folder.strip_prefix(root.path()) {
            Ok(below) => {
                let path = match below.as_os_str().is_empty() {
                    true => None,
                    false => Some(RelativePath::below(below).map_err(io::Error::other)?),
                };
                root.folder(path.as_ref())?;
                WalkEntry { base: Arc::new(Base { root: root.clone(), copies: None }), path }
            }
            Err(_) => {
                let name = folder.file_name().unwrap_or(OsStr::new("root"));
                let copies = copies_of(name)?;
                let base = Base { root: DocumentRoot::open(&folder)?, copies: Some(copies) };
                WalkEntry { base: Arc::new(base), path: None }
            }
        };
        Ok(Self { documents: documents.clone(), todo: vec![place], remarks: Vec::new() })
    }

    /// The next files, `most` at most, and what is to be said on the way; both are empty at
    /// the end.
    pub(crate) fn next(&mut self, most: usize) -> (Vec<ScannedFile>, Vec<Remark>) {
        let mut found = Vec::new();
        while found.len() < most && self.remarks.len() < most {
            let Some(place) = self.todo.pop() else { break };
            if self.is_ours(&place) {
                continue;
            }
            match place.kind() {
                // It vanished since its folder was read.
                Ok(None) => {}
                Ok(Some(FileKind::Folder)) => self.enter(&place),
                Ok(Some(FileKind::File)) => found.extend(self.find(place)),
                Ok(Some(FileKind::Other)) => {
                    self.remark(&place, "it is not a regular file: symbolic links, pipes and devices are left out");
                }
                Err(error) => self.remark(&place, format!("it cannot be looked at: {error}")),
            }
        }
        (found, std::mem::take(&mut self.remarks))
    }

    /// Whether a name is the document server's own, not a timesheet's.
    fn is_ours(&self, place: &WalkEntry) -> bool {
        let Some(path) = &place.path else { return false };
        match place.base.copies {
            None => self.documents.is_ours(path),
            // A drive or another document root has such a folder, too.
            Some(_) => path.as_bytes() == CONTROL.as_bytes() || self.documents.is_database(&place.base.absolute(path)),
        }
    }

    /// Puts a folder's names on the list, to be looked at in their order.
    fn enter(&mut self, folder: &WalkEntry) {
        let absolute = folder.path.as_ref().map(|path| folder.base.absolute(path));
        if absolute.is_some_and(|absolute| absolute == self.documents.root().path()) {
            // The document root lies in the folder that is imported: its files are adopted.
            let base = Arc::new(Base { root: self.documents.root().clone(), copies: None });
            return self.todo.push(WalkEntry { base, path: None });
        }
        let mut names = match folder.base.root.names(folder.path.as_ref()) {
            Ok(names) => names,
            Err(error) => return self.remark(folder, format!("the folder cannot be read: {error}")),
        };
        names.sort();
        for name in names.into_iter().rev() {
            let path = match &folder.path {
                None => RelativePath::new(name.as_encoded_bytes()),
                Some(folder) => folder.child(&name),
            };
            match path {
                Ok(path) => self.todo.push(WalkEntry { base: Arc::clone(&folder.base), path: Some(path) }),
                Err(error) => {
                    let what = folder.shown() + "/" + &readable(&name);
                    self.remarks.push(Remark::new(&what, error.to_string()));
                }
            }
        }
    }

    fn find(&mut self, place: WalkEntry) -> Option<ScannedFile> {
        let shown = place.shown();
        let path = place.path?;
        let wished = match &place.base.copies {
            None => Ok(path.clone()),
            Some(copies) => copies.join(&path),
        };
        match wished {
            Ok(wished) => {
                let is_ours = place.base.copies.is_none();
                Some(ScannedFile::file(shown, place.base.root.clone(), path, wished, is_ours))
            }
            Err(error) => {
                self.remarks.push(Remark::new(&shown, error.to_string()));
                None
            }
        }
    }

    fn remark(&mut self, place: &WalkEntry, why: impl Into<String>) {
        self.remarks.push(Remark::new(&place.shown(), why));
    }
}

/// Where the copies of a folder's or a list's files go.
pub(crate) fn copies_of(name: &OsStr) -> io::Result<RelativePath> {
    let path = RelativePath::new(IMPORTED).and_then(|imported| imported.child(name));
    path.map_err(io::Error::other)
}

impl Base {
    fn absolute(&self, path: &RelativePath) -> std::path::PathBuf {
        self.root.absolute(path)
    }
}

impl WalkEntry {
    fn kind(&self) -> io::Result<Option<FileKind>> {
        match &self.path {
            None => Ok(Some(FileKind::Folder)),
            Some(path) => Ok(self.base.root.entry(path)?.map(|entry| entry.kind)),
        }
    }

    fn shown(&self) -> String {
        let absolute =
            self.path.as_ref().map_or_else(|| self.base.root.path().to_owned(), |path| self.base.absolute(path));
        readable(absolute.as_os_str())
    }
}
