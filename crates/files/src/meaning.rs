//! What system calls' errors mean, for drive and server; others are reported as they are.

use std::io;

use rustix::io::Errno;

use crate::refusal::errno;

/// The refused operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Opening, or reading attributes.
    Open,
    /// Creating.
    Create,
    /// Writing bytes.
    Write,
    /// Syncing.
    Sync,
    /// Renaming.
    Rename,
    /// Reading bytes.
    Read,
    /// Listing a folder.
    List,
    /// Locking.
    Lock,
    /// Free space.
    Space,
    /// Deleting.
    Remove,
}

impl Call {
    /// Every operation.
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
pub enum ErrorClass {
    /// A limit of process or host.
    Host,
    /// No room, or a quota.
    Room,
    /// A read-only mount.
    ReadOnly,
    /// Permissions.
    Rights,
    /// The disk is gone.
    Gone,
    /// The disk reports errors.
    Disk,
    /// Only this file.
    File,
    /// The file system cannot hold this size or name.
    Unfit,
    /// Something else is there.
    Taken,
    /// No such file.
    Missing,
    /// The call is not supported.
    Unsupported,
    /// A signal: nothing is wrong.
    Nobody,
}

/// An error's meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// What is at fault.
    pub class: ErrorClass,
    /// What is wrong, for people.
    pub message: &'static str,
}

/// An error's meaning; `None` for errors outside the table.
pub fn meaning(call: Call, error: &io::Error) -> Option<Meaning> {
    meaning_of(call, errno(error)?)
}

const fn meaning_of(call: Call, errno: Errno) -> Option<Meaning> {
    let (class, message) = match errno {
        Errno::INTR => (ErrorClass::Nobody, "a signal interrupted the call"),
        Errno::MFILE => (ErrorClass::Host, "this process has as many files open as it may"),
        Errno::NFILE => (ErrorClass::Host, "this host has as many files open as it can"),
        Errno::NOMEM => (ErrorClass::Host, "this host has no memory left"),
        Errno::NOSPC => (ErrorClass::Room, "there is no room left"),
        Errno::DQUOT => (ErrorClass::Room, "the quota is used up"),
        Errno::ROFS => (ErrorClass::ReadOnly, "it is mounted read-only"),
        Errno::ACCESS | Errno::PERM => match call {
            // One unreadable file must not stop the others.
            Call::Read => (ErrorClass::File, "this user may not read it"),
            _ => (ErrorClass::Rights, "this user may not do that there"),
        },
        Errno::NODEV | Errno::NXIO | Errno::NOTCONN | Errno::SHUTDOWN | Errno::HOSTDOWN => {
            (ErrorClass::Gone, "the device is gone")
        }
        Errno::STALE => (ErrorClass::Gone, "the network's server no longer knows it"),
        Errno::IO | Errno::UCLEAN => match call {
            // A bad sector concerns one file; a failed write or sync concerns the disk.
            Call::Read | Call::List => (ErrorClass::File, "it cannot be read from the device"),
            _ => (ErrorClass::Disk, "the device reports an error"),
        },
        Errno::FBIG => (ErrorClass::Unfit, "the file system holds no file of this size (FAT32: up to 4 GiB)"),
        Errno::NAMETOOLONG => (ErrorClass::Unfit, "the file system holds no name of this length"),
        Errno::ILSEQ => (ErrorClass::Unfit, "the file system, as it is mounted, cannot hold this name's letters"),
        Errno::INVAL => match call {
            Call::Sync => (ErrorClass::Disk, "the device reports an error"),
            Call::Create | Call::Rename => (ErrorClass::Unfit, "the file system cannot hold this name"),
            _ => (ErrorClass::File, "the file system refuses the call"),
        },
        Errno::NOSYS | Errno::OPNOTSUPP => match call {
            Call::Sync => (ErrorClass::Disk, "the file system cannot make it durable"),
            _ => (ErrorClass::Unsupported, "the file system has no such call"),
        },
        Errno::BUSY | Errno::TXTBSY | Errno::AGAIN => (ErrorClass::File, "somebody else is using it"),
        Errno::MLINK => (ErrorClass::File, "there are too many names for it"),
        Errno::NOTEMPTY => (ErrorClass::File, "something is in it"),
        Errno::NOENT => (ErrorClass::Missing, "it is not there"),
        Errno::EXIST | Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::XDEV => {
            (ErrorClass::Taken, "something else stands there: a link, a file, a folder or another file system")
        }
        _ => return None,
    };
    Some(Meaning { class, message })
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
                assert!(!meaning.message.is_empty(), "{name}");
            }
        }
        let needed = "ENOSPC EDQUOT EIO EROFS EACCES EPERM EMFILE ENFILE EFBIG EILSEQ ENAMETOOLONG EXDEV ESTALE ENODEV ENOTCONN \
                      EINTR ETXTBSY EBUSY EINVAL";
        for needed in needed.split(' ') {
            assert!(fault::ERRORS.iter().any(|(name, _)| *name == needed), "{needed} is not among them");
        }
    }

    #[test]
    fn what_follows_one_file_is_told_from_what_stops_all() {
        let class = |call, errno| meaning_of(call, errno).unwrap().class;
        assert_eq!(class(Call::Read, Errno::IO), ErrorClass::File);
        assert_eq!(class(Call::Write, Errno::IO), ErrorClass::Disk);
        assert_eq!(class(Call::Open, Errno::MFILE), ErrorClass::Host);
        assert_eq!(class(Call::Write, Errno::FBIG), ErrorClass::Unfit);
        assert_eq!(class(Call::Rename, Errno::ILSEQ), ErrorClass::Unfit);
        assert_eq!(meaning_of(Call::Open, Errno::CONNRESET), None);
        assert_eq!(meaning(Call::Open, &io::Error::other("x")), None);
    }
}
