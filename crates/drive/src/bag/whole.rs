//! Writing files in one step.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use strongroom_files::within::{create_in, remove_in, replace_in};
use strongroom_files::{Creation, Handle, faulted};
use strongroom_service::{fault, kill_point};

use crate::error::{DriveError, Operation};
use crate::mount::{FILE_MODE, Mount};
use crate::relative::Relative;
use crate::temporary::whole_name;

/// Bytes per write.
const WRITE_BYTES: usize = 64 << 10;

/// A file's next version under its temporary name; removed on drop. Needs the manifests' lock.
pub(super) struct NextVersion<'a, F: Handle> {
    mount: &'a Mount,
    folder: F,
    path: &'a Relative,
    name: &'a str,
    file: File,
    is_named: bool,
}

impl<'a, F: Handle> NextVersion<'a, F> {
    /// Not durable yet.
    pub(super) fn write(
        mount: &'a Mount,
        folder: F,
        path: &'a Relative,
        name: &'a str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Self, DriveError> {
        let temporary = whole_name(name);
        let error = |action| move |source: io::Error| mount.error(action, path.join(name), source);
        remove_in(&folder, &temporary).map_err(error(Operation::Remove))?;
        let file = create_in(&folder, &temporary, Creation::New, FILE_MODE).map_err(error(Operation::Create))?;
        let next = Self { mount, folder, path, name, file, is_named: false };
        write_into(&next.file, write).map_err(error(Operation::Write))?;
        Ok(next)
    }

    pub(super) fn sync(&self) -> Result<(), DriveError> {
        let error = |source| self.mount.error(Operation::Sync, self.path.join(self.name), source);
        self.mount.sync_file(&self.file).map_err(error)
    }

    /// Durable once the folder is synced.
    pub(super) fn replace(&mut self) -> Result<(), DriveError> {
        kill_point!("drive.manifest-written");
        // If we stop here, the old file is in place; the next start removes the temporary one.
        let replaced = replace_in(&self.folder, whole_name(self.name), self.name);
        replaced.map_err(|source| self.mount.error(Operation::Rename, self.path.join(self.name), source))?;
        self.is_named = true;
        Ok(())
    }
}

impl<F: Handle> Drop for NextVersion<'_, F> {
    fn drop(&mut self) {
        if !self.is_named {
            // It may hold the last room of a full drive.
            let _ = remove_in(&self.folder, whole_name(self.name));
        }
    }
}

/// Replaces a small file, durably once its folder is synced. Needs the manifests' lock.
pub(crate) fn write_whole(
    mount: &Mount,
    folder: impl Handle,
    path: &Relative,
    name: &str,
    bytes: &[u8],
) -> Result<(), DriveError> {
    let mut next = NextVersion::write(mount, &folder, path, name, |out| out.write_all(bytes))?;
    next.sync()?;
    next.replace()
}

/// Durable once its folder is synced.
pub(super) fn write_first(
    mount: &Mount,
    folder: impl Handle,
    path: &Relative,
    name: &str,
    bytes: &[u8],
) -> Result<(), DriveError> {
    let error = |action| move |source: io::Error| mount.error(action, path.join(name), source);
    let file = create_in(folder, name, Creation::New, FILE_MODE).map_err(error(Operation::Create))?;
    write_into(&file, |out| out.write_all(bytes)).map_err(error(Operation::Write))?;
    mount.sync_file(&file).map_err(error(Operation::Sync))
}

fn write_into(file: &File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    faulted(|| fault!("drive.manifest"))?;
    let mut out = BufWriter::with_capacity(WRITE_BYTES, file);
    write(&mut out)?;
    out.flush()
}
