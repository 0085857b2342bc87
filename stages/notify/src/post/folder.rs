use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use strongroom_service::{kill_point, private_files, private_folders};

use super::PostError;

/// A folder for `.eml` files, made if missing.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder at that path.
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Writes a mail durably, replacing one of the same name; returns the file's name.
    pub(super) async fn write(&self, stem: &str, bytes: Vec<u8>) -> Result<String, PostError> {
        let name = format!("{stem}.eml");
        let (folder, file) = (self.path.clone(), name.clone());
        let written = tokio::task::spawn_blocking(move || write(&folder, &file, &bytes)).await;
        let result = written.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        result.map(|()| name.clone()).map_err(|error| PostError::Folder {
            name,
            folder: self.path.display().to_string(),
            reason: error.to_string(),
        })
    }
}

/// The temporary name is fixed per mail: a retry overwrites what a crash left.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    // Mails name bookings and files: only for their owner.
    private_folders().create(folder)?;
    let part = folder.join(format!(".{name}.part"));
    let mut file = private_files().write(true).create(true).truncate(true).open(&part)?;
    file.write_all(bytes)?;
    // Before the rename: after a power cut a name must have its content.
    file.sync_all()?;
    kill_point!("notify.folder.after-write");
    fs::rename(&part, folder.join(name))?;
    kill_point!("notify.folder.after-rename");
    // If we stop before this, the name may be lost, but nothing was recorded as sent.
    sync_folder(folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems cannot open folders; their journals keep names.
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
