//! What errors of system calls mean: what is at fault, and whether it passes by itself. One table for drive and server;
//! errors outside it are reported as they are.

use std::io;

use rustix::io::Errno;

use crate::refusal::errno;

/// The operation that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opening, or reading attributes.
    Open,
    /// Creating a file or a folder.
    Create,
    /// Writing bytes.
    Write,
    /// Making bytes or names durable.
    Sync,
    /// Renaming.
    Rename,
    /// Reading bytes.
    Read,
    /// Reading a folder.
    List,
    /// Locking.
    Lock,
    /// Reading the free space.
    Space,
    /// Deleting.
    Remove,
}

impl Call {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Create,
        Self::Write,
        Self::Sync,
        Self::Rename,
        Self::Read,
        Self::List,
        Self::Lock,
        Self::Space,
        Self::Remove,
    ];
}

/// What is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A limit of this process or host.
    Host,
    /// No room, or a quota.
    Room,
    /// A read-only mount.
    ReadOnly,
    /// This user's permissions.
    Rights,
    /// The disk, or the way to it, is gone.
    Gone,
    /// The disk reports errors.
    Disk,
    /// Only this file.
    File,
    /// The file system holds no such size or name.
    Unfit,
    /// A link, folder or file is in the way.
    Taken,
    /// There is no such file.
    Missing,
    /// The file system lacks the call.
    Unsupported,
    /// Nothing: a signal interrupted the call.
    Nobody,
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What is at fault.
    pub whose: Whose,
    /// Whether it may pass by itself.
    pub passes: bool,
    /// What is wrong, for people.
    pub says: &'static str,
}

/// The meaning of an error; `None` where the table has no entry.
#[must_use]
pub fn meaning(call: Call, error: &io::Error) -> Option<Meaning> {
    meaning_of(call, errno(error)?)
}

const fn meaning_of(call: Call, errno: Errno) -> Option<Meaning> {
    let (whose, passes, says) = match errno {
        Errno::INTR => (Whose::Nobody, true, "a signal interrupted the call"),
        Errno::MFILE => (Whose::Host, true, "this process has as many files open as it may"),
        Errno::NFILE => (Whose::Host, true, "this host has as many files open as it can"),
        Errno::NOMEM => (Whose::Host, true, "this host has no memory left"),
        Errno::NOSPC => (Whose::Room, true, "there is no room left"),
        Errno::DQUOT => (Whose::Room, true, "the quota is used up"),
        Errno::ROFS => (Whose::ReadOnly, true, "it is mounted read-only"),
        Errno::ACCESS | Errno::PERM => match call {
            // One unreadable file must not stop the others.
            Call::Read => (Whose::File, false, "this user may not read it"),
            _ => (Whose::Rights, true, "this user may not do that there"),
        },
        Errno::NODEV | Errno::NXIO | Errno::NOTCONN | Errno::SHUTDOWN | Errno::HOSTDOWN => {
            (Whose::Gone, true, "the device is gone")
        }
        Errno::STALE => (Whose::Gone, true, "the network's server no longer knows it"),
        Errno::IO | Errno::UCLEAN => match call {
            // A bad sector concerns one file; a failed write or sync concerns the disk.
            Call::Read | Call::List => (Whose::File, false, "it cannot be read from the device"),
            _ => (Whose::Disk, false, "the device reports an error"),
        },
        Errno::FBIG => (Whose::Unfit, false, "the file system holds no file of this size (FAT32: up to 4 GiB)"),
        Errno::NAMETOOLONG => (Whose::Unfit, false, "the file system holds no name of this length"),
        Errno::ILSEQ => (Whose::Unfit, false, "the file system, as it is mounted, cannot hold this name's letters"),
        Errno::INVAL => match call {
            Call::Sync => (Whose::Disk, false, "the device reports an error"),
            Call::Create | Call::Rename => (Whose::Unfit, false, "the file system cannot hold this name"),
            _ => (Whose::File, false, "the file system refuses the call"),
        },
        Errno::NOSYS | Errno::OPNOTSUPP => match call {
            Call::Sync => (Whose::Disk, false, "the file system cannot make it durable"),
            _ => (Whose::Unsupported, false, "the file system has no such call"),
        },
        Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => (Whose::File, true, "somebody else is using it"),
        Errno::MLINK => (Whose::File, false, "there are too many names for it"),
        Errno::NOTEMPTY => (Whose::File, true, "something is in it"),
        Errno::NOENT => (Whose::Missing, true, "it is not there"),
        Errno::EXIST | Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::XDEV => {
            (Whose::Taken, false, "something else stands there: a link, a file, a folder or another file system")
        }
        _ => return None,
    };
    Some(Meaning { whose, passes, says })
}

#[cfg(test)]
mod tests {
    use strongroom_service::fault;

    use super::*;

    #[test]
    fn every_error_has_a_row_for_every_call() {
        for (name, errno) in fault::ERRORS {
            for call in Call::ALL {
                let error = io::Error::from_raw_os_error(errno);
                let meaning = meaning(call, &error).unwrap_or_else(|| panic!("{name} at {call:?} means nothing yet"));
                assert!(!meaning.says.is_empty(), "{name}");
            }
        }
        for needed in [
            "ENOSPC",
            "EDQUOT",
            "EIO",
            "EROFS",
            "EACCES",
            "EPERM",
            "EMFILE",
            "ENFILE",
            "EFBIG",
            "EILSEQ",
            "ENAMETOOLONG",
            "EXDEV",
            "ESTALE",
            "ENODEV",
            "ENOTCONN",
            "EINTR",
            "ETXTBSY",
            "EBUSY",
            "EINVAL",
        ] {
            assert!(fault::ERRORS.iter().any(|(name, _)| *name == needed), "{needed} is not among them");
        }
    }

    #[test]
    fn what_follows_one_file_is_told_from_what_stops_all() {
        let whose = |call, errno| meaning_of(call, errno).unwrap().whose;
        assert_eq!(whose(Call::Read, Errno::IO), Whose::File);
        assert_eq!(whose(Call::Write, Errno::IO), Whose::Disk);
        assert_eq!(whose(Call::Open, Errno::MFILE), Whose::Host);
        assert_eq!(whose(Call::Write, Errno::FBIG), Whose::Unfit);
        assert_eq!(whose(Call::Rename, Errno::ILSEQ), Whose::Unfit);
        assert_eq!(meaning_of(Call::Open, Errno::CONNRESET), None);
        assert_eq!(meaning(Call::Open, &io::Error::other("x")), None);
    }
}
