//! Sessions: which processes work on the document root, and which have died.
//!
//! Each process that changes files has a folder `.strongroom/sessions/<uuid>/` for its temporary files, with a file
//! in it that it keeps locked. The kernel releases the lock however the process ends. So a session whose lock can be
//! taken is over, and anyone may tidy what it left; a live import beside a live server is left alone. With Postgres,
//! the database is asked as well: see `store/presence.rs`.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use strongroom_files::within::{create_in, folder_in, make_in, names_in, stat_in};
use strongroom_files::{Creation, Folder, Locked};
use uuid::Uuid;

use crate::path::RelativePath;
use crate::root::DocumentRoot;

/// The folder below the document root that is ours: no file in it is a timesheet.
pub(crate) const CONTROL: &str = ".strongroom";
const SESSIONS: &str = ".strongroom/sessions";
const LOCK: &str = "lock";
const START_LOCK: &str = "start.lock";
/// Temporary files are named `<number>.part`.
const PART: &str = ".part";
/// Only the server's user needs them.
const LOCK_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o750;

/// Clones share it; the last drop deletes the folder.
#[derive(Debug, Clone)]
pub(crate) struct Session(Arc<SessionInner>);

#[derive(Debug)]
struct SessionInner {
    id: String,
    root: DocumentRoot,
    next_temporary: AtomicU64,
    _lock: Locked,
}

/// The sessions that ended without tidying up, and the lock under which nobody else tidies.
#[derive(Debug)]
pub(crate) struct EndedSessions {
    root: DocumentRoot,
    over: Vec<(String, Locked)>,
    live: Vec<String>,
    _start: Locked,
}

impl Session {
    pub(crate) fn new_id() -> String {
        Uuid::new_v4().to_string()
    }

    /// Begins a session, and finds those that are over. Blocks while another process does the same.
    pub(crate) fn begin(root: &DocumentRoot, id: String) -> io::Result<(Self, EndedSessions)> {
        let sessions = root.beneath().make_folder(SESSIONS)?.folder;
        let ended = EndedSessions::find(root, &id)?;
        make_in(&sessions, &id, FOLDER_MODE)?;
        let lock = create_in(folder_in(&sessions, &id)?, LOCK, Creation::New, LOCK_MODE)?;
        let lock = Locked::exclusive(lock)?;
        let inner = SessionInner { id, root: root.clone(), next_temporary: AtomicU64::new(0), _lock: lock };
        Ok((Self(Arc::new(inner)), ended))
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    /// On the same file system as the documents.
    pub(crate) fn temporary(&self) -> RelativePath {
        let number = self.0.next_temporary.fetch_add(1, Ordering::Relaxed);
        RelativePath::new(format!("{SESSIONS}/{}/{number}{PART}", self.0.id)).expect("its parts are plain names")
    }
}

impl Drop for SessionInner {
    fn drop(&mut self) {
        // If it cannot be deleted now, the next start finds it.
        let _ = remove(&self.root, &self.id);
    }
}

impl EndedSessions {
    /// Checks every session except `own`. Blocks while another process does the same.
    pub(crate) fn find(root: &DocumentRoot, own: &str) -> io::Result<Self> {
        let control = root.beneath().folder(CONTROL)?;
        let start = Locked::exclusive(create_in(&control, START_LOCK, Creation::OrOpen, LOCK_MODE)?)?;
        let mut ended = Self { root: root.clone(), over: Vec::new(), live: Vec::new(), _start: start };
        let sessions = root.beneath().folder(SESSIONS)?;
        for name in names_in(&sessions)? {
            if name == own {
                continue;
            }
            let Some((name, folder)) = session(&sessions, &name)? else { continue };
            // Only locked. A folder without a lock file was being made when its process died.
            let lock = match create_in(&folder, LOCK, Creation::OrOpen, LOCK_MODE) {
                Ok(lock) => lock,
                // It ended in the meantime.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    tracing::warn!(session = name, %error, "the lock of a session is not a plain file; it is left alone");
                    continue;
                }
            };
            match Locked::try_exclusive(lock)? {
                Some(lock) => ended.over.push((name, lock)),
                None => ended.live.push(name),
            }
        }
        Ok(ended)
    }

    pub(crate) fn live(&self) -> &[String] {
        &self.live
    }

    /// Those whose lock below the document root is free.
    pub(crate) fn ids(&self) -> impl Iterator<Item = String> {
        self.over.iter().map(|(id, _)| id.clone())
    }

    /// Deletes what those that are `over` left. Only after their intents are settled, which may name a temporary
    /// file.
    pub(crate) fn tidy(self, over: &[String]) -> io::Result<()> {
        for (id, lock) in self.over {
            if over.contains(&id) {
                match remove(&self.root, &id) {
                    Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => tracing::warn!(
                        folder = %PathBuf::from(SESSIONS).join(&id).display(),
                        "not all of it is ours: it is left alone; look at it and delete it"
                    ),
                    removed => drop(removed?),
                }
            }
            drop(lock);
        }
        Ok(())
    }
}

/// A session's folder and name, if it is a real folder with a name of ours.
fn session(sessions: &Folder, name: &OsStr) -> io::Result<Option<(String, Folder)>> {
    let id = name.to_str().filter(|name| Uuid::parse_str(name).is_ok_and(|id| id.to_string() == **name));
    let is_real = stat_in(sessions, name)?.is_some_and(|stat| stat.is_folder());
    let Some(id) = id.filter(|_| is_real) else {
        tracing::warn!(?name, "something in .strongroom/sessions is not ours; it is left alone");
        return Ok(None);
    };
    match folder_in(sessions, name) {
        Ok(folder) => Ok(Some((id.to_owned(), folder))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes a session's folder, if it holds only our own files.
fn remove(root: &DocumentRoot, id: &str) -> io::Result<bool> {
    root.beneath().remove_folder_of(format!("{SESSIONS}/{id}"), is_ours)
}

fn is_ours(name: &OsStr) -> bool {
    let number = name.to_str().and_then(|name| name.strip_suffix(PART));
    name == LOCK || number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const DEAD: &str = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11";

    fn root() -> (tempfile::TempDir, DocumentRoot) {
        let dir = tempfile::tempdir().unwrap();
        let root = DocumentRoot::open(dir.path()).unwrap();
        (dir, root)
    }

    /// A folder elsewhere, with files that are nobody's business.
    fn elsewhere() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["lock", "0.part", "timesheet.pdf"] {
            fs::write(dir.path().join(name), "precious").unwrap();
        }
        dir
    }

    fn is_untouched(elsewhere: &tempfile::TempDir) {
        for name in ["lock", "0.part", "timesheet.pdf"] {
            assert_eq!(fs::read_to_string(elsewhere.path().join(name)).unwrap(), "precious", "{name}");
        }
    }

    fn tidy(root: &DocumentRoot) {
        let (_session, ended) = Session::begin(root, Session::new_id()).unwrap();
        let over: Vec<String> = ended.ids().collect();
        ended.tidy(&over).unwrap();
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
        assert!(dir.path().join(SESSIONS).join(first.id()).join("0.part").exists());
    }

    #[test]
    fn what_a_dead_session_left_is_tidied() {
        let (dir, root) = root();
        let left = dir.path().join(SESSIONS).join(DEAD);
        fs::create_dir_all(&left).unwrap();
        fs::write(left.join("0.part"), "half").unwrap();
        let (session, ended) = Session::begin(&root, Session::new_id()).unwrap();
        assert!(ended.live().is_empty());
        let over: Vec<String> = ended.ids().collect();
        assert_eq!(over, [DEAD]);
        ended.tidy(&over).unwrap();
        assert!(!left.exists());
        drop(session);
        assert_eq!(fs::read_dir(dir.path().join(SESSIONS)).unwrap().count(), 0);
    }

    #[test]
    fn two_temporary_files_have_two_names() {
        let (_dir, root) = root();
        let (session, _ended) = Session::begin(&root, Session::new_id()).unwrap();
        assert_ne!(session.temporary(), session.temporary());
    }

    #[test]
    fn r9_a_link_in_place_of_our_folders_and_locks_is_refused() {
        for place in [CONTROL, SESSIONS, ".strongroom/start.lock"] {
            let (dir, root) = root();
            let outside = elsewhere();
            let place = dir.path().join(place);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            let to =
                if place.ends_with("start.lock") { outside.path().join("lock") } else { outside.path().to_owned() };
            symlink(to, &place).unwrap();
            assert!(Session::begin(&root, Session::new_id()).is_err(), "{place:?}");
            is_untouched(&outside);
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 3);
        }
    }

    #[test]
    fn r9_a_link_in_place_of_a_session_or_its_lock_is_left_alone() {
        let (dir, root) = root();
        let outside = elsewhere();
        let sessions = dir.path().join(SESSIONS);
        fs::create_dir_all(sessions.join("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a12")).unwrap();
        symlink(outside.path(), sessions.join(DEAD)).unwrap();
        let lock = sessions.join("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a12/lock");
        symlink(outside.path().join("lock"), &lock).unwrap();
        tidy(&root);
        is_untouched(&outside);
        assert!(sessions.join(DEAD).exists() && lock.exists());
    }

    #[test]
    fn r9_a_folder_that_holds_more_than_our_files_is_left_alone() {
        let (dir, root) = root();
        let outside = elsewhere();
        let sessions = dir.path().join(SESSIONS);
        for (number, name) in ["timesheet.pdf", "x.part", "folder", "link", "pipe", "1.part"].into_iter().enumerate() {
            let folder = sessions.join(format!("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a{number:02}"));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("0.part"), "half").unwrap();
            match name {
                "folder" => fs::create_dir(folder.join("2.part")).unwrap(),
                "link" => symlink(outside.path().join("0.part"), folder.join("2.part")).unwrap(),
                "pipe" => {
                    assert!(
                        std::process::Command::new("mkfifo").arg(folder.join("2.part")).status().unwrap().success()
                    );
                }
                name => fs::write(folder.join(name), "x").unwrap(),
            }
        }
        fs::create_dir(sessions.join("not-a-session")).unwrap();
        tidy(&root);
        is_untouched(&outside);
        let mut left: Vec<_> = fs::read_dir(&sessions).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left.len(), 6, "only the last was ours alone: {left:?}");
        assert!(sessions.join("0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a00/0.part").exists());
    }

    #[test]
    fn r9_another_name_of_a_file_elsewhere_is_deleted_and_the_file_stays() {
        let (dir, root) = root();
        let outside = elsewhere();
        let left = dir.path().join(SESSIONS).join(DEAD);
        fs::create_dir_all(&left).unwrap();
        fs::hard_link(outside.path().join("lock"), left.join("lock")).unwrap();
        fs::hard_link(outside.path().join("0.part"), left.join("0.part")).unwrap();
        tidy(&root);
        assert!(!left.exists());
        is_untouched(&outside);
    }
}
