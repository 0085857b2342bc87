//! Folders with checkpoints, whose files survive a process that dies while it writes. Everything here blocks.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use strongroom_drive::Drive;
use strongroom_eventlog::EventLog;
use strongroom_files::within::{create_in, remove_in, replace_in};
use strongroom_files::{Beneath, Creation, Folder, Policy, sync};
use strongroom_model::SiteId;
use strongroom_proof::{MAX_NOTE_BYTES, SignedCheckpoint};
use strongroom_service::{Config, blocking, kill_point};

use crate::drive_report;
use crate::uses;

const ON_DRIVE: &str = ".strongroom";

/// In the data folder only we read them; on a drive, whoever can read the drive.
const DATA_MODE: u32 = 0o600;
const DRIVE_MODE: u32 = 0o640;

#[derive(Debug, Clone)]
pub(crate) struct CheckpointFolder {
    root: PathBuf,
    below: &'static str,
    mode: u32,
    what: &'static str,
}

impl fmt::Display for CheckpointFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what, self.root.display())
    }
}

pub(crate) fn data_folder(config: &Config) -> CheckpointFolder {
    CheckpointFolder { root: config.data_dir.clone(), below: "", mode: DATA_MODE, what: "the data folder" }
}

/// The folder on the drive that is mounted there.
pub(crate) fn on_drive(root: &Path) -> CheckpointFolder {
    CheckpointFolder { root: root.to_owned(), below: ON_DRIVE, mode: DRIVE_MODE, what: "the drive at" }
}

pub(crate) fn places(config: &Config) -> Vec<CheckpointFolder> {
    let data = data_folder(config);
    let drive = config.drive.root.clone().filter(|root| Drive::open(root, &drive_report::settings(config)).is_ok());
    std::iter::once(data).chain(drive.as_deref().map(on_drive)).collect()
}

/// As [`places`], where a checkpoint may be written: not on a drive that is a clone (R6).
pub(crate) async fn places_to_write(config: &Config, log: &EventLog) -> Vec<CheckpointFolder> {
    let settings = config.clone();
    let (mut places, drive) = blocking(move || {
        let root = settings.drive.root.as_deref();
        (places(&settings), root.and_then(|root| Drive::open(root, &drive_report::settings(&settings)).ok()))
    })
    .await;
    if let Some(drive) = drive
        && let Err(error) = uses::check(log, &drive).await
    {
        tracing::debug!(%error, "the log's checkpoint is not kept on the drive");
        places.retain(|place| place.below != ON_DRIVE);
    }
    places
}

/// Several sites may share a drive.
fn name(site: &SiteId) -> String {
    format!("checkpoint.{site}")
}

impl CheckpointFolder {
    fn root(&self) -> io::Result<Beneath> {
        Beneath::open(&self.root, Policy { one_file_system: true, file_mode: self.mode, folder_mode: 0o700 })
    }

    fn folder(&self) -> io::Result<Folder> {
        self.root()?.folder(self.below)
    }

    /// An unreadable one is logged and counts as none: the drive and the mails have others.
    pub(crate) fn read(&self, site: &SiteId) -> Option<SignedCheckpoint> {
        match self.try_read(site) {
            Ok(checkpoint) => Some(checkpoint),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(place = %self, %error, "the log's checkpoint cannot be read there");
                None
            }
        }
    }

    pub(crate) fn try_read(&self, site: &SiteId) -> io::Result<SignedCheckpoint> {
        let text = self.text(&name(site), MAX_NOTE_BYTES)?;
        let checkpoint: SignedCheckpoint = text.parse().map_err(io::Error::other)?;
        if checkpoint.checkpoint().site == *site {
            Ok(checkpoint)
        } else {
            Err(io::Error::other("it is another site's"))
        }
    }

    pub(crate) fn write(&self, signed: &SignedCheckpoint) -> io::Result<()> {
        self.replace(&name(&signed.checkpoint().site), &signed.to_string())
    }

    /// Reads one byte more than `max_bytes`, to tell a longer file.
    pub(crate) fn text(&self, name: &str, max_bytes: usize) -> io::Result<String> {
        let mut text = String::new();
        let file = self.root()?.file(PathBuf::from(self.below).join(name))?;
        file.take(max_bytes as u64 + 1).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Puts a file in the place of the one before.
    ///
    /// If we stop before the rename, the one before stays, which is true as well; after it, the new one is
    /// there, whole, since it was synced before.
    pub(crate) fn replace(&self, name: &str, text: &str) -> io::Result<()> {
        let folder = self.folder()?;
        // Processes of one host write at the same time, each under a name of its own.
        let new = format!("{name}.{}.new", std::process::id());
        remove_in(&folder, &new)?;
        let written = create_in(&folder, &new, Creation::New, self.mode).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            sync::sync_file(&file)
        });
        if let Err(error) = written {
            let _ = remove_in(&folder, &new);
            return Err(error);
        }
        kill_point!("checkpoint.before-rename");
        replace_in(&folder, &new, name)?;
        sync::sync_folder(&folder)
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        remove_in(self.folder()?, name).map(drop)
    }
}
