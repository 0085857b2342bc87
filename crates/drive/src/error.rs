//! All that can be wrong with a drive, or with one file on it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, ByteCount, DriveId, FailureKind, text};

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
}

impl Action {
    const fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Rename => "rename",
            Self::Read => "read",
            Self::Remove => "remove",
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
    /// The drive, or the folder on it, cannot be written to.
    ReadOnly {
        /// Where the drive is.
        root: PathBuf,
        /// What the operating system said, where it had to be asked.
        source: Option<Cause>,
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
    /// The error that the operating system's answer means: the drive's trouble where it can
    /// be nothing else, the file's otherwise.
    pub(crate) fn from_io(root: &Path, action: Action, path: impl fmt::Display, source: io::Error) -> Self {
        let (root, path) = (root.to_owned(), path.to_string());
        let errno = source.raw_os_error().map(Errno::from_raw_os_error);
        let source = Arc::new(source);
        match errno {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::NoRoom { root, path, source },
            Some(Errno::ROFS) => Self::ReadOnly { root, source: Some(source) },
            Some(Errno::ACCESS | Errno::PERM) if action != Action::Read => {
                Self::ReadOnly { root, source: Some(source) }
            }
            Some(Errno::NODEV | Errno::NXIO | Errno::STALE | Errno::NOTCONN | Errno::SHUTDOWN | Errno::HOSTDOWN) => {
                Self::Failing { root, action, path, source }
            }
            // One bad sector is one file's trouble; a write or a sync that fails is not.
            Some(Errno::IO | Errno::UCLEAN) if action != Action::Read => Self::Failing { root, action, path, source },
            _ if action == Action::Sync => Self::Failing { root, action, path, source },
            Some(Errno::NOENT) if action == Action::Read => Self::CopyMissing { path },
            Some(Errno::LOOP | Errno::XDEV | Errno::NOTDIR | Errno::ISDIR | Errno::EXIST) => Self::NotPlain { path },
            _ => Self::Io { action, path, source },
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
            | Self::OtherDrive { root, .. }
            | Self::Copied { root, .. }
            | Self::BadIdentity { root, .. }
            | Self::Linked { root, .. } => (AlarmKind::DriveUnknown, root),
            Self::ReadOnly { root, .. } => (AlarmKind::DriveReadOnly, root),
            Self::Full { root, .. } | Self::NoRoom { root, .. } => (AlarmKind::DriveFull, root),
            Self::Failing { root, .. } | Self::BadManifest { root, .. } => (AlarmKind::DriveFailing, root),
            Self::Busy { .. }
            | Self::TooLong { .. }
            | Self::CopyMissing { .. }
            | Self::NotPlain { .. }
            | Self::Proven { .. }
            | Self::BadPath { .. }
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
            _ => FailureKind::DriveIo,
        }
    }

    /// Whether another worker has this very file in hand: nothing failed, and nothing is to be
    /// recorded; whoever holds it will finish it.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    fn what(&self) -> String {
        match self {
            Self::Missing { root, source } => format!("there is no drive at {}: {source}", root.display()),
            Self::NotMounted { root } => format!("no drive is mounted at {}: the folder is empty", root.display()),
            Self::Unmounted { root } => {
                format!("the drive at {} was unmounted or swapped while in use", root.display())
            }
            Self::NotSetUp { root } => format!("the drive at {} was never set up for Strongroom", root.display()),
            Self::OtherDrive { root, expected, found } => {
                format!("the drive at {} is {found}, and not {expected}, which is expected there", root.display())
            }
            Self::Copied { root, identity } => {
                format!("the drive at {} carries the identity of {identity}, but is only a copy of it", root.display())
            }
            Self::BadIdentity { root, reason } => {
                format!("the drive at {} has an identity that cannot be read: {reason}", root.display())
            }
            Self::Linked { root, path } => {
                format!(
                    "{path} on the drive at {} is no plain folder, but a symbolic link, a file or another file system",
                    root.display()
                )
            }
            Self::ReadOnly { root, source: None } => format!("the drive at {} is read-only", root.display()),
            Self::ReadOnly { root, source: Some(source) } => {
                format!("the drive at {} cannot be written to: {source}", root.display())
            }
            Self::Full { root, free, reserve, needed } => format!(
                "the drive at {} has {free} free: {needed} would leave less than the reserve of {reserve}",
                root.display()
            ),
            Self::NoRoom { root, path, source } => {
                format!("the drive at {} has no room for {path}: {source}", root.display())
            }
            Self::Failing { root, action, path, source } => {
                format!("the drive at {} failed to {} {path}: {source}", root.display(), action.words())
            }
            Self::BadManifest { root, path, reason } => {
                format!("{path} on the drive at {} cannot be read: {reason}", root.display())
            }
            Self::Busy { path } => format!("another worker is writing {path}"),
            Self::TooLong { path, size } => format!("more bytes came for {path} than the {} announced", size.0),
            Self::CopyMissing { path } => format!("{path} is not on the drive"),
            Self::NotPlain { path } => format!("what stands at {path} on the drive is no plain file or folder"),
            Self::Proven { path } => format!("a proven copy of other content stands at {path} on the drive"),
            Self::BadPath { path } => format!("{path:?} is no path on a drive"),
            Self::Io { action, path, source } => {
                format!("cannot {} {path} on the drive: {source}", action.words())
            }
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            Self::Missing { root, .. } | Self::Unmounted { root } => {
                format!("plug the drive in and mount it at {}; work goes on by itself", root.display())
            }
            Self::NotMounted { root } => format!(
                "mount the drive there; if this folder is to be the drive itself, set it up: `{}`",
                init_command(root)
            ),
            Self::NotSetUp { root } => format!("set it up: `{}`", init_command(root)),
            Self::OtherDrive { expected, .. } => {
                format!("mount {expected} there, or take its id out of `drive.expect` in the configuration")
            }
            Self::Copied { root, .. } => format!(
                "remove {} and give this drive an identity of its own: `{}`",
                root.join(crate::identity::PATH).display(),
                init_command(root)
            ),
            Self::BadIdentity { root, .. } => {
                format!("restore {} from a copy of the drive", root.join(crate::identity::PATH).display())
            }
            Self::Linked { root, path } => {
                format!("find out who changed it, then put a plain folder back at {}", root.join(path).display())
            }
            Self::ReadOnly { root, .. } => format!(
                "check the drive's switch, `dmesg` and the owner of {}, then mount it for writing",
                root.display()
            ),
            Self::Full { .. } | Self::NoRoom { .. } => {
                "make room on it, or mount another drive that is set up; work goes on by itself".to_owned()
            }
            Self::Failing { .. } => {
                "check the drive and its cable (`smartctl -a`, `dmesg`); replace it if this happens again".to_owned()
            }
            Self::BadManifest { .. } => "start strongroom again: it writes the manifest anew from its log".to_owned(),
            Self::Busy { .. } => "nothing: the other worker finishes it".to_owned(),
            _ => self.failure_kind().step().to_owned(),
        }
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

/// The subject of every alarm about the drive at `root`.
pub(crate) fn subject(root: &Path) -> String {
    text::printable(&root.to_string_lossy(), 160)
}

/// The command that sets up the drive at `root`, as it is typed in a shell.
#[must_use]
pub fn init_command(root: &Path) -> String {
    format!("strongroom drive init {} --label NAME", shell_word(&root.to_string_lossy()))
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn from(number: Errno, action: Action) -> DriveError {
        DriveError::from_io(Path::new("/mnt/backup"), action, "acme/x", number.into())
    }

    #[test]
    fn the_drives_trouble_is_told_from_a_files() {
        let kind = |number, action| from(number, action).obstacle().map(|alarm| alarm.kind);
        assert_eq!(kind(Errno::NOSPC, Action::Write), Some(AlarmKind::DriveFull));
        assert_eq!(kind(Errno::DQUOT, Action::Open), Some(AlarmKind::DriveFull));
        assert_eq!(kind(Errno::ROFS, Action::Open), Some(AlarmKind::DriveReadOnly));
        assert_eq!(kind(Errno::ACCESS, Action::Open), Some(AlarmKind::DriveReadOnly));
        assert_eq!(kind(Errno::IO, Action::Sync), Some(AlarmKind::DriveFailing));
        assert_eq!(kind(Errno::INVAL, Action::Sync), Some(AlarmKind::DriveFailing));
        assert_eq!(kind(Errno::NODEV, Action::Read), Some(AlarmKind::DriveFailing));
        assert_eq!(kind(Errno::IO, Action::Read), None);
        assert_eq!(from(Errno::IO, Action::Read).failure_kind(), FailureKind::DriveIo);
        assert_eq!(from(Errno::NOENT, Action::Read).failure_kind(), FailureKind::CopyMissing);
        assert_eq!(from(Errno::LOOP, Action::Read).failure_kind(), FailureKind::PathTaken);
    }

    /// What people read, each with its alarm or its failure. Look at it when it changes.
    #[test]
    fn every_error_names_the_thing_and_the_next_step() {
        let root = || PathBuf::from("/mnt/backup");
        let path = || "acme/2026-11/data/B-1/x.pdf".to_owned();
        let cause = |errno: Errno| Cause::new(errno.into());
        let identity = || {
            let bytes = br#"{"format":1,"id":"7d444840-9dc0-41d1-b245-5ffdce74fad2","label":"Blue","created_at":"2026-11-21T08:30:00Z"}"#;
            Box::new(Identity::from_bytes(bytes).unwrap())
        };
        let expected: DriveId = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11".parse().unwrap();
        let gib = |n: u64| ByteCount(n << 30);
        let errors = [
            DriveError::Missing { root: root(), source: cause(Errno::NOENT) },
            DriveError::NotMounted { root: root() },
            DriveError::Unmounted { root: root() },
            DriveError::NotSetUp { root: root() },
            DriveError::OtherDrive { root: root(), expected, found: identity() },
            DriveError::Copied { root: root(), identity: identity() },
            DriveError::BadIdentity { root: root(), reason: "it is no plain file".to_owned() },
            DriveError::Linked { root: root(), path: "acme".to_owned() },
            DriveError::ReadOnly { root: root(), source: None },
            DriveError::ReadOnly { root: root(), source: Some(cause(Errno::ACCESS)) },
            DriveError::Full { root: root(), free: gib(3), reserve: gib(2), needed: gib(4) },
            DriveError::NoRoom { root: root(), path: path(), source: cause(Errno::NOSPC) },
            DriveError::Failing { root: root(), action: Action::Sync, path: path(), source: cause(Errno::IO) },
            DriveError::BadManifest {
                root: root(),
                path: "acme/2026-11/manifest-sha256.txt".to_owned(),
                reason: "line 7 is no digest and path".to_owned(),
            },
            DriveError::Busy { path: path() },
            DriveError::TooLong { path: path(), size: ByteCount(17) },
            DriveError::CopyMissing { path: path() },
            DriveError::NotPlain { path: path() },
            DriveError::Proven { path: path() },
            DriveError::BadPath { path: "../x".to_owned() },
            DriveError::Io { action: Action::Read, path: path(), source: cause(Errno::IO) },
        ];
        let told: Vec<_> = errors
            .iter()
            .map(|error| match error.obstacle() {
                Some(alarm) => format!("[{}] {error}", alarm.kind.code()),
                None => format!("({}) {error}", error.failure_kind().code()),
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_drive_that_was_never_set_up_is_answered_with_the_command_to_type() {
        let error = DriveError::NotSetUp { root: "/mnt/backup".into() };
        assert!(error.to_string().contains("`strongroom drive init /mnt/backup --label NAME`"), "{error}");
        let error = DriveError::NotSetUp { root: "/media/O'Hara 1".into() };
        assert!(error.to_string().contains(r"init '/media/O'\''Hara 1' --label NAME`"), "{error}");
    }
}
