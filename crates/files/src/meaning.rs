//! What the operating system's refusals mean: whose fault each is, and whether it passes. One table for the drive and
//! the document server; an error that is not in it is nobody's, and is told as it stands.

use std::io;

use rustix::io::Errno;

use crate::refusal::errno;

/// What was being done to a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opening what is there, or looking at it.
    Open,
    /// Creating a file or a folder.
    Create,
    /// Writing bytes.
    Write,
    /// Making bytes or names durable.
    Sync,
    /// Giving another name.
    Rename,
    /// Reading bytes.
    Read,
    /// Reading a folder.
    List,
    /// Locking a file.
    Lock,
    /// Asking for the room that there is.
    Space,
    /// Taking a file or a folder away.
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

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A limit of this process or this host: no file's and no disk's.
    Host,
    /// There is no room, or a quota is used up.
    Room,
    /// The disk is mounted read-only.
    ReadOnly,
    /// This user may not do it.
    Rights,
    /// The disk, or the way to it, has gone.
    Gone,
    /// The disk reports errors.
    Disk,
    /// This file's alone.
    File,
    /// The file system cannot hold a file of this size or this name.
    Unfit,
    /// Something else stands in the way: a link, a folder, a file.
    Taken,
    /// There is no such file.
    Missing,
    /// The file system has no such call.
    Unsupported,
    /// A signal came in between: the call is made again.
    Nobody,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Whose fault it is.
    pub whose: Whose,
    /// Whether it can pass by itself, so that waiting helps.
    pub passes: bool,
    /// What is the matter, in words for people.
    pub says: &'static str,
}

/// What that refusal of that call means; `None` for one that no call on a file is known to give.
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
            // One file that cannot be read stops no other.
            Call::Read => (Whose::File, false, "this user may not read it"),
            _ => (Whose::Rights, true, "this user may not do that there"),
        },
        Errno::NODEV | Errno::NXIO | Errno::NOTCONN | Errno::SHUTDOWN | Errno::HOSTDOWN => {
            (Whose::Gone, true, "the device is gone")
        }
        Errno::STALE => (Whose::Gone, true, "the network's server no longer knows it"),
        Errno::IO | Errno::UCLEAN => match call {
            // One bad sector is one file's; a write or a sync that fails is not.
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
