//! All that can be wrong with a drive, or with one file on it.

mod words;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strongroom_files::{Call, Whose, meaning};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, ByteCount, DriveId, FailureKind, text};

pub use self::words::init_command;
use crate::identity::Identity;

/// What the operating system said. Shared, so that one fault can be told for each file of
/// a batch.
pub type Cause = Arc<io::Error>;

/// What was being done when the operating system refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Opening or creating a file or a folder.
    Open,
    /// Writing bytes.
    Write,
    /// Making bytes or names durable.
    Sync,
    /// Giving a file its final name.
    Rename,
    /// Reading bytes or a folder.
    Read,
    /// Taking a file or a folder away.
    Remove,
    /// Creating a file or a folder.
    Create,
    /// Locking a file.
    Lock,
    /// Reading a folder.
    List,
}

impl Action {
    const fn call(self) -> Call {
        match self {
            Self::Open => Call::Open,
            Self::Write => Call::Write,
            Self::Sync => Call::Sync,
            Self::Rename => Call::Rename,
            Self::Read => Call::Read,
            Self::Remove => Call::Remove,
            Self::Create => Call::Create,
            Self::Lock => Call::Lock,
            Self::List => Call::List,
        }
    }
}

/// Why something could not be done on a drive. Those that are no single file's fault are
/// obstacles: see [`DriveError::obstacle`].
///
/// `root` is the folder that the drive was looked for in; `path` is relative to it.
#[derive(Debug, Clone)]
pub enum DriveError {
    /// There is no such folder, or what is mounted there does not answer.
    Missing {
        /// Where the drive should be.
        root: PathBuf,
        /// What the operating system said.
        source: Cause,
    },
    /// The folder is empty, and nothing is mounted there.
    NotMounted {
        /// Where the drive should be.
        root: PathBuf,
    },
    /// The drive was unmounted, or another one mounted over it, while it was in use.
    Unmounted {
        /// Where the drive was.
        root: PathBuf,
    },
    /// There is no identity: the drive was never set up.
    NotSetUp {
        /// Where the drive is.
        root: PathBuf,
    },
    /// It is in memory, and was not set up there.
    InMemory {
        /// Where the drive should be.
        root: PathBuf,
    },
    /// Another drive than the one that is expected.
    OtherDrive {
        /// Where the drive is.
        root: PathBuf,
        /// The one that is expected.
        expected: DriveId,
        /// The one that is there.
        found: Box<Identity>,
    },
    /// The identity was copied onto this drive from another one.
    Copied {
        /// Where the drive is.
        root: PathBuf,
        /// Whose identity it carries.
        identity: Box<Identity>,
    },
    /// It lacks the mark of the newest use that the log knows of.
    Cloned {
        /// Where the drive is.
        root: PathBuf,
        /// Whose identity it carries.
        identity: Box<Identity>,
        /// What the log knows and the drive does not, in words.
        detail: String,
    },
    /// Whether it is the one that was used last could not be found out or recorded.
    Unrecorded {
        /// Where the drive is.
        root: PathBuf,
        /// Why.
        reason: String,
    },
    /// Strongroom's folder is there, but no identity in it.
    IdentityLost {
        /// Where the drive is.
        root: PathBuf,
    },
    /// The identity cannot be read.
    BadIdentity {
        /// Where the drive is.
        root: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A folder that Strongroom keeps is a symbolic link, a file, or leads to another file system.
    Linked {
        /// Where the drive is.
        root: PathBuf,
        /// The folder.
        path: String,
    },
    /// The drive, or something on it, cannot be written to.
    ReadOnly {
        /// Where the drive is.
        root: PathBuf,
        /// What could not be done to what, where it is not the whole drive.
        path: Option<String>,
        /// What the operating system said, where it had to be asked.
        source: Option<Cause>,
    },
    /// A limit of this process or this host is reached: neither the drive's fault nor a file's.
    HostLimit {
        /// What was being done.
        action: Action,
        /// To what.
        path: String,
        /// What the operating system said.
        source: Cause,
    },
    /// There is room, but not for more files beyond the reserve.
    FullOfFiles {
        /// Where the drive is.
        root: PathBuf,
        /// How many more files it can hold.
        left: u64,
        /// How many are kept in reserve.
        reserve: u64,
    },
    /// There is no room beyond the reserve.
    Full {
        /// Where the drive is.
        root: PathBuf,
        /// How much is free.
        free: ByteCount,
        /// How much must stay free.
        reserve: ByteCount,
        /// How much is wanted on top of that.
        needed: ByteCount,
    },
    /// The operating system said that there is no room, or that a quota is used up.
    NoRoom {
        /// Where the drive is.
        root: PathBuf,
        /// What it was to be written to.
        path: String,
        /// What the operating system said.
        source: Cause,
    },
    /// The drive reports errors.
    Failing {
        /// Where the drive is.
        root: PathBuf,
        /// What was being done.
        action: Action,
        /// To what.
        path: String,
        /// What the operating system said.
        source: Cause,
    },
    /// A month's manifest cannot be read.
    BadManifest {
        /// Where the drive is.
        root: PathBuf,
        /// The manifest.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Another worker is writing this very file.
    Busy {
        /// The file.
        path: String,
    },
    /// More bytes came than were announced.
    TooLong {
        /// The file.
        path: String,
        /// How many were announced.
        size: ByteCount,
    },
    /// The file is not there.
    CopyMissing {
        /// The file.
        path: String,
    },
    /// What is there is no plain file or folder of ours.
    NotPlain {
        /// What is there.
        path: String,
    },
    /// A proven copy of other content stands there.
    Proven {
        /// The proven copy.
        path: String,
    },
    /// A path that does not come from this crate.
    BadPath {
        /// The path, made printable.
        path: String,
    },
    /// The drive's file system cannot hold a file of this size or name.
    Unfit {
        /// The file.
        path: String,
        /// What is the matter.
        reason: &'static str,
        /// What the operating system said.
        source: Cause,
    },
    /// The file could not be handled; the drive may be well.
    Io {
        /// What was being done.
        action: Action,
        /// To what.
        path: String,
        /// What the operating system said.
        source: Cause,
    },
}

impl DriveError {
    /// The error that the operating system's answer means: the table is [`meaning`].
    pub(crate) fn from_io(root: &Path, action: Action, path: impl fmt::Display, source: io::Error) -> Self {
        let (root, path) = (root.to_owned(), path.to_string());
        let meaning = meaning(action.call(), &source);
        let source = Arc::new(source);
        let Some(meaning) = meaning else {
            // What a sync could not make durable is never one file's alone.
            return match action {
                Action::Sync => Self::Failing { root, action, path, source },
                _ => Self::Io { action, path, source },
            };
        };
        match meaning.whose {
            Whose::Host => Self::HostLimit { action, path, source },
            Whose::Room => Self::NoRoom { root, path, source },
            Whose::ReadOnly => Self::ReadOnly { root, path: None, source: Some(source) },
            Whose::Rights => Self::ReadOnly { root, path: (path != ".").then_some(path), source: Some(source) },
            Whose::Gone | Whose::Disk => Self::Failing { root, action, path, source },
            Whose::Unfit => Self::Unfit { path, reason: meaning.says, source },
            _ if action == Action::Sync => Self::Failing { root, action, path, source },
            Whose::Missing if action == Action::Read => Self::CopyMissing { path },
            Whose::Taken => Self::NotPlain { path },
            Whose::File | Whose::Missing | Whose::Unsupported | Whose::Nobody => Self::Io { action, path, source },
        }
    }

    /// The condition of the drive that this error shows, if it is no single file's fault: a
    /// stage pauses on it, and it is told once. The alarm's subject is the folder where the drive
    /// is mounted, whichever drive that is, so that it is the same before a drive is known.
    #[must_use]
    pub fn obstacle(&self) -> Option<AlarmRaised> {
        let (kind, root) = match self {
            Self::Missing { root, .. } | Self::NotMounted { root } | Self::Unmounted { root } => {
                (AlarmKind::DriveMissing, root)
            }
            Self::NotSetUp { root }
            | Self::InMemory { root }
            | Self::OtherDrive { root, .. }
            | Self::Copied { root, .. }
            | Self::Unrecorded { root, .. }
            | Self::IdentityLost { root }
            | Self::BadIdentity { root, .. }
            | Self::Linked { root, .. } => (AlarmKind::DriveUnknown, root),
            Self::Cloned { root, .. } => (AlarmKind::DriveCloned, root),
            Self::ReadOnly { root, .. } => (AlarmKind::DriveReadOnly, root),
            Self::HostLimit { .. } => {
                return Some(AlarmRaised {
                    kind: AlarmKind::HostLimit,
                    subject: HOST.to_owned(),
                    message: self.what(),
                    next_step: self.next_step(),
                });
            }
            Self::FullOfFiles { root, .. } | Self::Full { root, .. } | Self::NoRoom { root, .. } => {
                (AlarmKind::DriveFull, root)
            }
            Self::Failing { root, .. } | Self::BadManifest { root, .. } => (AlarmKind::DriveFailing, root),
            Self::Busy { .. }
            | Self::TooLong { .. }
            | Self::CopyMissing { .. }
            | Self::NotPlain { .. }
            | Self::Proven { .. }
            | Self::BadPath { .. }
            | Self::Unfit { .. }
            | Self::Io { .. } => return None,
        };
        Some(AlarmRaised { kind, subject: subject(root), message: self.what(), next_step: self.next_step() })
    }

    /// What to record on the booking, where [`DriveError::obstacle`] is `None`.
    #[must_use]
    pub const fn failure_kind(&self) -> FailureKind {
        match self {
            Self::TooLong { .. } => FailureKind::TooLong,
            Self::CopyMissing { .. } => FailureKind::CopyMissing,
            Self::NotPlain { .. } | Self::Proven { .. } => FailureKind::PathTaken,
            Self::BadPath { .. } => FailureKind::Internal,
            Self::Unfit { .. } => FailureKind::DriveUnfit,
            _ => FailureKind::DriveIo,
        }
    }

    /// Whether another worker has this very file in hand: nothing failed, and nothing is to be
    /// recorded; whoever holds it will finish it.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }
}

impl fmt::Display for DriveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what(), self.next_step())
    }
}

impl Error for DriveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The cause is a part of the message, for people read alarms without their chain.
        None
    }
}

/// The subject of every alarm about this host's limits.
const HOST: &str = "open-files";

/// The subject of every alarm about the drive at `root`.
pub(crate) fn subject(root: &Path) -> String {
    text::printable(&root.to_string_lossy(), 160)
}

/// Why a drive could not be set up.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InitError {
    /// It has an identity already.
    #[error("the drive at {} is set up already: it is {identity}; use it as it is", root.display())]
    Already {
        /// Where the drive is.
        root: PathBuf,
        /// Who it is.
        identity: Box<Identity>,
    },
    /// The label cannot stand on a sticker.
    #[error("{label:?} is no label: write 1 to 64 printable characters, as on the drive's sticker")]
    BadLabel {
        /// The label, made printable.
        label: String,
    },
    /// The drive is in no state to be set up.
    #[error(transparent)]
    Drive(#[from] DriveError),
}

/// Why a drive's identity could not be written back.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RestoreError {
    /// It can be read.
    #[error("the drive at {} says who it is: {identity}; nothing is to be written back", root.display())]
    Readable {
        /// Where the drive is.
        root: PathBuf,
        /// Who it is.
        identity: Box<Identity>,
    },
    /// The label cannot stand on a sticker.
    #[error("{label:?} is no label: the log holds one that no drive can have")]
    BadLabel {
        /// The label, made printable.
        label: String,
    },
    /// The drive is in no state to get its identity back.
    #[error(transparent)]
    Drive(#[from] DriveError),
}

#[cfg(test)]
mod tests;
