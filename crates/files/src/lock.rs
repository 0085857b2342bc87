//! Locks on files, given up the moment they are dropped.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use strongroom_service::fault;

use crate::call::call;
use crate::refusal::errno;

/// A file that is locked (flock(2)), by this open of it. The lock is given up explicitly: closing the file
/// does so only with its last duplicate, and a process that is just being started by another thread has
/// one for a moment.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Locks a file for us alone; `None` where another holds it.
    ///
    /// # Errors
    /// The call's.
    pub fn alone(file: File) -> io::Result<Option<Self>> {
        match call(|| fault!("files.lock"), || rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Self(file))),
            Err(error) if errno(&error) == Some(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Locks a file for us alone, and waits for it.
    ///
    /// # Errors
    /// The call's.
    pub fn in_turn(file: File) -> io::Result<Self> {
        Self::wait(file, FlockOperation::LockExclusive)
    }

    /// Locks a file together with others who do, and waits while one has it alone.
    ///
    /// # Errors
    /// The call's.
    pub fn shared(file: File) -> io::Result<Self> {
        Self::wait(file, FlockOperation::LockShared)
    }

    fn wait(file: File, operation: FlockOperation) -> io::Result<Self> {
        call(|| fault!("files.lock"), || rustix::fs::flock(&file, operation))?;
        Ok(Self(file))
    }
}

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl AsFd for Locked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        // It fails only for a descriptor that is none, and closing comes next.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_over_though_a_duplicate_of_its_file_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::options().create(true).append(true).open(dir.path().join("lock")).unwrap();
        let held = Locked::alone(open()).unwrap().unwrap();
        let duplicate = held.try_clone().unwrap();
        assert!(Locked::alone(open()).unwrap().is_none());
        drop(held);
        assert!(Locked::alone(open()).unwrap().is_some());
        drop(duplicate);
    }

    #[test]
    fn a_lock_is_shared_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::options().create(true).append(true).open(dir.path().join("lock")).unwrap();
        let both = [Locked::shared(open()).unwrap(), Locked::shared(open()).unwrap()];
        assert!(Locked::alone(open()).unwrap().is_none());
        drop(both);
        Locked::in_turn(open()).unwrap();
    }
}
