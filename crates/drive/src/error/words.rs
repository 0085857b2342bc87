use std::path::Path;

use strongroom_files::Refusal;
use strongroom_model::ByteCount;

use super::{Action, DriveError, Kind};
use crate::identity;

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
    /// One sentence on what is wrong.
    #[must_use]
    pub fn what(&self) -> String {
        let (root, path) = (self.root.display(), &self.path);
        // Without a refusal the sentence contains neither.
        let (do_it, source) = match &self.refused {
            Some((action, source)) => (action.words(), source.to_string()),
            None => ("use", String::new()),
        };
        match &self.kind {
            Kind::Missing => format!("there is no drive at {root}: {source}"),
            Kind::NotMounted => format!("no drive is mounted at {root}: the folder is empty"),
            Kind::Unmounted => {
                format!("the drive at {root} was unmounted or swapped while in use")
            }
            Kind::NotSetUp => format!("the drive at {root} was never set up for Strongroom"),
            Kind::InMemory => {
                format!("what is mounted at {root} is in memory (a RAM disk), and no drive")
            }
            Kind::OtherDrive { expected, found } => {
                format!("the drive at {root} is {found}, and not {expected}, which is expected there")
            }
            Kind::Copied(identity) => {
                format!("the drive at {root} carries the identity of {identity}, but is only a copy of it")
            }
            Kind::Cloned(identity, detail) => format!(
                "what is mounted at {root} has the identity of {identity}, but {detail}: it is a clone or an older image of \
                 that drive, or it lost what was written to it"
            ),
            Kind::Unrecorded(reason) => format!("that the drive at {root} is used could not be recorded: {reason}"),
            Kind::IdentityLost => format!("the drive at {root} was in use, but its identity is not there any more"),
            Kind::BadIdentity(reason) => format!("the drive at {root} has an identity that cannot be read: {reason}"),
            Kind::Linked => format!(
                "{path} on the drive at {root} is not a plain folder, but a symbolic link, a file or another file system"
            ),
            Kind::ReadOnly if self.refused.is_none() => format!("the drive at {root} is read-only"),
            Kind::ReadOnly if path.is_empty() => format!("the drive at {root} cannot be written to: {source}"),
            Kind::ReadOnly => format!("{path} on the drive at {root} cannot be used by this user: {source}"),
            Kind::HostLimit => format!("a limit of this host is reached: cannot {do_it} {path}: {source}"),
            Kind::FullOfFiles { left, reserve } => format!(
                "the drive at {root} has room, but can hold only {left} more files (inodes), and {reserve} are kept in reserve"
            ),
            Kind::Full { free, reserve, needed: ByteCount(0) } => {
                format!("the drive at {root} has {free} free, less than the reserve of {reserve}")
            }
            Kind::Full { free, reserve, needed } => {
                format!("the drive at {root} has {free} free: {needed} would leave less than the reserve of {reserve}")
            }
            Kind::NoRoom => format!("the drive at {root} has no room for {path}: {source}"),
            Kind::Failing => format!("the drive at {root} failed to {do_it} {path}: {source}"),
            Kind::BadManifest(reason) => format!("{path} on the drive at {root} cannot be read: {reason}"),
            Kind::Busy => format!("another worker is writing {path}"),
            Kind::TooLong(size) => format!("more bytes came for {path} than the {} announced", size.0),
            Kind::CopyMissing => format!("{path} is not on the drive"),
            Kind::NotPlain => format!("what stands at {path} on the drive is not a plain file or folder"),
            Kind::Proven => format!("a proven copy of other content stands at {path} on the drive"),
            Kind::BadPath => format!("{path:?} is not a path on a drive"),
            Kind::Unfit(reason) => format!("{path} cannot be on this drive: {reason} ({source})"),
            Kind::Io => format!("cannot {do_it} {path} on the drive: {source}"),
        }
    }

    /// What a person should do.
    #[must_use]
    pub fn next_step(&self) -> String {
        let (root, shown) = (self.root.as_path(), self.root.display());
        match &self.kind {
            // No `init` command here: run while the drive is missing, it would set up a folder of the system's disk.
            Kind::Missing | Kind::Unmounted | Kind::NotMounted => {
                format!("plug the drive in and mount it at {shown}; work goes on by itself")
            }
            Kind::InMemory => format!("mount the drive at {shown}; work goes on by itself"),
            Kind::NotSetUp => format!("set it up: `{}`", init_command(root)),
            Kind::OtherDrive { expected, .. } => {
                format!("mount {expected} there, or set `drive.id` in the configuration to the one that is there")
            }
            Kind::Copied(_) => format!(
                "remove {} and give this drive an identity of its own: `{}`",
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            Kind::Cloned(..) => format!(
                "mount the drive that was used last; or, if this is the one to go on with, `{}`; to make this one a drive of its \
                 own, remove {} and set it up: `{}`",
                adopt_command(root),
                root.join(identity::PATH).display(),
                init_command(root)
            ),
            Kind::Unrecorded(_) => {
                "`strongroom doctor` looks at the log and what is around it; work goes on by itself".to_owned()
            }
            Kind::IdentityLost => format!(
                "have it written back from the log: `{}`; or, to make it another drive, `{}`",
                restore_command(root),
                init_command(root)
            ),
            Kind::BadIdentity(_) => format!("have it written back from the log: `{}`", restore_command(root)),
            Kind::Linked => {
                format!("find out who changed it, then put a plain folder back at {}", root.join(&self.path).display())
            }
            Kind::ReadOnly if self.path.is_empty() => format!(
                "check the drive's switch, `dmesg`, the owner of {shown} and, for a service, that `ReadWritePaths=` in its unit \
                 names {shown}; then mount it for writing"
            ),
            Kind::ReadOnly => self.step_of_rights(),
            Kind::HostLimit => {
                "raise the limit of open files (`ulimit -n`, `LimitNOFILE=` in the unit), or lower `fetch.concurrency` and \
                 `fetch.batch`; work goes on by itself"
                    .to_owned()
            }
            Kind::FullOfFiles { .. } => {
                "delete small files that are not needed, or mount another drive that is set up; work goes on by itself"
                    .to_owned()
            }
            Kind::Full { .. } | Kind::NoRoom => {
                "make room on it, or mount another drive that is set up; work goes on by itself".to_owned()
            }
            Kind::Failing => {
                "check the drive and its cable (`smartctl -a`, `dmesg`); replace it if this happens again".to_owned()
            }
            Kind::BadManifest(_) => "start strongroom again: it writes the manifest anew from its log".to_owned(),
            Kind::Busy => "nothing: the other worker finishes it".to_owned(),
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
#[must_use]
pub fn init_command(root: &Path) -> String {
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
