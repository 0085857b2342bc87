use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use strongroom_service::fault;

use crate::call::call;
use crate::refusal::errno;

/// A file lock of this open (flock(2)). Dropping unlocks explicitly: closing would wait for the last duplicate, such
/// as that of a spawned child before it executes.
#[derive(Debug)]
pub struct Locked(File);

impl Locked {
    /// Takes an exclusive lock; `None` where another open has a lock.
    pub fn try_exclusive(file: File) -> io::Result<Option<Self>> {
        match call(|| fault!("files.lock"), || rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Self(file))),
            Err(error) if errno(&error) == Some(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for an exclusive lock.
    pub fn exclusive(file: File) -> io::Result<Self> {
        Self::wait(file, FlockOperation::LockExclusive)
    }

    /// Waits for a shared lock.
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
        // Only a bad descriptor fails, and closing follows.
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
        let held = Locked::try_exclusive(open()).unwrap().unwrap();
        let duplicate = held.try_clone().unwrap();
        assert!(Locked::try_exclusive(open()).unwrap().is_none());
        drop(held);
        assert!(Locked::try_exclusive(open()).unwrap().is_some());
        drop(duplicate);
    }

    #[test]
    fn a_lock_is_shared_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let open = || File::options().create(true).append(true).open(dir.path().join("lock")).unwrap();
        let both = [Locked::shared(open()).unwrap(), Locked::shared(open()).unwrap()];
        assert!(Locked::try_exclusive(open()).unwrap().is_none());
        drop(both);
        Locked::exclusive(open()).unwrap();
    }
}
