mod messages;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the operating system refused.
pub(crate) use strongroom_files::Call as Operation;
use strongroom_files::{ErrorClass, meaning};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, ByteCount, DriveId, FailureKind, text};

use crate::identity::Identity;

/// Shared by the files of a batch.
type Cause = Arc<io::Error>;

/// A failed operation on a drive. The drive's own errors are obstacles: see [`DriveError::obstacle`].
#[derive(Debug, Clone)]
pub struct DriveError {
    /// What is wrong.
    pub kind: DriveErrorKind,
    /// Empty where only a file is concerned.
    root: PathBuf,
    /// Relative to the root; empty for the drive.
    path: String,
    refused: Option<(Operation, Cause)>,
}

/// What is wrong with a drive, or with a file on it.
#[derive(Debug, Clone)]
pub enum DriveErrorKind {
    /// No such folder, or the mount does not answer.
    Missing,
    /// The folder is empty, and not a mount point.
    NotMounted,
    /// Unmounted, or mounted over, while in use.
    Unmounted,
    /// There is no identity: never set up.
    NotSetUp,
    /// It is in memory, but was not set up there.
    InMemory,
    /// Not the expected drive.
    OtherDrive {
        /// The configured one.
        expected: DriveId,
        /// The one that is there.
        found: Box<Identity>,
    },
    /// The identity was copied from another drive.
    Copied(Box<Identity>),
    /// It lacks the mark of its newest use in the log; the text says which.
    Cloned(Box<Identity>, String),
    /// Its use could not be checked or recorded; the reason.
    Unrecorded(String),
    /// Strongroom's folder lacks the identity.
    IdentityLost,
    /// The identity is unreadable; the reason.
    BadIdentity(String),
    /// A folder of ours is a link, a file, or on another file system.
    Linked,
    /// The drive, or something on it, is not writable.
    ReadOnly,
    /// It was opened for reading alone: [`Drive::open_read_only`](crate::Drive::open_read_only).
    OpenedReadOnly,
    /// What was written to it reads differently.
    WrongBytes,
    /// A limit of this process or host.
    HostLimit,
    /// The file system cannot hold more files beyond the reserve.
    FullOfFiles {
        /// How many more it can hold.
        left: u64,
        /// How many are reserved.
        reserve: u64,
    },
    /// No room beyond the reserve.
    Full {
        /// Free bytes.
        free: ByteCount,
        /// Reserved bytes.
        reserve: ByteCount,
        /// Bytes needed on top.
        needed: ByteCount,
    },
    /// No room, or an exhausted quota.
    NoRoom,
    /// The drive reports errors.
    Failing,
    /// A manifest or journal is unreadable; the reason.
    BadManifest(String),
    /// Another worker is writing the file.
    Busy,
    /// More bytes than announced; the announced number.
    TooLong(ByteCount),
    /// The file is not there.
    CopyMissing,
    /// Not a plain file or folder of ours.
    NotPlain,
    /// A proven copy of other content is there.
    Proven,
    /// Not a path of this crate.
    BadPath,
    /// The file system cannot hold this size or name; the reason.
    Unfit(&'static str),
    /// The file could not be handled; the drive may be healthy.
    Io,
}

impl DriveErrorKind {
    /// As an error of the drive at `root`.
    pub fn at(self, root: &Path) -> DriveError {
        DriveError { kind: self, root: root.to_owned(), path: String::new(), refused: None }
    }

    /// Of a path, which must be printable already.
    pub(crate) fn of(self, path: impl fmt::Display) -> DriveError {
        self.at(Path::new("")).about(path)
    }
}

impl DriveError {
    pub(crate) fn about(self, path: impl fmt::Display) -> Self {
        Self { path: path.to_string(), ..self }
    }

    pub(crate) fn because(self, action: Operation, source: io::Error) -> Self {
        Self { refused: Some((action, Arc::new(source))), ..self }
    }

    pub(crate) fn from_io(root: &Path, action: Operation, path: impl fmt::Display, source: io::Error) -> Self {
        let path = path.to_string();
        let meaning = meaning(action, &source);
        let (kind, path) = match meaning.map(|meaning| (meaning.class, meaning.message)) {
            Some((ErrorClass::Host, _)) => (DriveErrorKind::HostLimit, path),
            Some((ErrorClass::Room, _)) => (DriveErrorKind::NoRoom, path),
            Some((ErrorClass::ReadOnly, _)) => (DriveErrorKind::ReadOnly, String::new()),
            Some((ErrorClass::Rights, _)) => (DriveErrorKind::ReadOnly, if path == "." { String::new() } else { path }),
            Some((ErrorClass::Gone | ErrorClass::Disk, _)) => (DriveErrorKind::Failing, path),
            Some((ErrorClass::Unfit, says)) => (DriveErrorKind::Unfit(says), path),
            // A failed sync never concerns one file alone.
            _ if action == Operation::Sync => (DriveErrorKind::Failing, path),
            Some((ErrorClass::Missing, _)) if action == Operation::Read => (DriveErrorKind::CopyMissing, path),
            Some((ErrorClass::Taken, _)) => (DriveErrorKind::NotPlain, path),
            Some((ErrorClass::File | ErrorClass::Missing | ErrorClass::Unsupported | ErrorClass::Nobody, _)) | None => {
                (DriveErrorKind::Io, path)
            }
        };
        kind.at(root).about(path).because(action, source)
    }

    /// The alarm for errors that are not a single file's. Its subject is the mount folder, with or without an
    /// identified drive.
    pub fn obstacle(&self) -> Option<AlarmRaised> {
        let kind = match self.kind {
            DriveErrorKind::Missing | DriveErrorKind::NotMounted | DriveErrorKind::Unmounted => AlarmKind::DriveMissing,
            DriveErrorKind::NotSetUp
            | DriveErrorKind::InMemory
            | DriveErrorKind::OtherDrive { .. }
            | DriveErrorKind::Copied(_)
            | DriveErrorKind::Unrecorded(_)
            | DriveErrorKind::IdentityLost
            | DriveErrorKind::BadIdentity(_)
            | DriveErrorKind::Linked => AlarmKind::DriveUnknown,
            DriveErrorKind::Cloned(..) => AlarmKind::DriveCloned,
            DriveErrorKind::ReadOnly => AlarmKind::DriveReadOnly,
            DriveErrorKind::HostLimit => AlarmKind::HostLimit,
            DriveErrorKind::FullOfFiles { .. } | DriveErrorKind::Full { .. } | DriveErrorKind::NoRoom => {
                AlarmKind::DriveFull
            }
            DriveErrorKind::Failing | DriveErrorKind::BadManifest(_) => AlarmKind::DriveFailing,
            DriveErrorKind::Busy
            | DriveErrorKind::TooLong(_)
            | DriveErrorKind::CopyMissing
            | DriveErrorKind::NotPlain
            | DriveErrorKind::Proven
            | DriveErrorKind::BadPath
            | DriveErrorKind::OpenedReadOnly
            | DriveErrorKind::WrongBytes
            | DriveErrorKind::Unfit(_)
            | DriveErrorKind::Io => return None,
        };
        let subject = if kind == AlarmKind::HostLimit { HOST.to_owned() } else { subject(&self.root) };
        Some(AlarmRaised { kind, subject, message: self.what(), next_step: self.next_step() })
    }

    /// The alarm for an error that is in the way of all work.
    pub fn as_obstacle(&self) -> AlarmRaised {
        self.obstacle().unwrap_or_else(|| AlarmRaised {
            kind: AlarmKind::DriveFailing,
            subject: "drive".to_owned(),
            message: self.to_string(),
            next_step: self.next_step(),
        })
    }

    /// The code to record on the booking if [`DriveError::obstacle`] is `None`.
    pub const fn failure_kind(&self) -> FailureKind {
        match self.kind {
            DriveErrorKind::TooLong(_) => FailureKind::TooLong,
            DriveErrorKind::CopyMissing => FailureKind::CopyMissing,
            DriveErrorKind::NotPlain | DriveErrorKind::Proven => FailureKind::PathTaken,
            DriveErrorKind::BadPath | DriveErrorKind::OpenedReadOnly => FailureKind::Internal,
            DriveErrorKind::Unfit(_) => FailureKind::DriveUnfit,
            _ => FailureKind::DriveIo,
        }
    }

    /// Another worker has claimed the file and finishes it: nothing is recorded.
    pub const fn is_busy(&self) -> bool {
        matches!(self.kind, DriveErrorKind::Busy)
    }
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what(), self.next_step())
    }
}

/// Without a source: the message contains the cause, since alarms show no chain.
impl Error for DriveError {}

const HOST: &str = "open-files";

pub(crate) fn subject(root: &Path) -> String {
    text::printable(&root.to_string_lossy(), 160)
}

/// Why a drive could not be set up.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InitError {
    /// It has an identity already.
    #[error("the drive at {} is set up already: it is {identity}; use it as it is", root.display())]
    Already {
        /// Its mount folder.
        root: PathBuf,
        /// Its identity.
        identity: Box<Identity>,
    },
    /// The label is not acceptable.
    #[error("{label:?} is not a label: write 1 to 64 printable characters, as on the drive's sticker")]
    BadLabel {
        /// The label, made printable.
        label: String,
    },
    /// The drive cannot be set up.
    #[error(transparent)]
    Drive(#[from] DriveError),
}

/// Why an identity could not be written back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RestoreError {
    /// It can be read.
    #[error("the drive at {} says who it is: {identity}; nothing is to be written back", root.display())]
    Readable {
        /// Its mount folder.
        root: PathBuf,
        /// Its identity.
        identity: Box<Identity>,
    },
    /// The label is not acceptable.
    #[error("{label:?} is not a label: the log holds one that no drive can have")]
    BadLabel {
        /// The label, made printable.
        label: String,
    },
    /// The drive cannot get its identity back.
    #[error(transparent)]
    Drive(#[from] DriveError),
}

#[cfg(test)]
mod tests;
