//! Sessions: who is at work on the document root, and who has died at it.
//!
//! Each process that changes files has a folder `.strongroom/sessions/<uuid>/` for its
//! temporary files, with a file in it that it keeps locked. The kernel gives the lock back
//! when the process ends, however it ends: so a session whose lock can be taken is over, and
//! what it left may be tidied by whoever finds it, while a live import beside a live server
//! is left alone. (Where the records are in Postgres, the database is asked as well: see
//! `store/presence.rs`.)

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::path::RelativePath;
use crate::root::DocumentRoot;

/// The folder below the document root that is ours: no file in it is a timesheet.
pub(crate) const CONTROL: &str = ".strongroom";
const SESSIONS: &str = "sessions";
const LOCK: &str = "lock";

/// A process's place below the document root. Clones share it; the last one to go takes the
/// folder with it.
#[derive(Debug, Clone)]
pub(crate) struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: String,
    folder: PathBuf,
    next_temporary: AtomicU64,
    // Held, not read: the lock lasts as long as the file is open.
    _lock: File,
}

/// The sessions that ended without tidying up, and the lock under which nobody else tidies.
#[derive(Debug)]
pub(crate) struct Ended {
    folders: Vec<(PathBuf, File)>,
    live: Vec<String>,
    _start: File,
}

impl Session {
    /// A name that no other session has.
    pub(crate) fn new_id() -> String {
        Uuid::new_v4().to_string()
    }

    /// Begins a session, and finds those that are over. Blocks while another process does
    /// the same.
    pub(crate) fn begin(root: &DocumentRoot, id: String) -> io::Result<(Self, Ended)> {
        let control = RelativePath::new(CONTROL).expect("it is a plain name");
        // Refuses a symbolic link in the folder's place.
        root.create_folders(&control)?;
        let sessions = root.path().join(CONTROL).join(SESSIONS);
        fs::create_dir_all(&sessions)?;

        let ended = Ended::find(root, &id)?;
        let folder = sessions.join(&id);
        fs::create_dir(&folder)?;
        let lock = File::create(folder.join(LOCK))?;
        lock.lock()?;
        let inner = Inner { id, folder, next_temporary: AtomicU64::new(0), _lock: lock };
        Ok((Self(Arc::new(inner)), ended))
    }

    /// Its name in the records.
    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// A name for a temporary file, on the same file system as the documents.
    pub(crate) fn temporary(&self) -> RelativePath {
        let number = self.0.next_temporary.fetch_add(1, Ordering::Relaxed);
        RelativePath::new(format!("{CONTROL}/sessions/{}/{number}.part", self.0.id)).expect("its parts are plain names")
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // What cannot be deleted now is found by the next start.
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Ended {
    /// Looks at every session but one's own. Blocks while another process does the same.
    pub(crate) fn find(root: &DocumentRoot, own: &str) -> io::Result<Self> {
        let control = root.path().join(CONTROL);
        let start = File::create(control.join("start.lock"))?;
        start.lock()?;
        let mut ended = Self { folders: Vec::new(), live: Vec::new(), _start: start };
        for entry in fs::read_dir(control.join(SESSIONS))? {
            let entry = entry?;
            if entry.file_name() == own {
                continue;
            }
            // Not truncated, not followed into another process's business: only locked. A
            // folder without its lock is one that was being made when its process died.
            let lock = match File::options().create(true).append(true).open(entry.path().join(LOCK)) {
                Ok(lock) => lock,
                // It ended while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            match lock.try_lock() {
                Ok(()) => ended.folders.push((entry.path(), lock)),
                Err(TryLockError::WouldBlock) => ended.live.push(entry.file_name().to_string_lossy().into_owned()),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(ended)
    }

    /// The sessions that are still at work.
    pub(crate) fn live(&self) -> &[String] {
        &self.live
    }

    /// Those whose lock below the document root is free.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.folders.iter().filter_map(|(folder, _)| Some(folder.file_name()?.to_string_lossy().into_owned()))
    }

    /// Deletes what those that are `over` left: after their intents were settled, since those
    /// may name a temporary file.
    pub(crate) fn tidy(self, over: &[String]) -> io::Result<()> {
        for (folder, lock) in self.folders {
            if over.iter().any(|id| folder.ends_with(id)) {
                fs::remove_dir_all(&folder)?;
            }
            drop(lock);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> (tempfile::TempDir, DocumentRoot) {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        (dir, root)
    }

    #[test]
    fn a_live_session_is_left_alone() {
        let (dir, root) = root();
        let (first, ended) = Session::begin(&root, Session::new_id()).unwrap();
        drop(ended);
        root.create_file(&first.temporary()).unwrap();
        let (_second, ended) = Session::begin(&root, Session::new_id()).unwrap();
        assert_eq!(ended.live(), [first.id().to_owned()]);
        let over: Vec<String> = ended.ids().collect();
        ended.tidy(&over).unwrap();
        assert!(dir.path().join(CONTROL).join("sessions").join(first.id()).join("0.part").exists());
    }

    #[test]
    fn what_a_dead_session_left_is_tidied() {
        let (dir, root) = root();
        let left = dir.path().join(CONTROL).join("sessions").join("dead");
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("0.part"), "half").unwrap();
        let (session, ended) = Session::begin(&root, Session::new_id()).unwrap();
        assert!(ended.live().is_empty());
        let over: Vec<String> = ended.ids().collect();
        assert_eq!(over, ["dead"]);
        ended.tidy(&over).unwrap();
        assert!(!left.exists());
        drop(session);
        assert_eq!(fs::read_dir(dir.path().join(CONTROL).join("sessions")).unwrap().count(), 0);
    }

    #[test]
    fn two_temporary_files_have_two_names() {
        let (_dir, root) = root();
        let (session, _ended) = Session::begin(&root, Session::new_id()).unwrap();
        assert_ne!(session.temporary(), session.temporary());
    }

    #[test]
    fn r9_a_link_in_place_of_our_folder_is_refused() {
        let (dir, root) = root();
        let outside = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join(CONTROL)).unwrap();
        assert!(Session::begin(&root, Session::new_id()).is_err());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }
}
