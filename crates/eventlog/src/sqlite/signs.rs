//! Signs of life as files in a folder beside the log's, whose processes are all on one host; in the log's own file
//! each would be a synced commit. A file is renamed into place, so that readers see one sign or the other; after a
//! power cut it may be missing, as are the processes.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use strongroom_service::{blocking, private_files, private_folders};
use uuid::Uuid;

use super::SqliteLog;
use crate::error::LogError;
use crate::signs::{KEPT_FOR, Kept, MAX_SIGN_BYTES, MAX_SIGNS};

impl SqliteLog {
    pub(crate) async fn keep_sign(&self, process: Uuid, text: &str) -> Result<(), LogError> {
        let (folder, text) = (self.signs(), text.to_owned());
        Ok(blocking(move || keep(&folder, process, &text)).await.map_err(sqlx::Error::Io)?)
    }

    pub(crate) async fn kept_signs(&self) -> Result<Vec<Kept>, LogError> {
        let folder = self.signs();
        Ok(blocking(move || kept(&folder)).await.map_err(sqlx::Error::Io)?)
    }

    fn signs(&self) -> PathBuf {
        let mut name = self.options.get_filename().to_owned().into_os_string();
        name.push(".signs");
        PathBuf::from(name)
    }
}

fn keep(folder: &Path, process: Uuid, text: &str) -> io::Result<()> {
    private_folders().create(folder)?;
    let (path, new) = (folder.join(process.to_string()), folder.join(format!("{process}.new")));
    private_files().write(true).create(true).truncate(true).open(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, path)?;
    forget(folder)
}

/// Another process may do the same at once.
fn forget(folder: &Path) -> io::Result<()> {
    for (number, (age, path)) in files(folder)?.into_iter().enumerate() {
        if number >= MAX_SIGNS || age.unsigned_abs() > KEPT_FOR {
            let _ = fs::remove_file(path);
        }
    }
    Ok(())
}

fn kept(folder: &Path) -> io::Result<Vec<Kept>> {
    let mut signs = Vec::new();
    for (age, path) in files(folder)?.into_iter().take(MAX_SIGNS) {
        let process = path.file_name().and_then(|name| name.to_str()?.parse::<Uuid>().ok());
        let Some(process) = process else { continue };
        let mut text = String::new();
        // It may just have been deleted.
        let read = fs::File::open(&path).and_then(|file| file.take(MAX_SIGN_BYTES as u64).read_to_string(&mut text));
        if read.is_ok() {
            signs.push(Kept { process, age, text });
        }
    }
    Ok(signs)
}

fn files(folder: &Path) -> io::Result<Vec<(SignedDuration, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        let age = match modified.elapsed() {
            Ok(age) => SignedDuration::try_from(age),
            Err(ahead) => SignedDuration::try_from(ahead.duration()).map(|ahead| -ahead),
        };
        files.extend(age.ok().map(|age| (age, entry.path())));
    }
    files.sort();
    Ok(files)
}
