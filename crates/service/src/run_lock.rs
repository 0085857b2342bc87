use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use strongroom_model::text::printable;

use crate::private::{private_files, private_folders};

/// How much of the holder's text is shown.
const MAX_HOLDER_CHARS: usize = 120;

/// A process's right to start a site's runs, until it is dropped or the process ends: the operating system keeps the
/// lock, not the file.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Why the lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum RunLockError {
    /// Another process has it.
    #[error("another process drives this site's runs already ({holder}); stop it first, or let it do the work")]
    Held {
        /// That process, and since when, in its words.
        holder: String,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {path}: check that its folder exists and may be written to", path = path.display())]
    Unusable {
        /// The lock's file.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
}

impl RunLock {
    /// Takes the lock without waiting; makes its file and folders.
    pub fn take(path: &Path, now: Timestamp) -> Result<Self, RunLockError> {
        let unusable = |source| RunLockError::Unusable { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            private_folders().create(folder).map_err(unusable)?;
        }
        let mut file =
            private_files().create(true).truncate(false).read(true).write(true).open(path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(RunLockError::Held { holder: holder(&mut file) }),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let about = format!("process {} since {now:.0}\n", std::process::id());
        file.set_len(0).and_then(|()| file.write_all(about.as_bytes())).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(4 * MAX_HOLDER_CHARS as u64).read_to_string(&mut text));
    match (read, text.trim()) {
        (Ok(_), text) if !text.is_empty() => printable(text, MAX_HOLDER_CHARS),
        _ => "which does not say".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_process_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/run.lock");
        let now = "2026-11-20T23:00:00.5Z".parse().unwrap();
        let held = RunLock::take(&path, now).unwrap();
        let error = RunLock::take(&path, now).unwrap_err().to_string();
        let holder = format!("process {} since 2026-11-20T23:00:00Z", std::process::id());
        assert!(error.contains(&holder), "{error}");
        drop(held);
        RunLock::take(&path, now).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = RunLock::take(folder.path(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }
}
