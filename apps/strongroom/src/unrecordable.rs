//! What keeps anything from being recorded in a log that is a file of this host.

use std::path::PathBuf;

use strongroom_files::Space;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::site;

/// Why nothing can be recorded, whatever else is well.
#[derive(Debug, Clone)]
pub(crate) struct Unrecordable {
    /// One sentence, without the place.
    pub(crate) sentence: &'static str,
    next_step: &'static str,
    place: PathBuf,
}

impl Unrecordable {
    /// Looks at the file system with the log; `None`: nothing there is in the way, or the log is in a database.
    pub(crate) fn of(config: &Config) -> Option<Self> {
        let place = config.log_path();
        let space = Space::at(&site::folder_of_log(config)?).ok()?;
        if space.read_only {
            return Some(Self {
                sentence: "nothing can be recorded, the file system with the log is mounted read-only",
                next_step: "mount it for writing (a failing disk is mounted read-only by itself: `dmesg` says so), or set data_dir to another folder",
                place,
            });
        }
        (space.free < site::NO_ROOM.0).then_some(Self {
            sentence: "nothing can be recorded, the disk with the log is full",
            next_step: "make room there; nothing is lost, and the next run goes on from the log",
            place,
        })
    }

    /// With the place.
    pub(crate) fn note(&self) -> String {
        format!("{}: {}", self.sentence, self.place.display())
    }

    /// The error of a command that had to record something.
    pub(crate) fn error(&self) -> CliError {
        CliError::new(self.note()).next_step(self.next_step)
    }
}
