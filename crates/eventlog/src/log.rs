//! The one type that callers see, whatever database holds the log.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;
use strongroom_model::text::with_causes;
use strongroom_model::{
    NewEvent, Partition, Position, Recorded, SiteId, StageName, Status, StreamName, SubjectKind, Version,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::appender::{Appender, Writer};
use crate::backlog::StageBacklog;
use crate::error::{AppendError, LogError, OpenError, Unwritable};
use crate::merkle::Hash;
use crate::postgres::PostgresLog;
use crate::reading::MAX_READ;
use crate::signs::Kept;
use crate::sqlite::SqliteLog;
use crate::stored::{Head, Stored};
use crate::stream_head::StreamHead;
use crate::tail;
use crate::unreadable::Unreadable;
use crate::verify::Verification;

/// How long a waiting reader goes without looking: the safety net beneath the wake-up,
/// and how late it sees what other processes append to a SQLite file.
pub const POLL: Duration = Duration::from_millis(250);

/// A site's event log. Clones share it; it may be used from many tasks at once.
///
/// Any future of it may be dropped at any time. An append that was handed over is still
/// carried out; nothing else has an effect.
#[derive(Debug, Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    site: SiteId,
    backend: Backend,
    /// Absent where the log was opened for reading only.
    appender: Option<Appender>,
    /// The size after the last commit that this process knows of, 0 before its first.
    appended: watch::Sender<u64>,
    unreadable: Unreadable,
}

impl Inner {
    fn new(site: &SiteId, backend: Backend, appender: Option<Appender>, appended: watch::Sender<u64>) -> Arc<Self> {
        Arc::new(Self { site: site.clone(), backend, appender, appended, unreadable: Unreadable::default() })
    }
}

#[derive(Debug)]
enum Backend {
    Sqlite(SqliteLog),
    Postgres(PostgresLog),
}

/// Whose work: a stage's, or that part of it which is bound to one partition.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The stage.
    pub stage: StageName,
    /// The partition; `None`: all of it, bound or not.
    pub partition: Option<&'a Partition>,
}

impl From<StageName> for Work<'_> {
    fn from(stage: StageName) -> Self {
        Self { stage, partition: None }
    }
}

/// Hands a call to whichever database holds the log.
macro_rules! backend {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &$self.inner.backend {
            Backend::Sqlite(log) => log.$method($($argument),*).await,
            Backend::Postgres(log) => log.$method($($argument),*).await,
        }
    };
}

/// Opening and closing.
impl EventLog {
    /// Opens the log of `site` in a SQLite file, made where there is none. Several
    /// processes on one host may have it open and append; on a network file system they
    /// may not.
    ///
    /// # Errors
    /// The file is something else, another site's log or a newer version's, or the
    /// database cannot be set up. Nothing was changed then.
    pub async fn open_sqlite(path: &Path, site: &SiteId) -> Result<Self, OpenError> {
        let (log, writer) = SqliteLog::open(path, site).await?;
        let appended = watch::Sender::new(0);
        let appender = Appender::start(site.clone(), Writer::Sqlite(writer), vec![appended.clone()]);
        Ok(Self { inner: Inner::new(site, Backend::Sqlite(log), Some(appender), appended) })
    }

    /// Opens the log of `site` in a SQLite file for reading, whether another process
    /// writes to it or not.
    ///
    /// # Errors
    /// As [`EventLog::open_sqlite`]; also if there is no such file, or an older version
    /// made it.
    pub async fn open_read_only(path: &Path, site: &SiteId) -> Result<Self, OpenError> {
        let log = SqliteLog::open_read_only(path, site).await?;
        Ok(Self { inner: Inner::new(site, Backend::Sqlite(log), None, watch::Sender::new(0)) })
    }

    /// Opens the log of `site` in a Postgres database (14 or later) that was migrated
    /// ([`crate::migrate_postgres`]), begun where there is none. Any number of processes on
    /// any number of hosts may have it open and append.
    ///
    /// # Errors
    /// The database cannot be reached, was not migrated or by a newer version, or the user
    /// may not append.
    pub async fn open_postgres(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        Self::open_postgres_as(url, site, true).await
    }

    /// As [`EventLog::open_postgres`], but other processes are not told of commits: for a
    /// measurement of what telling costs.
    #[doc(hidden)]
    pub async fn open_postgres_silent(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        Self::open_postgres_as(url, site, false).await
    }

    async fn open_postgres_as(url: &str, site: &SiteId, tells: bool) -> Result<Self, OpenError> {
        let (appended, committed) = (watch::Sender::new(0), watch::Sender::new(0));
        let told = tells.then(|| committed.subscribe());
        let (log, writer) = PostgresLog::open(url, site, appended.clone(), told).await?;
        let appender = Appender::start(site.clone(), Writer::Postgres(writer), vec![appended.clone(), committed]);
        Ok(Self { inner: Inner::new(site, Backend::Postgres(log), Some(appender), appended) })
    }

    /// Opens the log of `site` in a Postgres database for reading.
    ///
    /// # Errors
    /// As [`EventLog::open_postgres`]; also if nobody has begun a log for that site.
    pub async fn open_postgres_read_only(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        let appended = watch::Sender::new(0);
        let log = PostgresLog::open_read_only(url, site, appended.clone()).await?;
        Ok(Self { inner: Inner::new(site, Backend::Postgres(log), None, appended) })
    }

    /// Carries out the appends that were handed over, refuses further ones and all reads,
    /// and closes the file, for all clones. A log that is merely dropped carries them out
    /// as well, but nobody waits for it.
    pub async fn close(&self) {
        // The readers first: SQLite tidies up when its last connection is closed, if that
        // one may write.
        backend!(self.close());
        if let Some(appender) = &self.inner.appender {
            appender.close().await;
        }
    }

    /// Whose log it is.
    #[must_use]
    pub fn site(&self) -> &SiteId {
        &self.inner.site
    }
}

/// Appending.
impl EventLog {
    /// Appends events, all or none, in the order given, at positions one after the other.
    /// Appends of other callers share the commit; one that conflicts fails alone.
    ///
    /// Further events of one stream in one call expect the version of the one before.
    /// When this returns, the events are durable.
    ///
    /// # Errors
    /// After [`AppendError::Unknown`] the events may be stored; after any other error none
    /// is. [`AppendError::Conflict`] says that somebody else was first.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Recorded>, AppendError> {
        match &self.inner.appender {
            Some(appender) => appender.append(events).await,
            None => Err(AppendError::ReadOnly),
        }
    }

    pub(crate) fn appender(&self) -> Option<&Appender> {
        self.inner.appender.as_ref()
    }

    /// How many commits this process has made, for metrics and for tests.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.appender.as_ref().map_or(0, Appender::commits)
    }

    /// Tries whether an append would go through, and appends nothing; what it finds is what [`EventLog::unwritable`]
    /// says from then on. In a file nothing is tried: only a commit meets the disk there.
    ///
    /// # Errors
    /// The log is closed, or was opened for reading only.
    pub async fn rehearse(&self) -> Result<Option<Unwritable>, LogError> {
        match &self.inner.appender {
            Some(appender) => appender.rehearse().await,
            None => Err(LogError::ReadOnly),
        }
    }

    /// Since when nothing could be stored, while that is so: a full disk, a database that is away. In a database that is
    /// tried again and again while nothing is to be appended.
    /// Never, for a log that was opened for reading only.
    #[must_use]
    pub fn unwritable(&self) -> Option<watch::Receiver<Option<Unwritable>>> {
        Some(self.inner.appender.as_ref()?.unwritable())
    }

    /// Makes the projection of stream heads again from the events, in one transaction.
    /// Returns how many streams there are.
    ///
    /// # Errors
    /// An event cannot be read, or the database failed; nothing was changed then.
    pub async fn rebuild_streams(&self) -> Result<u64, LogError> {
        match &self.inner.appender {
            Some(appender) => appender.rebuild_streams().await,
            None => Err(LogError::ReadOnly),
        }
    }
}

/// Reading by position.
impl EventLog {
    /// How far the log goes.
    ///
    /// # Errors
    /// The database failed.
    pub async fn head(&self) -> Result<Head, LogError> {
        backend!(self.head())
    }

    /// The events from a position on, `limit` at most and [`crate::MAX_READ`] in any case.
    /// Fewer mean that the log ended there.
    ///
    /// # Errors
    /// The database failed, or a position is missing: a reader never skips one.
    pub async fn read(&self, from: Position, limit: usize) -> Result<Vec<Stored>, LogError> {
        backend!(self.read(from, limit))
    }

    /// The hashes of the leaves in a range of positions, in order.
    pub(crate) async fn leaves(&self, from: Position, to: Position) -> Result<Vec<Hash>, LogError> {
        backend!(self.leaves(from, to))
    }

    /// Every event from a position on, for ever: those that are there, then those to
    /// come. It ends after an error.
    pub fn tail(&self, from: Position) -> impl Stream<Item = Result<Stored, LogError>> + Send + 'static {
        tail::tail(self.clone(), from)
    }

    /// Told the log's size after each commit of this process; on Postgres also soon after
    /// others' commits, as a rule. Look again after [`POLL`] in any case.
    #[must_use]
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.inner.appended.subscribe()
    }

    /// Waits until there is an event at that position, whoever appends it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn wait_for(&self, position: Position) -> Result<(), LogError> {
        let mut appended = self.appended();
        loop {
            // Marked as seen before the log is looked at: a commit in between wakes us.
            appended.borrow_and_update();
            if self.head().await?.size > position.0 {
                return Ok(());
            }
            // An end of the wait by time is the safety net; the sender lives as long as we.
            let _ = tokio::time::timeout(POLL, appended.changed()).await;
        }
    }
}

/// What cannot be read.
impl EventLog {
    /// The event, if this version can read it. One that it cannot is left alone, and reported once.
    pub fn readable(&self, stored: &Stored) -> Option<Recorded> {
        stored.decode().inspect_err(|error| self.met_unreadable(error)).ok()
    }

    fn met_unreadable(&self, error: &LogError) {
        if let LogError::Undecodable { position, .. } | LogError::Damaged { position, .. } = error {
            self.inner.unreadable.met(*position, error);
        } else {
            tracing::error!(error = %with_causes(error), "a stream cannot be read and is left alone");
        }
    }
}

/// Reading by stream.
impl EventLog {
    /// A stream's events, oldest first; none where there is no such stream.
    ///
    /// # Errors
    /// The database failed, or the stream cannot be read.
    pub async fn stream(&self, name: &StreamName) -> Result<Vec<Recorded>, LogError> {
        let mut streams = self.streams(std::slice::from_ref(name)).await?;
        Ok(streams.remove(name).unwrap_or_default())
    }

    /// A part of a stream's events, oldest first, from a version on, `limit` at most and [`crate::MAX_READ`] in any
    /// case: for a stream of any length.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stream_from(&self, name: &StreamName, from: Version, limit: usize) -> Result<Vec<Stored>, LogError> {
        backend!(self.stream_from(name, from, limit))
    }

    /// Several streams' events in one query. Streams without events are left out.
    ///
    /// # Errors
    /// The database failed, or a stream cannot be read.
    pub async fn streams(&self, names: &[StreamName]) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
        backend!(self.streams(names))
    }

    /// As [`EventLog::streams`], for a reader who can do without: a stream that cannot be read is left out, and the
    /// event that it cannot be read for is reported.
    ///
    /// # Errors
    /// The database failed.
    pub async fn readable_streams(&self, names: &[StreamName]) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
        match self.streams(names).await {
            Err(error) if error.is_about_one() => {}
            read => return read,
        }
        let mut streams = HashMap::with_capacity(names.len());
        for name in names {
            match self.stream(name).await {
                Ok(history) if history.is_empty() => {}
                Ok(history) => drop(streams.insert(name.clone(), history)),
                Err(error) if error.is_about_one() => self.met_unreadable(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(streams)
    }

    /// As [`EventLog::stream`], for a reader who can do without: nothing, where it cannot be read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn readable_stream(&self, name: &StreamName) -> Result<Vec<Recorded>, LogError> {
        let mut streams = self.readable_streams(std::slice::from_ref(name)).await?;
        Ok(streams.remove(name).unwrap_or_default())
    }

    /// Where several streams stand, in one query: much cheaper than their events. Streams
    /// without events are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn heads(&self, names: &[StreamName]) -> Result<HashMap<StreamName, StreamHead>, LogError> {
        backend!(self.heads(names))
    }

    /// The newest streams of a kind (those that began last), newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest(&self, kind: SubjectKind, limit: usize) -> Result<Vec<StreamHead>, LogError> {
        self.newest_before(kind, Position(u64::MAX), limit).await
    }

    /// As [`EventLog::newest`], of those that began before a position: the next page.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_before(
        &self,
        kind: SubjectKind,
        before: Position,
        limit: usize,
    ) -> Result<Vec<StreamHead>, LogError> {
        backend!(self.newest_before(kind, before, limit))
    }

    /// The last event of the newest stream of a kind: of the last run, the last summary.
    ///
    /// # Errors
    /// The database failed, or the event cannot be read.
    pub async fn last_of(&self, kind: SubjectKind) -> Result<Option<Recorded>, LogError> {
        backend!(self.last_of(kind))
    }
}

/// Reading what is to be done, and how it stands.
impl EventLog {
    /// The work that waits for a stage without a time, all of it or that of one partition: last events of their streams,
    /// by position, from a position on, `limit` at most. What cannot be read is passed over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pending(
        &self,
        work: impl Into<Work<'_>>,
        from: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let (work, mut events, mut from) = (work.into(), Vec::new(), from);
        loop {
            let page = self.pending_stored(work, from, limit - events.len()).await?;
            let asked = (limit - events.len()).min(MAX_READ);
            events.extend(page.iter().filter_map(|stored| self.readable(stored)));
            // A page that is not full says that nothing more waits: it is filled up.
            match page.last() {
                Some(last) if page.len() >= asked && events.len() < limit.min(MAX_READ) => from = last.position.next(),
                _ => return Ok(events),
            }
        }
    }

    /// As [`EventLog::pending`], in the bytes that are stored: what is handed to others.
    ///
    /// # Errors
    /// The database failed.
    pub async fn pending_stored(
        &self,
        work: impl Into<Work<'_>>,
        from: Position,
        limit: usize,
    ) -> Result<Vec<Stored>, LogError> {
        let work = work.into();
        backend!(self.pending(work, from, limit))
    }

    /// The work that waits for a stage until a time that has come, all of it or that of one partition: last events of
    /// their streams, by that time, `limit` at most. What cannot be read is passed over.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due(
        &self,
        work: impl Into<Work<'_>>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Recorded>, LogError> {
        let work = work.into();
        loop {
            // What cannot be read may come first: look past it.
            let known = self.inner.unreadable.count();
            let asked = limit.saturating_add(known);
            let page = self.due_stored(work, now, asked).await?;
            let events: Vec<_> = page.iter().filter_map(|stored| self.readable(stored)).take(limit).collect();
            let is_filled = events.len() >= limit || page.len() < asked.min(MAX_READ);
            if is_filled || self.inner.unreadable.count() == known {
                return Ok(events);
            }
        }
    }

    /// As [`EventLog::due`], in the bytes that are stored.
    ///
    /// # Errors
    /// The database failed.
    pub async fn due_stored(
        &self,
        work: impl Into<Work<'_>>,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Stored>, LogError> {
        let work = work.into();
        backend!(self.due(work, now, limit))
    }

    /// The earliest time, past or to come, that work of these stages waits for.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_due(&self, stages: &[StageName]) -> Result<Option<Timestamp>, LogError> {
        backend!(self.next_due(stages))
    }

    /// How much work waits for each stage, by the stage's name; stages without work are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn backlog(&self) -> Result<Vec<StageBacklog>, LogError> {
        backend!(self.backlog())
    }

    /// How many subjects of a kind have which status.
    ///
    /// # Errors
    /// The database failed.
    pub async fn counts(&self, kind: SubjectKind) -> Result<Vec<(Status, u64)>, LogError> {
        backend!(self.counts(kind))
    }

    /// The subjects of a kind that have a status, by its label: their last events, by position, from a position on,
    /// `limit` at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn with_status(
        &self,
        kind: SubjectKind,
        status: &str,
        from: Position,
        limit: usize,
    ) -> Result<Vec<Stored>, LogError> {
        backend!(self.with_status(kind, status, from, limit))
    }
}

/// Signs of life.
impl EventLog {
    pub(crate) async fn keep_sign(&self, process: Uuid, text: &str) -> Result<(), LogError> {
        backend!(self.keep_sign(process, text))
    }

    pub(crate) async fn kept_signs(&self) -> Result<Vec<Kept>, LogError> {
        backend!(self.kept_signs())
    }
}

/// Verifying.
impl EventLog {
    /// Recomputes everything that the log says about itself, and names the first position
    /// that is not right. Memory stays bounded, whatever the log's size.
    ///
    /// # Errors
    /// The log could not be read for another reason than damage.
    pub async fn verify(&self) -> Result<Verification, LogError> {
        self.verify_against(&[]).await
    }

    /// As [`EventLog::verify`], and against heads that were noted earlier, elsewhere: only
    /// these can show a log whose end was cut off, or that was written anew as a whole.
    ///
    /// # Errors
    /// The log could not be read for another reason than damage.
    pub async fn verify_against(&self, earlier: &[Head]) -> Result<Verification, LogError> {
        backend!(self.verify(&self.inner.site, earlier))
    }
}
