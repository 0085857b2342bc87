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
#[derive(Debug, Clone)]
pub struct DriveError {
    /// What is wrong.
    pub kind: Kind,
    /// The folder that the drive was looked for in; empty where the error is a file's alone.
    root: PathBuf,
    /// What it is about, relative to the root; empty where that is the drive itself.
    path: String,
    /// What was being done, and what the operating system said, where it refused.
    refused: Option<(Action, Cause)>,
}

/// What is wrong with a drive, or with something on it.
#[derive(Debug, Clone)]
pub enum Kind {
    /// There is no such folder, or what is mounted there does not answer.
    Missing,
    /// The folder is empty, and nothing is mounted there.
    NotMounted,
    /// The drive was unmounted, or another one mounted over it, while it was in use.
    Unmounted,
    /// There is no identity: the drive was never set up.
    NotSetUp,
    /// It is in memory, and was not set up there.
    InMemory,
    /// Another drive than the one that is expected.
    OtherDrive {
        /// The one that is expected.
        expected: DriveId,
        /// The one that is there.
        found: Box<Identity>,
    },
    /// This identity was copied onto the drive from another one.
    Copied(Box<Identity>),
    /// It has this identity, and lacks the mark of the newest use that the log knows of: what the log knows and the drive
    /// does not, in words.
    Cloned(Box<Identity>, String),
    /// Whether it is the one that was used last could not be found out or recorded: why.
    Unrecorded(String),
    /// Strongroom's folder is there, but no identity in it.
    IdentityLost,
    /// The identity cannot be read: what is wrong with it.
    BadIdentity(String),
    /// A folder that Strongroom keeps is a symbolic link, a file, or leads to another file system.
    Linked,
    /// The drive, or something on it, cannot be written to.
    ReadOnly,
    /// A limit of this process or this host is reached: neither the drive's fault nor a file's.
    HostLimit,
    /// There is room, but not for more files beyond the reserve.
    FullOfFiles {
        /// How many more files it can hold.
        left: u64,
        /// How many are kept in reserve.
        reserve: u64,
    },
    /// There is no room beyond the reserve.
    Full {
        /// How much is free.
        free: ByteCount,
        /// How much must stay free.
        reserve: ByteCount,
        /// How much is wanted on top of that.
        needed: ByteCount,
    },
    /// The operating system said that there is no room, or that a quota is used up.
    NoRoom,
    /// The drive reports errors.
    Failing,
    /// A month's manifest cannot be read: what is wrong with it.
    BadManifest(String),
    /// Another worker is writing this very file.
    Busy,
    /// More bytes came than these, which were announced.
    TooLong(ByteCount),
    /// The file is not there.
    CopyMissing,
    /// What is there is no plain file or folder of ours.
    NotPlain,
    /// A proven copy of other content stands there.
    Proven,
    /// A path that does not come from this crate.
    BadPath,
    /// The drive's file system cannot hold a file of this size or name: what is the matter.
    Unfit(&'static str),
    /// The file could not be handled; the drive may be well.
    Io,
}

impl Kind {
    /// The error of the drive at `root`.
    #[must_use]
    pub fn at(self, root: &Path) -> DriveError {
        DriveError { kind: self, root: root.to_owned(), path: String::new(), refused: None }
    }

    /// The error of a file or a folder, whose path is made printable by whoever took it from outside.
    pub(crate) fn of(self, path: impl fmt::Display) -> DriveError {
        self.at(Path::new("")).about(path)
    }
}

impl DriveError {
    /// The same error, of something on the drive.
    pub(crate) fn about(self, path: impl fmt::Display) -> Self {
        Self { path: path.to_string(), ..self }
    }

    /// The same error, for which the operating system gave the reason.
    pub(crate) fn because(self, action: Action, source: io::Error) -> Self {
        Self { refused: Some((action, Arc::new(source))), ..self }
    }

    /// The error that the operating system's answer means: the table is [`meaning`].
    pub(crate) fn from_io(root: &Path, action: Action, path: impl fmt::Display, source: io::Error) -> Self {
        let path = path.to_string();
        let meaning = meaning(action.call(), &source);
        let (kind, path) = match meaning.map(|meaning| (meaning.whose, meaning.says)) {
            Some((Whose::Host, _)) => (Kind::HostLimit, path),
            Some((Whose::Room, _)) => (Kind::NoRoom, path),
            Some((Whose::ReadOnly, _)) => (Kind::ReadOnly, String::new()),
            Some((Whose::Rights, _)) => (Kind::ReadOnly, if path == "." { String::new() } else { path }),
            Some((Whose::Gone | Whose::Disk, _)) => (Kind::Failing, path),
            Some((Whose::Unfit, says)) => (Kind::Unfit(says), path),
            // What a sync could not make durable is never one file's alone.
            _ if action == Action::Sync => (Kind::Failing, path),
            Some((Whose::Missing, _)) if action == Action::Read => (Kind::CopyMissing, path),
            Some((Whose::Taken, _)) => (Kind::NotPlain, path),
            Some((Whose::File | Whose::Missing | Whose::Unsupported | Whose::Nobody, _)) | None => (Kind::Io, path),
        };
        kind.at(root).about(path).because(action, source)
    }

    /// The condition of the drive that this error shows, if it is not a single file's fault: a
    /// stage pauses on it, and it is told once. The alarm's subject is the folder where the drive
    /// is mounted, whichever drive that is, so that it is the same before a drive is known.
    #[must_use]
    pub fn obstacle(&self) -> Option<AlarmRaised> {
        let kind = match self.kind {
            Kind::Missing | Kind::NotMounted | Kind::Unmounted => AlarmKind::DriveMissing,
            Kind::NotSetUp
            | Kind::InMemory
            | Kind::OtherDrive { .. }
            | Kind::Copied(_)
            | Kind::Unrecorded(_)
            | Kind::IdentityLost
            | Kind::BadIdentity(_)
            | Kind::Linked => AlarmKind::DriveUnknown,
            Kind::Cloned(..) => AlarmKind::DriveCloned,
            Kind::ReadOnly => AlarmKind::DriveReadOnly,
            Kind::HostLimit => AlarmKind::HostLimit,
            Kind::FullOfFiles { .. } | Kind::Full { .. } | Kind::NoRoom => AlarmKind::DriveFull,
            Kind::Failing | Kind::BadManifest(_) => AlarmKind::DriveFailing,
            Kind::Busy
            | Kind::TooLong(_)
            | Kind::CopyMissing
            | Kind::NotPlain
            | Kind::Proven
            | Kind::BadPath
            | Kind::Unfit(_)
            | Kind::Io => return None,
        };
        let subject = if kind == AlarmKind::HostLimit { HOST.to_owned() } else { subject(&self.root) };
        Some(AlarmRaised { kind, subject, message: self.what(), next_step: self.next_step() })
    }

    /// What to record on the booking, where [`DriveError::obstacle`] is `None`.
    #[must_use]
    pub const fn failure_kind(&self) -> FailureKind {
        match self.kind {
            Kind::TooLong(_) => FailureKind::TooLong,
            Kind::CopyMissing => FailureKind::CopyMissing,
            Kind::NotPlain | Kind::Proven => FailureKind::PathTaken,
            Kind::BadPath => FailureKind::Internal,
            Kind::Unfit(_) => FailureKind::DriveUnfit,
            _ => FailureKind::DriveIo,
        }
    }

    /// Whether another worker has claimed this very file: nothing failed, and nothing is to be
    /// recorded; that worker will finish it.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self.kind, Kind::Busy)
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
    #[error("{label:?} is not a label: write 1 to 64 printable characters, as on the drive's sticker")]
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
    #[error("{label:?} is not a label: the log holds one that no drive can have")]
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
