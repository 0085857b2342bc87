//! The one type that callers see, whatever database holds the log.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use jiff::Timestamp;
use strongroom_model::text::with_causes;
use strongroom_model::{
    EventId, NewEvent, Partition, Position, Recorded, SiteId, StageName, Status, StreamName, SubjectKind, Version,
};
use tokio::sync::watch;
use uuid::Uuid;

use crate::appender::{Appender, Writer};
use crate::backlog::StageBacklog;
use crate::error::{AppendError, LogError, OpenError, Unwritable};
use crate::postgres::PostgresLog;
use crate::reading::{MAX_READ, STREAMS_AT_ONCE, push_next};
use crate::signs::Kept;
use crate::sqlite::SqliteLog;
use crate::stored::Stored;
use crate::stream_head::StreamHead;
use crate::tail;
use crate::unreadable::Unreadable;
use crate::verify::Verification;
use strongroom_proof::Head;
use strongroom_proof::merkle::Hash;

/// How often a waiting reader polls: a safety net beneath the wake-up, and the only way to see other processes'
/// appends to a SQLite file.
pub const POLL: Duration = Duration::from_millis(250);

/// A site's event log, shared by its clones and tasks.
///
/// Dropping a future of it cancels nothing but the wait: a submitted append is still carried out.
#[derive(Debug, Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    site: SiteId,
    backend: Backend,
    /// Absent in a read-only log.
    appender: Option<Appender>,
    /// The size after the last known commit; 0 before the first.
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

/// The work of a stage to query: all of it, or one partition.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    /// The stage.
    pub stage: StageName,
    /// The partition; `None`: all work, bound or not.
    pub partition: Option<&'a Partition>,
}

impl From<StageName> for Work<'_> {
    fn from(stage: StageName) -> Self {
        Self { stage, partition: None }
    }
}

macro_rules! backend {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match &$self.inner.backend {
            Backend::Sqlite(log) => log.$method($($argument),*).await,
            Backend::Postgres(log) => log.$method($($argument),*).await,
        }
    };
}

impl EventLog {
    /// Opens or creates the log of `site` in a SQLite file. Several processes on one host may append to it, but not
    /// over a network file system.
    ///
    /// # Errors
    /// The file is something else, another site's log or a newer version's, or the database cannot be set up. Nothing
    /// was changed.
    pub async fn open_sqlite(path: &Path, site: &SiteId) -> Result<Self, OpenError> {
        let (log, writer) = SqliteLog::open(path, site).await?;
        let appended = watch::Sender::new(0);
        let appender = Appender::start(site.clone(), Writer::Sqlite(writer), vec![appended.clone()]);
        Ok(Self { inner: Inner::new(site, Backend::Sqlite(log), Some(appender), appended) })
    }

    /// Opens the log of `site` in a SQLite file for reading, beside any writer.
    ///
    /// # Errors
    /// As [`EventLog::open_sqlite`]; also if the file is missing or of an older version.
    pub async fn open_read_only(path: &Path, site: &SiteId) -> Result<Self, OpenError> {
        let log = SqliteLog::open_read_only(path, site).await?;
        Ok(Self { inner: Inner::new(site, Backend::Sqlite(log), None, watch::Sender::new(0)) })
    }

    /// Opens or begins the log of `site` in a migrated Postgres database (14 or later; [`crate::migrate_postgres`]).
    /// Any number of processes and hosts may append.
    ///
    /// # Errors
    /// The database cannot be reached, was not migrated or by a newer version, or the user may not append.
    pub async fn open_postgres(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        Self::open_postgres_as(url, site, true).await
    }

    /// As [`EventLog::open_postgres`], without notifying other processes of commits: to measure what that costs.
    #[doc(hidden)]
    pub async fn open_postgres_silent(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        Self::open_postgres_as(url, site, false).await
    }

    async fn open_postgres_as(url: &str, site: &SiteId, notifies: bool) -> Result<Self, OpenError> {
        let (appended, committed) = (watch::Sender::new(0), watch::Sender::new(0));
        let commits = notifies.then(|| committed.subscribe());
        let (log, writer) = PostgresLog::open(url, site, appended.clone(), commits).await?;
        let appender = Appender::start(site.clone(), Writer::Postgres(writer), vec![appended.clone(), committed]);
        Ok(Self { inner: Inner::new(site, Backend::Postgres(log), Some(appender), appended) })
    }

    /// Opens the log of `site` in a Postgres database for reading.
    ///
    /// # Errors
    /// As [`EventLog::open_postgres`]; also if the site has no log there.
    pub async fn open_postgres_read_only(url: &str, site: &SiteId) -> Result<Self, OpenError> {
        let appended = watch::Sender::new(0);
        let log = PostgresLog::open_read_only(url, site, appended.clone()).await?;
        Ok(Self { inner: Inner::new(site, Backend::Postgres(log), None, appended) })
    }

    /// Carries out pending appends, refuses further calls and closes the database, for all clones. Dropping the log
    /// does the same, but nobody waits for it.
    pub async fn close(&self) {
        // Readers first: SQLite tidies up when its last connection closes, if that one may write.
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

    /// Appends events, all or none, at consecutive positions. Concurrent appends share a commit; one that conflicts
    /// fails alone. Further events of one stream expect the version of the one before. When this returns, the events
    /// are durable.
    ///
    /// # Errors
    /// After [`AppendError::Unknown`] the events may be stored; after any other error none is.
    /// [`AppendError::Conflict`]: somebody else was first.
    pub async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Recorded>, AppendError> {
        self.inner.appender.as_ref().ok_or(AppendError::ReadOnly)?.append(events).await
    }

    pub(crate) fn appender(&self) -> Result<&Appender, LogError> {
        self.inner.appender.as_ref().ok_or(LogError::ReadOnly)
    }

    /// How many commits this process has made.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner.appender.as_ref().map_or(0, Appender::commits)
    }

    /// Tries whether an append would succeed, without appending; the result is also what [`EventLog::unwritable`]
    /// reports next. Not in a file, where only a commit touches the disk.
    ///
    /// # Errors
    /// The log is closed or read-only.
    pub async fn probe_write(&self) -> Result<Option<Unwritable>, LogError> {
        self.appender()?.probe_write().await
    }

    /// Since when nothing could be stored (a full disk, no database). A database is retried even while nothing is to
    /// be appended. `None` for a read-only log.
    #[must_use]
    pub fn unwritable(&self) -> Option<watch::Receiver<Option<Unwritable>>> {
        Some(self.inner.appender.as_ref()?.unwritable())
    }

    /// Rebuilds the projection of stream heads in one transaction, and returns their number.
    ///
    /// # Errors
    /// An event cannot be read, or the database failed; nothing was changed.
    pub async fn rebuild_streams(&self) -> Result<u64, LogError> {
        self.appender()?.rebuild_streams().await
    }

    /// The log's size and root.
    ///
    /// # Errors
    /// The database failed.
    pub async fn head(&self) -> Result<Head, LogError> {
        backend!(self.head())
    }

    /// The events from a position on, `limit` and [`crate::MAX_READ`] at most; fewer mean the log's end.
    ///
    /// # Errors
    /// The database failed, or a position is missing: a reader never skips one.
    pub async fn read(&self, from: Position, limit: usize) -> Result<Vec<Stored>, LogError> {
        backend!(self.read(from, limit))
    }

    /// The first event that happened after a time; by the log's order, not the clocks'.
    ///
    /// # Errors
    /// The database failed.
    pub async fn first_after(&self, time: Timestamp) -> Result<Option<Position>, LogError> {
        backend!(self.first_after(time))
    }

    pub(crate) async fn leaves(&self, from: Position, to: Position) -> Result<Vec<Hash>, LogError> {
        backend!(self.leaves(from, to))
    }

    /// All events from a position on, then future ones as they are appended; an error ends it.
    pub fn tail(&self, from: Position) -> impl Stream<Item = Result<Stored, LogError>> + Send + 'static {
        tail::tail(self.clone(), from)
    }

    /// The log's size after each commit of this process; on Postgres usually soon after others' too. Poll every
    /// [`POLL`] in any case.
    #[must_use]
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.inner.appended.subscribe()
    }

    /// Waits until that position has an event.
    ///
    /// # Errors
    /// The database failed.
    pub async fn wait_for(&self, position: Position) -> Result<(), LogError> {
        let mut appended = self.appended();
        loop {
            // Before reading the head, so that a commit in between wakes us.
            appended.borrow_and_update();
            if self.head().await?.size > position.0 {
                return Ok(());
            }
            let _ = tokio::time::timeout(POLL, appended.changed()).await;
        }
    }

    /// The event, if this version can read it; otherwise reported once.
    pub fn readable(&self, stored: &Stored) -> Option<Recorded> {
        stored.decode().inspect_err(|error| self.report_unreadable(error)).ok()
    }

    fn report_unreadable(&self, error: &LogError) {
        if let LogError::Undecodable { position, .. } | LogError::Damaged { position, .. } = error {
            self.inner.unreadable.report(*position, error);
        } else {
            tracing::error!(error = %with_causes(error), "a stream cannot be read and is left alone");
        }
    }

    /// A stream's events, oldest first.
    ///
    /// # Errors
    /// The database failed, or the stream cannot be read.
    pub async fn stream(&self, name: &StreamName) -> Result<Vec<Recorded>, LogError> {
        let mut streams = self.streams(std::slice::from_ref(name)).await?;
        Ok(streams.remove(name).unwrap_or_default())
    }

    /// A stream's events from a version on, oldest first, `limit` and [`crate::MAX_READ`] at most.
    ///
    /// # Errors
    /// The database failed.
    pub async fn stream_from(&self, name: &StreamName, from: Version, limit: usize) -> Result<Vec<Stored>, LogError> {
        backend!(self.stream_from(name, from, limit))
    }

    /// Several streams' events in one query; streams without events are left out.
    ///
    /// # Errors
    /// The database failed, or a stream cannot be read.
    pub async fn streams(&self, names: &[StreamName]) -> Result<HashMap<StreamName, Vec<Recorded>>, LogError> {
        let mut streams = HashMap::new();
        for names in names.chunks(STREAMS_AT_ONCE) {
            for event in backend!(self.events_of(names))? {
                push_next(&mut streams, event.decode()?)?;
            }
        }
        Ok(streams)
    }

    /// As [`EventLog::streams`]; unreadable streams are reported and left out.
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
                Err(error) if error.is_about_one() => self.report_unreadable(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(streams)
    }

    /// As [`EventLog::stream`], but empty where the stream cannot be read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn readable_stream(&self, name: &StreamName) -> Result<Vec<Recorded>, LogError> {
        let mut streams = self.readable_streams(std::slice::from_ref(name)).await?;
        Ok(streams.remove(name).unwrap_or_default())
    }

    /// The events with these ids, by position.
    ///
    /// # Errors
    /// The database failed.
    pub async fn with_ids(&self, ids: &[EventId]) -> Result<Vec<Stored>, LogError> {
        let mut events = Vec::with_capacity(ids.len());
        for ids in ids.chunks(STREAMS_AT_ONCE) {
            events.extend(backend!(self.with_ids(ids))?);
        }
        events.sort_unstable_by_key(|stored: &Stored| stored.position);
        Ok(events)
    }

    /// Several streams' heads in one query, without empty streams: much cheaper than their events.
    ///
    /// # Errors
    /// The database failed.
    pub async fn heads(&self, names: &[StreamName]) -> Result<HashMap<StreamName, StreamHead>, LogError> {
        let mut heads = HashMap::with_capacity(names.len());
        for names in names.chunks(STREAMS_AT_ONCE) {
            heads.extend(backend!(self.heads(names))?.into_iter().map(|head| (head.stream.clone(), head)));
        }
        Ok(heads)
    }

    /// The streams of a kind that began last, newest first.
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

    /// The last event of a kind's newest stream.
    ///
    /// # Errors
    /// The database failed, or the event cannot be read.
    pub async fn last_of(&self, kind: SubjectKind) -> Result<Option<Recorded>, LogError> {
        backend!(self.last_of(kind))
    }

    /// The readable work of a stage that may be done now: its streams' last events from a position on, `limit` at most.
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
            let page_limit = (limit - events.len()).min(MAX_READ);
            events.extend(page.iter().filter_map(|stored| self.readable(stored)));
            // A short page means that nothing more waits, so one with gaps is filled up.
            match page.last() {
                Some(last) if page.len() >= page_limit && events.len() < limit.min(MAX_READ) => {
                    from = last.position.next();
                }
                _ => return Ok(events),
            }
        }
    }

    /// As [`EventLog::pending`], as stored bytes.
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

    /// The readable work of a stage whose time has passed: its streams' last events, by that time, `limit` at most.
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
            // Unreadable work may be first: read past it.
            let known = self.inner.unreadable.count();
            let page_limit = limit.saturating_add(known);
            let page = self.due_stored(work, now, page_limit).await?;
            let events: Vec<_> = page.iter().filter_map(|stored| self.readable(stored)).take(limit).collect();
            let is_filled = events.len() >= limit || page.len() < page_limit.min(MAX_READ);
            if is_filled || self.inner.unreadable.count() == known {
                return Ok(events);
            }
        }
    }

    /// As [`EventLog::due`], as stored bytes.
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

    /// The earliest time, past or future, that work of these stages waits for.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_due(&self, stages: &[StageName]) -> Result<Option<Timestamp>, LogError> {
        backend!(self.next_due(stages))
    }

    /// Each stage's backlog, in the order of their names; stages without one are left out.
    ///
    /// # Errors
    /// The database failed.
    pub async fn backlog(&self) -> Result<Vec<StageBacklog>, LogError> {
        backend!(self.backlog())
    }

    /// The subjects of a kind, counted by status.
    ///
    /// # Errors
    /// The database failed.
    pub async fn counts(&self, kind: SubjectKind) -> Result<Vec<(Status, u64)>, LogError> {
        let counts = backend!(self.counts(kind))?;
        Ok(counts.into_iter().map(|(status, subjects)| (Status::from(status), subjects.unsigned_abs())).collect())
    }

    /// The last events of a kind's subjects with a status, from a position on, `limit` at most.
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

    pub(crate) async fn keep_sign(&self, process: Uuid, text: &str) -> Result<(), LogError> {
        backend!(self.keep_sign(process, text))
    }

    pub(crate) async fn kept_signs(&self) -> Result<Vec<Kept>, LogError> {
        backend!(self.kept_signs())
    }

    /// Recomputes everything and names the first wrong position, in bounded memory.
    ///
    /// # Errors
    /// The log could not be read for another reason than damage.
    pub async fn verify(&self) -> Result<Verification, LogError> {
        self.verify_against(&[]).await
    }

    /// As [`EventLog::verify`], and against heads noted elsewhere: only these show that the end was cut off or that
    /// all was rewritten.
    ///
    /// # Errors
    /// The log could not be read for another reason than damage.
    pub async fn verify_against(&self, earlier: &[Head]) -> Result<Verification, LogError> {
        backend!(self.verify(&self.inner.site, earlier))
    }
}
