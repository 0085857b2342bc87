//! Small files that are written or replaced in one step.

use std::io::{self, Write as _};
use std::os::fd::AsFd;

use strongroom_files::within::{create_in, remove_in, replace_in};
use strongroom_files::{Creation, call};
use strongroom_service::{fault, kill_point};

use crate::error::{Action, DriveError};
use crate::mount::{FILE_MODE, Mount};
use crate::relative::Relative;
use crate::temporary::whole_name;

/// Replaces a small file by `bytes`, durably but for its folder. One process at a time, under the
/// manifests' lock.
pub(super) fn write_whole(
    mount: &Mount,
    folder: impl AsFd,
    path: &Relative,
    name: &str,
    bytes: &[u8],
) -> Result<(), DriveError> {
    let temporary = whole_name(name);
    let error = |action| move |source: io::Error| mount.error(action, path.join(name), source);
    remove_in(folder.as_fd(), &temporary).map_err(error(Action::Remove))?;
    let written = write_new(mount, folder.as_fd(), &temporary, bytes).and_then(|()| {
        kill_point!("drive.manifest-written");
        // If we stop here, the old file stands, and the temporary one is swept at the next start.
        replace_in(folder.as_fd(), &temporary, name).map_err(|source| (Action::Rename, source))
    });
    written.map_err(|(action, source)| {
        // It may be what takes the last room of a full drive.
        let _ = remove_in(folder.as_fd(), &temporary);
        error(action)(source)
    })
}

/// Writes a small file where there is none, durably but for its folder.
pub(super) fn write_first(
    mount: &Mount,
    folder: impl AsFd,
    path: &Relative,
    name: &str,
    bytes: &[u8],
) -> Result<(), DriveError> {
    write_new(mount, folder, name, bytes).map_err(|(action, source)| mount.error(action, path.join(name), source))
}

fn write_new(mount: &Mount, folder: impl AsFd, name: &str, bytes: &[u8]) -> Result<(), (Action, io::Error)> {
    let mut file = create_in(folder, name, Creation::New, FILE_MODE).map_err(|source| (Action::Create, source))?;
    let written = call(|| fault!("drive.manifest"), || Ok(())).and_then(|()| file.write_all(bytes));
    written.map_err(|source| (Action::Write, source))?;
    mount.sync_file(&file).map_err(|source| (Action::Sync, source))
}
