//! A document root and its records, opened together.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_files::{Refusal, mounts_below};
use strongroom_model::{BookingId, Month};
use strongroom_service::{Clock, blocking};
use tokio::sync::Semaphore;

use crate::path::RelativePath;
use crate::probe::Probe;
use crate::reconcile::{Reconciled, reconcile, reconcile_again};
use crate::root::DocumentRoot;
use crate::root_id;
use crate::session::{CONTROL, EndedSessions, Session};
use crate::settings::Settings;
use crate::store::{Presence, Store, StoreError};

/// How many threads do file work at once, for each processor: enough to keep a disk's queue filled, few enough to
/// bound the threads of a burst of requests.
const FILE_THREADS_PER_CPU: usize = 4;

const MAX_NAMED_MOUNTS: usize = 10;

/// A document root and its records. Clones share them.
#[derive(Debug, Clone)]
pub struct Documents(Arc<DocumentsInner>);

#[derive(Debug)]
struct DocumentsInner {
    store: Store,
    root: DocumentRoot,
    session: Session,
    /// Dropped after the session.
    _presence: Presence,
    clock: Clock,
    settings: Settings,
    /// The database's file, if it is one, without symbolic links on the way.
    database: Option<PathBuf>,
    reconciled: Reconciled,
    file_threads: Arc<Semaphore>,
    probe: Probe,
    /// Held while archived files are moved or deleted.
    mover: tokio::sync::Mutex<()>,
    uploading: Mutex<HashSet<BookingId>>,
}

/// The document root or its records cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum OpenError {
    #[error("cannot use {path} as the document root: create the folder, and let this user write to it")]
    Root { path: PathBuf, source: std::io::Error },
    #[error(
        "cannot use {path}: a link or a foreign file is where our own folders and files belong; \
         look at it and move it away"
    )]
    Control { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the records {database} are of another document root than {path}: see that its disk is mounted, and that \
         server.documents and the server's database belong together; where the files were brought here without our \
         folder .strongroom, write {recorded} into {path}/.strongroom/root-id"
    )]
    OtherRoot { path: PathBuf, database: String, recorded: String },
    #[error("cannot tidy up what an earlier process left below the document root")]
    Reconcile(#[source] std::io::Error),
}

impl Documents {
    /// Opens a document root and its records, and finishes what a process that died left half done. A server and an
    /// import may have them open at the same time.
    pub async fn open(settings: Settings, clock: Clock) -> Result<Self, OpenError> {
        let path = settings.documents.clone();
        let failed = |source| OpenError::Root { path: settings.documents.clone(), source };
        let root = blocking(move || DocumentRoot::open(&path)).await.map_err(failed)?;
        let store = Store::open(settings.database.clone()).await?;
        // Known to the database first: whoever finds the session's folder must find it live.
        let id = Session::new_id();
        let presence = store.attend(&id).await?;
        let begun = root.clone();
        let begun = blocking(move || Session::begin(&begun, id)).await;
        let (session, ended) = begun.map_err(|source| match Refusal::of(&source) {
            Some(Refusal::Link | Refusal::NotFolder | Refusal::NotFile) => {
                OpenError::Control { path: root.path().join(CONTROL), source }
            }
            _ => failed(source),
        })?;
        log_mounts_below(&root);
        root_id::check(&store, &settings.database, &root, &session).await?;
        let reconciled = reconcile(&store, &root, &session, ended).await?;

        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self(Arc::new(DocumentsInner {
            store,
            root,
            session,
            clock,
            database: settings.database.file().map(|file| file.canonicalize().unwrap_or_else(|_| file.to_owned())),
            _presence: presence,
            settings,
            reconciled,
            file_threads: Arc::new(Semaphore::new(cpus * FILE_THREADS_PER_CPU)),
            probe: Probe::default(),
            mover: tokio::sync::Mutex::new(()),
            uploading: Mutex::default(),
        })))
    }

    /// The records.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The settings that it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What was found half done at the start, and the results.
    pub fn reconciled(&self) -> &Reconciled {
        &self.0.reconciled
    }

    /// Finishes what processes that died since left half done. Live ones are left alone.
    pub(crate) async fn reconcile_again(&self) -> Result<(), OpenError> {
        let _mover = self.moving().await;
        let (root, own) = (self.root().clone(), self.session().id().to_owned());
        let ended = blocking(move || EndedSessions::find(&root, &own)).await.map_err(OpenError::Reconcile)?;
        reconcile_again(self.store(), self.root(), self.session(), ended).await
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn root(&self) -> &DocumentRoot {
        &self.0.root
    }

    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }

    pub(crate) fn last_probe(&self) -> &Probe {
        &self.0.probe
    }

    pub(crate) fn this_month(&self) -> Month {
        Month::of(self.0.clock.now(), &self.0.settings.zone)
    }

    /// Runs file work on one of a bounded number of threads.
    pub(crate) async fn on_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DocumentRoot) -> T + Send + 'static,
    ) -> T {
        let permit = Arc::clone(&self.0.file_threads).acquire_owned().await.expect("it is never closed");
        let root = self.0.root.clone();
        let done = blocking(move || {
            let result = work(&root);
            drop(permit);
            result
        });
        done.await
    }

    /// Locks moving and deleting archived files: one request at a time.
    pub(crate) async fn moving(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.0.mover.lock().await
    }

    /// Locks a booking's upload; `None` while another upload has it.
    pub(crate) fn uploading(&self, id: &BookingId) -> Option<Uploading> {
        let mut ids = self.0.uploading.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(id.clone()).then(|| Uploading { documents: self.clone(), id: id.clone() })
    }

    /// Whether a path is ours, not a timesheet's: the control folder, `archived`, a partial copy, or the database
    /// below the root.
    pub(crate) fn is_ours(&self, path: &RelativePath) -> bool {
        let first = path.first();
        first == crate::session::CONTROL
            || first == crate::archive::ARCHIVED
            || crate::cross_device::is_part(path.name())
            || self.is_database(&self.0.root.absolute(path))
    }

    /// Whether a path without symbolic links is one of the database's files.
    pub(crate) fn is_database(&self, absolute: &Path) -> bool {
        let Some(database) = &self.0.database else { return false };
        ["", "-wal", "-shm", "-journal"].iter().any(|suffix| {
            let mut file = database.clone().into_os_string();
            file.push(suffix);
            file == absolute.as_os_str()
        })
    }
}

/// Logs which folders below the root are mounts: archiving from one to another copies, which takes longer and needs
/// the room of both.
fn log_mounts_below(root: &DocumentRoot) {
    for place in mounts_below(root.path()).into_iter().take(MAX_NAMED_MOUNTS) {
        tracing::info!(
            folder = %place.display(),
            "a disk of its own is mounted below the document root: files are copied to and from there, not renamed"
        );
    }
}

/// Locks a booking's upload until dropped.
#[derive(Debug)]
pub(crate) struct Uploading {
    documents: Documents,
    id: BookingId,
}

impl Drop for Uploading {
    fn drop(&mut self) {
        let mut ids = self.documents.0.uploading.lock().unwrap_or_else(PoisonError::into_inner);
        ids.remove(&self.id);
    }
}
