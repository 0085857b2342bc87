//! What people are told.

use std::path::Path;

use strongroom_files::Refusal;
use strongroom_model::ByteCount;

use super::{Action, DriveError};
use crate::identity::{self, Identity};

impl Action {
    const fn words(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Rename => "rename",
            Self::Read => "read",
            Self::Remove => "remove",
            Self::Create => "create",
            Self::Lock => "lock",
            Self::List => "list",
        }
    }
}

impl DriveError {
    /// What is the matter, in one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Missing { root, source } => format!("there is no drive at {}: {source}", root.display()),
            Self::NotMounted { root } => format!("no drive is mounted at {}: the folder is empty", root.display()),
            Self::Unmounted { root } => {
                format!("the drive at {} was unmounted or swapped while in use", root.display())
            }
            Self::NotSetUp { root } => format!("the drive at {} was never set up for Strongroom", root.display()),
            Self::InMemory { root } => {
                format!("what is mounted at {} is in memory (a RAM disk), and no drive", root.display())
            }
            Self::OtherDrive { root, expected, found } => {
                format!("the drive at {} is {found}, and not {expected}, which is expected there", root.display())
            }
            Self::Copied { root, identity } => {
                format!("the drive at {} carries the identity of {identity}, but is only a copy of it", root.display())
            }
            Self::Cloned { root, identity, detail } => cloned(root, identity, detail),
            Self::Unrecorded { root, reason } => {
                format!("that the drive at {} is used could not be recorded: {reason}", root.display())
            }
            Self::IdentityLost { root } => {
                format!("the drive at {} was in use, but its identity is not there any more", root.display())
            }
            Self::BadIdentity { root, reason } => {
                format!("the drive at {} has an identity that cannot be read: {reason}", root.display())
            }
            Self::Linked { root, path } => linked(root, path),
            Self::ReadOnly { root, source: None, .. } => format!("the drive at {} is read-only", root.display()),
            Self::ReadOnly { root, path: None, source: Some(source) } => {
                format!("the drive at {} cannot be written to: {source}", root.display())
            }
            Self::ReadOnly { root, path: Some(path), source: Some(source) } => {
                format!("{path} on the drive at {} cannot be used by this user: {source}", root.display())
            }
            Self::HostLimit { action, path, source } => {
                format!("a limit of this host is reached: cannot {} {path}: {source}", action.words())
            }
            Self::FullOfFiles { root, left, reserve } => format!(
                "the drive at {} has room, but can hold only {left} more files (inodes), and {reserve} are kept in reserve",
                root.display()
            ),
            Self::Full { root, free, reserve, needed: ByteCount(0) } => {
                format!("the drive at {} has {free} free, less than the reserve of {reserve}", root.display())
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
            Self::Unfit { path, reason, source } => format!("{path} cannot be on this drive: {reason} ({source})"),
            Self::Io { action, path, source } => {
                format!("cannot {} {path} on the drive: {source}", action.words())
            }
        }
    }

    /// What a person does about it.
    #[must_use]
    pub fn next_step(&self) -> String {
        match self {
            // No command here: whoever sets up the empty folder below a missing drive makes the system's disk a drive.
            Self::Missing { root, .. } | Self::Unmounted { root } | Self::NotMounted { root } => {
                format!("plug the drive in and mount it at {}; work goes on by itself", root.display())
            }
            Self::InMemory { root } => format!("mount the drive at {}; work goes on by itself", root.display()),
            Self::NotSetUp { root } => format!("set it up: `{}`", init_command(root)),
            Self::OtherDrive { expected, .. } => {
                format!("mount {expected} there, or set `drive.id` in the configuration to the one that is there")
            }
            Self::Copied { root, .. } => format!(
                "remove {} and give this drive an identity of its own: `{}`",
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            Self::Cloned { root, .. } => format!(
                "mount the drive that was used last; or, if this is the one to go on with, `{}`; to make this one a drive of its \
                 own, remove {} and set it up: `{}`",
                adopt_command(root),
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            Self::Unrecorded { .. } => {
                "`strongroom doctor` looks at the log and what is around it; work goes on by itself".to_owned()
            }
            Self::IdentityLost { root } => format!(
                "have it written back from the log: `{}`; or, to make it another drive, `{}`",
                restore_command(root),
                init_command(root)
            ),
            Self::BadIdentity { root, .. } => format!("have it written back from the log: `{}`", restore_command(root)),
            Self::Linked { root, path } => {
                format!("find out who changed it, then put a plain folder back at {}", root.join(path).display())
            }
            // What nobody may change, root included.
            Self::ReadOnly { root, path: Some(path), source: Some(source) } if Refusal::of(source) == Some(Refusal::Forbidden) => {
                let path = root.join(path);
                let path = shell_word(&path.to_string_lossy());
                format!(
                    "see whether it is immutable (`lsattr -d {path}`) and who made it so; `sudo chattr -i {path}` lets it be \
                     changed again; else give it to the user that runs strongroom; work goes on by itself"
                )
            }
            Self::ReadOnly { root, path: Some(path), .. } => format!(
                "give it to the user that runs strongroom: `sudo chown -R USER {}`; work goes on by itself",
                shell_word(&root.join(path.split('/').next().unwrap_or_default()).to_string_lossy())
            ),
            Self::HostLimit { .. } => {
                "raise the limit of open files (`ulimit -n`, `LimitNOFILE=` in the unit), or lower `fetch.concurrency` and \
                 `fetch.batch`; work goes on by itself"
                    .to_owned()
            }
            Self::FullOfFiles { .. } => {
                "delete small files that are not needed, or mount another drive that is set up; work goes on by itself"
                    .to_owned()
            }
            Self::ReadOnly { root, .. } => format!(
                "check the drive's switch, `dmesg`, the owner of {0} and, for a service, that `ReadWritePaths=` in its unit names \
                 {0}; then mount it for writing",
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

fn cloned(root: &Path, identity: &Identity, detail: &str) -> String {
    format!(
        "what is mounted at {} has the identity of {identity}, but {detail}: it is a clone or an older image of that drive, or it \
         lost what was written to it",
        root.display()
    )
}

fn linked(root: &Path, path: &str) -> String {
    format!(
        "{path} on the drive at {} is no plain folder, but a symbolic link, a file or another file system",
        root.display()
    )
}

/// The command that sets up the drive at `root`, as it is typed in a shell.
#[must_use]
pub fn init_command(root: &Path) -> String {
    format!("strongroom drive init {} --label NAME", shell_word(&root.to_string_lossy()))
}

/// The command that has a person decide that the drive at `root` is the right one, as it is typed in a shell.
fn adopt_command(root: &Path) -> String {
    format!("strongroom drive adopt {} --reason TEXT", shell_word(&root.to_string_lossy()))
}

/// The command that writes back the identity of the drive at `root`, as it is typed in a shell.
fn restore_command(root: &Path) -> String {
    format!("strongroom drive restore-identity {}", shell_word(&root.to_string_lossy()))
}

fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
