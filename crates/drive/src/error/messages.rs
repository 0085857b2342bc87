use std::path::Path;

use strongroom_files::Refusal;
use strongroom_model::ByteCount;

use super::{DriveError, DriveErrorKind, Operation};
use crate::identity;

const fn verb(refused: Operation) -> &'static str {
    match refused {
        Operation::Open => "open",
        Operation::Write => "write",
        Operation::Sync => "sync",
        Operation::Rename => "rename",
        Operation::Read => "read",
        Operation::Remove => "remove",
        Operation::Create => "create",
        Operation::Lock => "lock",
        Operation::List => "list",
        Operation::Space => "use",
    }
}

impl DriveError {
    /// One sentence on what is wrong.
    pub fn what(&self) -> String {
        let (root, path) = (self.root.display(), &self.path);
        // Without a refusal the sentence contains neither.
        let (do_it, source) = match &self.refused {
            Some((action, source)) => (verb(*action), source.to_string()),
            None => ("use", String::new()),
        };
        match &self.kind {
            DriveErrorKind::Missing => format!("there is no drive at {root}: {source}"),
            DriveErrorKind::NotMounted => format!("no drive is mounted at {root}: the folder is empty"),
            DriveErrorKind::Unmounted => {
                format!("the drive at {root} was unmounted or swapped while in use")
            }
            DriveErrorKind::NotSetUp => format!("the drive at {root} was never set up for Strongroom"),
            DriveErrorKind::InMemory => {
                format!("what is mounted at {root} is in memory (a RAM disk), and no drive")
            }
            DriveErrorKind::OtherDrive { expected, found } => {
                format!("the drive at {root} is {found}, and not {expected}, which is expected there")
            }
            DriveErrorKind::Copied(identity) => {
                format!("the drive at {root} carries the identity of {identity}, but is only a copy of it")
            }
            DriveErrorKind::Cloned(identity, detail) => format!(
                "what is mounted at {root} has the identity of {identity}, but {detail}: it is a clone or an older image of \
                 that drive, or it lost what was written to it"
            ),
            DriveErrorKind::Unrecorded(reason) => {
                format!("that the drive at {root} is used could not be recorded: {reason}")
            }
            DriveErrorKind::IdentityLost => {
                format!("the drive at {root} was in use, but its identity is not there any more")
            }
            DriveErrorKind::BadIdentity(reason) => {
                format!("the drive at {root} has an identity that cannot be read: {reason}")
            }
            DriveErrorKind::Linked => format!(
                "{path} on the drive at {root} is not a plain folder, but a symbolic link, a file or another file system"
            ),
            DriveErrorKind::ReadOnly if self.refused.is_none() => format!("the drive at {root} is read-only"),
            DriveErrorKind::ReadOnly if path.is_empty() => {
                format!("the drive at {root} cannot be written to: {source}")
            }
            DriveErrorKind::ReadOnly => format!("{path} on the drive at {root} cannot be used by this user: {source}"),
            DriveErrorKind::OpenedReadOnly => format!("the drive at {root} was opened for reading alone"),
            DriveErrorKind::WrongBytes => {
                format!("what was written to {path} on the drive is not what was read for it")
            }
            DriveErrorKind::HostLimit => format!("a limit of this host is reached: cannot {do_it} {path}: {source}"),
            DriveErrorKind::FullOfFiles { left, reserve } => format!(
                "the drive at {root} has room, but can hold only {left} more files (inodes), and {reserve} are kept in reserve"
            ),
            DriveErrorKind::Full { free, reserve, needed: ByteCount(0) } => {
                format!("the drive at {root} has {free} free, less than the reserve of {reserve}")
            }
            DriveErrorKind::Full { free, reserve, needed } => {
                format!("the drive at {root} has {free} free: {needed} would leave less than the reserve of {reserve}")
            }
            DriveErrorKind::NoRoom => format!("the drive at {root} has no room for {path}: {source}"),
            DriveErrorKind::Failing => format!("the drive at {root} failed to {do_it} {path}: {source}"),
            DriveErrorKind::BadManifest(reason) => format!("{path} on the drive at {root} cannot be read: {reason}"),
            DriveErrorKind::Busy => format!("another worker is writing {path}"),
            DriveErrorKind::TooLong(size) => format!("more bytes came for {path} than the {} announced", size.0),
            DriveErrorKind::CopyMissing => format!("{path} is not on the drive"),
            DriveErrorKind::NotPlain => format!("what stands at {path} on the drive is not a plain file or folder"),
            DriveErrorKind::Proven => format!("a proven copy of other content stands at {path} on the drive"),
            DriveErrorKind::BadPath => format!("{path:?} is not a path on a drive"),
            DriveErrorKind::Unfit(reason) => format!("{path} cannot be on this drive: {reason} ({source})"),
            DriveErrorKind::Io => format!("cannot {do_it} {path} on the drive: {source}"),
        }
    }

    /// What a person should do.
    pub fn next_step(&self) -> String {
        let (root, shown) = (self.root.as_path(), self.root.display());
        match &self.kind {
            // No `init` command here: run while the drive is missing, it would set up a folder of the system's disk.
            DriveErrorKind::Missing | DriveErrorKind::Unmounted | DriveErrorKind::NotMounted => {
                format!("plug the drive in and mount it at {shown}; work goes on by itself")
            }
            DriveErrorKind::InMemory => format!("mount the drive at {shown}; work goes on by itself"),
            DriveErrorKind::NotSetUp => format!("set it up: `{}`", init_command(root)),
            DriveErrorKind::OtherDrive { expected, .. } => {
                format!("mount {expected} there, or set `drive.id` in the configuration to the one that is there")
            }
            DriveErrorKind::Copied(_) => format!(
                "remove {} and give this drive an identity of its own: `{}`",
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            DriveErrorKind::Cloned(..) => format!(
                "mount the drive that was used last; or, if this is the one to go on with, `{}`; to make this one a drive of its \
                 own, remove {} and set it up: `{}`",
                adopt_command(root),
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            DriveErrorKind::Unrecorded(_) => {
                "`strongroom doctor` looks at the log and what is around it; work goes on by itself".to_owned()
            }
            DriveErrorKind::IdentityLost => format!(
                "have it written back from the log: `{}`; or, to make it another drive, `{}`",
                restore_command(root),
                init_command(root)
            ),
            DriveErrorKind::BadIdentity(_) => format!("have it written back from the log: `{}`", restore_command(root)),
            DriveErrorKind::Linked => {
                format!("find out who changed it, then put a plain folder back at {}", root.join(&self.path).display())
            }
            DriveErrorKind::ReadOnly if self.path.is_empty() => format!(
                "check the drive's switch, `dmesg`, the owner of {shown} and, for a service, that `ReadWritePaths=` in its unit \
                 names {shown}; then mount it for writing"
            ),
            DriveErrorKind::ReadOnly => self.step_of_rights(),
            DriveErrorKind::OpenedReadOnly => "open it for writing to change anything on it".to_owned(),
            DriveErrorKind::HostLimit => {
                "raise the limit of open files (`ulimit -n`, `LimitNOFILE=` in the unit), or lower `fetch.concurrency` and \
                 `fetch.batch`; work goes on by itself"
                    .to_owned()
            }
            DriveErrorKind::FullOfFiles { .. } => {
                "delete small files that are not needed, or mount another drive that is set up; work goes on by itself"
                    .to_owned()
            }
            DriveErrorKind::Full { .. } | DriveErrorKind::NoRoom => {
                "make room on it, or mount another drive that is set up; work goes on by itself".to_owned()
            }
            DriveErrorKind::Failing => {
                "check the drive and its cable (`smartctl -a`, `dmesg`); replace it if this happens again".to_owned()
            }
            DriveErrorKind::BadManifest(_) => "start strongroom again: it writes the manifest anew from its log".to_owned(),
            DriveErrorKind::Busy => "nothing: the other worker finishes it".to_owned(),
            _ => self.failure_kind().step().to_owned(),
        }
    }

    fn step_of_rights(&self) -> String {
        let word = |path: &str| shell_word(&self.root.join(path).to_string_lossy());
        // Not even root may change it.
        if self.refused.as_ref().is_some_and(|(_, source)| Refusal::of(source) == Some(Refusal::Forbidden)) {
            let path = word(&self.path);
            return format!(
                "see whether it is immutable (`lsattr -d {path}`) and who made it so; `sudo chattr -i {path}` lets it be \
                 changed again; else give it to the user that runs strongroom; work goes on by itself"
            );
        }
        format!(
            "give it to the user that runs strongroom: `sudo chown -R USER {}`; work goes on by itself",
            word(self.path.split('/').next().unwrap_or_default())
        )
    }
}

/// The shell command that sets up the drive at `root`.
fn init_command(root: &Path) -> String {
    format!("strongroom drive init {} --label NAME", shell_word(&root.to_string_lossy()))
}

fn adopt_command(root: &Path) -> String {
    format!("strongroom drive adopt {} --reason TEXT", shell_word(&root.to_string_lossy()))
}

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
