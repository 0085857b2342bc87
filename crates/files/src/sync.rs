//! Durability. A failed sync is never repeated: the kernel counts the unwritten pages as clean, so the next would
//! succeed (fsync(2)).

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::Path;

use strongroom_service::fault;

use crate::Handle;
use crate::beneath::Beneath;
use crate::call::call;
use crate::refusal::is_unsupported;
use crate::stat::Stat;

/// From here on, one `syncfs` costs less than an `fsync` each.
const MAX_FSYNCS: usize = 8;

/// Held open to compare file systems; further ones are synced singly.
const MAX_OPEN_FOLDERS: usize = 256;

/// Makes a file's bytes durable.
pub fn sync_file(file: impl Handle) -> io::Result<()> {
    call(|| fault!("files.fsync"), || rustix::fs::fsync(&file))
}

/// Makes a folder's names durable; network file systems without this call leave it to their servers.
pub fn sync_folder(folder: impl Handle) -> io::Result<()> {
    match sync_file(folder) {
        Err(error) if is_unsupported(&error) => Ok(()),
        synced => synced,
    }
}

impl Beneath {
    /// Makes the whole file system durable, where [`Filesystem::syncfs`](crate::Filesystem::syncfs). An error is
    /// reported once per open root, for all who wrote before.
    pub fn sync_all(&self) -> io::Result<()> {
        call(|| fault!("files.syncfs"), || rustix::fs::syncfs(self))
    }

    /// Makes files beneath this root durable; after an error none is certain.
    pub fn sync_files(&self, files: &[File]) -> io::Result<()> {
        if self.sync_together(files.len()) && files.iter().all(|file| self.is_ours(file)) {
            return self.sync_all();
        }
        files.iter().try_for_each(sync_file)
    }

    /// Makes these folders' names durable; a missing folder has none.
    pub fn sync_folders<P: AsRef<Path>>(&self, folders: &BTreeSet<P>) -> io::Result<()> {
        if self.sync_together(folders.len()) && self.stays_on_one_file_system() {
            return self.sync_all();
        }
        let mut open = Vec::new();
        for path in folders {
            match self.folder(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                folder if open.len() < MAX_OPEN_FOLDERS => open.push(folder?),
                folder => sync_folder(folder?)?,
            }
        }
        if self.sync_together(open.len())
            && folders.len() <= MAX_OPEN_FOLDERS
            && open.iter().all(|one| self.is_ours(one))
        {
            return self.sync_all();
        }
        open.iter().try_for_each(sync_folder)
    }

    fn sync_together(&self, count: usize) -> bool {
        count > MAX_FSYNCS && self.filesystem().syncfs
    }

    /// `syncfs` reaches only the root's own file system.
    fn is_ours(&self, file: impl Handle) -> bool {
        self.stays_on_one_file_system() || Stat::of(file).is_ok_and(|stat| stat.id.0 == self.id().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Creation, Policy};

    #[test]
    fn many_files_and_their_folders_are_synced() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy { one_file_system: true, file_mode: 0o600, folder_mode: 0o700 };
        let beneath = Beneath::open(dir.path(), policy).unwrap();
        let files: Vec<File> = (0..20).map(|n| beneath.create(format!("{n}"), Creation::New).unwrap()).collect();
        beneath.sync_files(&files).unwrap();
        beneath.sync_files(&files[..2]).unwrap();
        beneath.sync_folders(&BTreeSet::from(["", "gone"])).unwrap();
    }
}
