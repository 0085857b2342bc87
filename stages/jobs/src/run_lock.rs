//! One operation of a job at a time on its host, and the trace of one that was interrupted.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;

use strongroom_model::JobRunId;
use strongroom_service::{private_files, private_folders};

/// A run's id, and some room.
const MAX_BYTES: u64 = 256;

/// The right to do a job's work, until it is dropped or the process ends: the operating system keeps the lock.
#[derive(Debug)]
pub(crate) struct JobLock(File);

/// What was found when the lock was tried.
#[derive(Debug)]
pub(crate) enum Tried {
    /// Nobody is at work.
    Free(JobLock),
    /// A process was at work on this run, and ended in the middle.
    Interrupted(JobLock),
    /// Another process is at work.
    Held,
}

impl JobLock {
    /// Tries the lock without waiting; makes its file and folders.
    pub(crate) fn attempt(path: &Path, run: JobRunId) -> io::Result<Tried> {
        if let Some(folder) = path.parent() {
            private_folders().create(folder)?;
        }
        let mut file = private_files().create(true).truncate(false).read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Tried::Held),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut text = String::new();
        // What cannot be read as text is the trace of no run.
        let _ = (&mut file).take(MAX_BYTES).read_to_string(&mut text);
        let was_at_work = text.trim() == run.to_string();
        let lock = Self(file);
        Ok(if was_at_work { Tried::Interrupted(lock) } else { Tried::Free(lock) })
    }

    /// Leaves a trace of the run until [`JobLock::ended`]. If we stop in between, the next attempt finds it.
    pub(crate) fn begin(&mut self, run: JobRunId) -> io::Result<()> {
        self.ended()?;
        self.0.rewind()?;
        self.0.write_all(run.to_string().as_bytes())?;
        self.0.sync_data()
    }

    /// Takes the trace away.
    pub(crate) fn ended(&mut self) -> io::Result<()> {
        self.0.set_len(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_was_interrupted_leaves_a_trace_and_one_that_ended_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("jobs/a/run.lock");
        let [run, other] = [1, 2].map(|n| format!("00000000-0000-7000-8000-{n:012}").parse::<JobRunId>().unwrap());
        let Tried::Free(mut lock) = JobLock::attempt(&path, run).unwrap() else { panic!("nobody was at work") };
        lock.begin(run).unwrap();
        assert!(matches!(JobLock::attempt(&path, run).unwrap(), Tried::Held));
        drop(lock);
        assert!(matches!(JobLock::attempt(&path, other).unwrap(), Tried::Free(_)), "that was another run");
        let Tried::Interrupted(mut lock) = JobLock::attempt(&path, run).unwrap() else { panic!("it was interrupted") };
        lock.ended().unwrap();
        drop(lock);
        assert!(matches!(JobLock::attempt(&path, run).unwrap(), Tried::Free(_)));
    }
}
