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

const IMPORTED: &str = "imported";

/// Walks a folder by name order. It holds the names of the folders that it is in: its memory grows with the largest
/// of them, not with the number of files.
#[derive(Debug)]
pub(crate) struct Walk {
    documents: Documents,
    /// The next one is last.
    todo: Vec<WalkEntry>,
    remarks: Vec<Remark>,
}

#[derive(Debug)]
struct WalkEntry {
    base: Arc<Base>,
    /// `None` is the base itself.
    path: Option<RelativePath>,
}

/// A walk's start.
#[derive(Debug)]
struct Base {
    root: DocumentRoot,
    /// `None` for what is below the document root already.
    copies: Option<RelativePath>,
}

impl Walk {
    /// Starts at the document root, a folder below it, or any other.
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

    /// The next files, at most `most`, and remarks; both are empty at the end.
    pub(crate) fn next(&mut self, most: usize) -> (Vec<ScannedFile>, Vec<Remark>) {
        let mut found = Vec::new();
        while found.len() < most && self.remarks.len() < most {
            let Some(place) = self.todo.pop() else { break };
            if self.is_ours(&place) {
                continue;
            }
            match place.kind() {
                // It vanished since its folder was listed.
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

    /// Whether an entry is the server's own, not a timesheet's.
    fn is_ours(&self, place: &WalkEntry) -> bool {
        let Some(path) = &place.path else { return false };
        match place.base.copies {
            None => self.documents.is_ours(path),
            // A drive or another document root has such a folder, too.
            Some(_) => path.as_bytes() == CONTROL.as_bytes() || self.documents.is_database(&place.base.absolute(path)),
        }
    }

    /// Adds a folder's names, in order.
    fn enter(&mut self, folder: &WalkEntry) {
        let absolute = folder.path.as_ref().map(|path| folder.base.absolute(path));
        if absolute.is_some_and(|absolute| absolute == self.documents.root().path()) {
            // The imported folder contains the document root: its files are adopted.
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
        let preferred = match &place.base.copies {
            None => Ok(path.clone()),
            Some(copies) => copies.join(&path),
        };
        match preferred {
            Ok(preferred) => {
                let is_ours = place.base.copies.is_none();
                Some(ScannedFile::file(shown, place.base.root.clone(), path, preferred, is_ours))
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
