//! The files of a collection: read from a folder, bounded, or made by a collector.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use jiff::Timestamp;
use strongroom_model::text::printable;
use strongroom_tasks::collection::CollectedFile;
use strongroom_tasks::manifest::{MANIFEST_NAME, MAX_MANIFEST_BYTES};
use strongroom_tasks::text::MAX_FILE_BYTES;

use crate::proof::{Entry, Walk};

/// Files of one collection: a host has a few hundred tasks, and each may name a few scripts.
pub const MAX_FILES: usize = 50_000;
/// Bytes of one collection, which are held in memory.
pub const MAX_BYTES: usize = 512 * 1024 * 1024;

/// The files of one collection, by path with slashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gathered {
    /// Their bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is there and was not read, and why: one fragment of a sentence each.
    pub left_out: Vec<String>,
    /// Whether something was left out because this account may not read it.
    pub is_denied: bool,
    /// When the newest file was last changed.
    pub newest: Option<Timestamp>,
}

impl Gathered {
    /// Reads every plain file below a folder. Links are not followed; what cannot be read is among
    /// [`left_out`](Self::left_out).
    ///
    /// # Errors
    /// If the folder itself cannot be read.
    pub fn of_folder(folder: &Path) -> io::Result<Self> {
        let mut gathered = Self::default();
        let mut paths = Vec::new();
        for entry in Walk::new(folder)? {
            match entry {
                // A target's identity and what other programs hide there.
                Entry::File(path) if path.starts_with(".strongroom") => {}
                Entry::File(path) if paths.len() < MAX_FILES => paths.push(path),
                Entry::File(_) => {
                    gathered.left_out.push(format!("it has more than {MAX_FILES} files: collect one host's tasks"));
                    break;
                }
                Entry::Unreadable(path, error) => gathered.leave_out_for(&path, &error),
            }
        }
        paths.sort();
        for path in paths {
            gathered.add_file(folder, &path);
        }
        Ok(gathered)
    }

    /// The files as the readers take them.
    #[must_use]
    pub fn collected(&self) -> Vec<CollectedFile<'_>> {
        self.files.iter().map(|(name, bytes)| CollectedFile { name, bytes }).collect()
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// Adds a file below a folder; says why if it is left out.
    pub(super) fn add_file(&mut self, folder: &Path, path: &Path) {
        let Some(name) = path.to_str().map(|name| name.replace(std::path::MAIN_SEPARATOR, "/")) else {
            self.leave_out(path, "its name is not UTF-8: rename it");
            return;
        };
        let most = if name == MANIFEST_NAME { MAX_MANIFEST_BYTES } else { MAX_FILE_BYTES };
        match read_up_to(&folder.join(path), most) {
            Ok(Some((_, bytes))) if self.bytes() + bytes.len() > MAX_BYTES => {
                self.leave_out(path, "the collection is larger than 512 MiB");
            }
            Ok(Some((modified, bytes))) => {
                self.newest = self.newest.max(modified);
                self.files.insert(name, bytes);
            }
            Ok(None) => self.leave_out(path, &format!("it is larger than {} MiB", most / (1024 * 1024))),
            // Deleted since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.leave_out_for(path, &error),
        }
    }

    pub(super) fn leave_out_for(&mut self, path: &Path, error: &io::Error) {
        self.is_denied |= error.kind() == io::ErrorKind::PermissionDenied;
        self.leave_out(path, &error.to_string());
    }

    pub(super) fn leave_out(&mut self, path: &Path, why: &str) {
        self.left_out.push(format!(
            "{} was left out: {}",
            printable(&path.to_string_lossy(), 200),
            printable(why, 200)
        ));
    }
}

/// `None`: it is larger. One byte more than the bound is asked for, since a file may grow.
fn read_up_to(path: &Path, most: usize) -> io::Result<Option<(Option<Timestamp>, Vec<u8>)>> {
    let file = File::open(path)?;
    let modified = file.metadata()?.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some((modified, bytes)))
}
