//! One task for each open log, which owns the only writing connection and commits concurrent appends together, so that
//! they share one sync. A caller that stops waiting changes nothing: the task is never cancelled within a transaction.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use strongroom_model::{NewEvent, Position, Recorded, SiteId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{AppendError, LogError, StorageError, Unwritable};
use crate::measure;
use crate::plan::{Copied, Group, MAX_APPEND_EVENTS, Plan};
use crate::postgres::PostgresWriter;
use crate::prepared::Prepared;
use crate::sqlite::SqliteWriter;

/// How many commands may be queued before callers wait to submit theirs.
const MAX_QUEUED: usize = 1024;

/// The interval of retries after a failed group while no other is submitted: no caller has to be the one who finds out.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) enum Writer {
    Sqlite(SqliteWriter),
    Postgres(PostgresWriter),
}

#[derive(Debug)]
pub(crate) enum WriteError {
    /// Failed before the commit: nothing is stored.
    NotStored(LogError),
    /// Failed at the commit: perhaps stored.
    Unknown(StorageError),
}

impl From<LogError> for WriteError {
    fn from(error: LogError) -> Self {
        Self::NotStored(error)
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::NotStored(error.into())
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouping {
    /// Events per commit, so that a reader's next batch is never far.
    pub(crate) max_events: usize,
    /// How long to wait for the last group's callers: answered together, they tend to return together.
    pub(crate) gather: Duration,
}

impl Writer {
    const fn grouping(&self) -> Grouping {
        match self {
            Self::Sqlite(_) => SqliteWriter::GROUPING,
            Self::Postgres(_) => PostgresWriter::GROUPING,
        }
    }

    async fn take_turn(&mut self) -> Result<(), WriteError> {
        match self {
            // A transaction waits for the file's lock.
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(writer) => writer.take_turn().await,
        }
    }

    async fn write<'a>(&mut self, group: &Group<'a>) -> Result<Plan<'a>, WriteError> {
        match self {
            Self::Sqlite(writer) => writer.write(group).await,
            Self::Postgres(writer) => writer.write(group).await,
        }
    }

    /// Whether a group would be written; `None`: unknown, since SQLite touches the disk only at a commit.
    async fn probe_write(&mut self) -> Option<Result<(), WriteError>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(writer) => Some(writer.probe_write().await),
        }
    }

    async fn rebuild_streams(&mut self) -> Result<u64, LogError> {
        match self {
            Self::Sqlite(writer) => writer.rebuild_streams().await,
            Self::Postgres(writer) => writer.rebuild_streams().await,
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(writer) => writer.close().await,
            Self::Postgres(writer) => writer.close().await,
        }
    }
}

/// Keeps the greatest size: sizes may be reported out of order.
pub(crate) fn publish_size(appended: &watch::Sender<u64>, size: u64) {
    appended.send_if_modified(|known| {
        let more = size > *known;
        *known = size.max(*known);
        more
    });
}

type Answer = Result<Vec<Recorded>, AppendError>;

#[derive(Debug)]
struct Append {
    events: Vec<Prepared>,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug)]
enum Command {
    Append(Append),
    Copy(Vec<Copied>, oneshot::Sender<Result<(), LogError>>),
    RebuildStreams(oneshot::Sender<Result<u64, LogError>>),
    Rehearse(oneshot::Sender<Option<Unwritable>>),
    Close(oneshot::Sender<()>),
}

/// A handle on the task, which finishes what was submitted once its last handle is dropped.
#[derive(Debug)]
pub(crate) struct Appender {
    site: SiteId,
    inbox: mpsc::Sender<Command>,
    commits: Arc<AtomicU64>,
    unwritable: watch::Receiver<Option<Unwritable>>,
}

impl Appender {
    /// Starts the task, which sends the log's new size to all of `appended`.
    pub(crate) fn start(site: SiteId, writer: Writer, appended: Vec<watch::Sender<u64>>) -> Self {
        let (sender, inbox) = mpsc::channel(MAX_QUEUED);
        let commits = Arc::new(AtomicU64::new(0));
        let (trouble, unwritable) = watch::channel(None);
        let task = Task {
            site: site.clone(),
            grouping: writer.grouping(),
            writer,
            inbox,
            appended,
            commits: Arc::clone(&commits),
            waiting: VecDeque::new(),
            last_group: 1,
            other: None,
            trouble,
        };
        tokio::spawn(task.run());
        Self { site, inbox: sender, commits, unwritable }
    }

    pub(crate) async fn append(&self, events: Vec<NewEvent>) -> Answer {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if events.len() > MAX_APPEND_EVENTS {
            return Err(AppendError::TooLarge { events: events.len(), bytes: 0 });
        }
        let prepared = events.iter().map(|event| Prepared::new(&self.site, event));
        let events = prepared.collect::<Result<Vec<_>, _>>()?;
        let answer = self.submit(|reply| Command::Append(Append { events, reply })).await.ok_or(AppendError::Closed)?;
        // The task answers everything, unless it died with the runtime.
        answer.await.unwrap_or(Err(AppendError::Unknown(None)))
    }

    /// Stores another log's next events unchanged, in one commit.
    pub(crate) async fn copy(&self, events: Vec<Copied>) -> Result<(), LogError> {
        self.ask(|reply| Command::Copy(events, reply)).await?
    }

    pub(crate) async fn rebuild_streams(&self) -> Result<u64, LogError> {
        self.ask(Command::RebuildStreams).await?
    }

    pub(crate) async fn probe_write(&self) -> Result<Option<Unwritable>, LogError> {
        self.ask(Command::Rehearse).await
    }

    pub(crate) async fn close(&self) {
        // An error means that the task has ended already.
        let _ = self.ask(Command::Close).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, LogError> {
        self.submit(command).await.ok_or(LogError::Closed)?.await.map_err(|_| LogError::Closed)
    }

    async fn submit<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Option<oneshot::Receiver<T>> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(command(reply)).await.ok()?;
        Some(answer)
    }

    pub(crate) fn unwritable(&self) -> watch::Receiver<Option<Unwritable>> {
        self.unwritable.clone()
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

struct Task {
    site: SiteId,
    grouping: Grouping,
    writer: Writer,
    inbox: mpsc::Receiver<Command>,
    appended: Vec<watch::Sender<u64>>,
    commits: Arc<AtomicU64>,
    /// Appends taken from the inbox, at most a group's events and one append more.
    waiting: VecDeque<Append>,
    last_group: usize,
    /// A command received after them.
    other: Option<Command>,
    trouble: watch::Sender<Option<Unwritable>>,
}

impl Task {
    async fn run(mut self) {
        let mut closing = None;
        loop {
            self.gather().await;
            if !self.waiting.is_empty() {
                self.write().await;
                continue;
            }
            match self.other.take() {
                Some(Command::Copy(events, reply)) => drop(reply.send(self.copy(&events).await)),
                Some(Command::RebuildStreams(reply)) => drop(reply.send(self.writer.rebuild_streams().await)),
                Some(Command::Rehearse(reply)) => {
                    self.probe_write().await;
                    let _ = reply.send(self.trouble.borrow().clone());
                }
                Some(Command::Close(reply)) => {
                    // What was sent before is still answered.
                    self.inbox.close();
                    closing = Some(reply);
                }
                Some(Command::Append(append)) => self.waiting.push_back(append),
                None => break,
            }
        }
        self.writer.close().await;
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    /// Waits for the first append, then takes all that is there and, briefly, as many as the last group had.
    async fn gather(&mut self) {
        if self.waiting.is_empty() && self.other.is_none() {
            match self.next_command().await {
                Some(command) => self.sort(command),
                None => return,
            }
        }
        self.drain_inbox();
        if self.waiting.len() >= self.last_group {
            return;
        }
        let deadline = tokio::time::Instant::now() + self.grouping.gather;
        while self.has_room() && self.waiting.len() < self.last_group {
            match tokio::time::timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(command)) => self.sort(command),
                Ok(None) | Err(_) => break,
            }
        }
    }

    /// Waits for a command, and retries meanwhile if the last group failed.
    async fn next_command(&mut self) -> Option<Command> {
        loop {
            if self.trouble.borrow().is_none() {
                return self.inbox.recv().await;
            }
            match tokio::time::timeout(RETRY_INTERVAL, self.inbox.recv()).await {
                Ok(command) => return command,
                Err(_) => self.probe_write().await,
            }
        }
    }

    async fn probe_write(&mut self) {
        let began = Instant::now();
        let tried = self.writer.probe_write().await;
        tracing::debug!(?tried, elapsed_ms = began.elapsed().as_millis(), "tried whether the log can be written");
        match tried {
            Some(Ok(())) => self.writable(),
            Some(Err(error)) => self.unwritable(&error),
            None => {}
        }
    }

    fn drain_inbox(&mut self) {
        while self.has_room() {
            match self.inbox.try_recv() {
                Ok(command) => self.sort(command),
                Err(_) => break,
            }
        }
    }

    fn sort(&mut self, command: Command) {
        match command {
            Command::Append(append) => self.waiting.push_back(append),
            other => self.other = Some(other),
        }
    }

    fn has_room(&self) -> bool {
        let events: usize = self.waiting.iter().map(|append| append.events.len()).sum();
        self.other.is_none() && events < self.grouping.max_events
    }

    async fn write(&mut self) {
        let begin = Instant::now();
        if let Err(error) = self.writer.take_turn().await {
            return self.refuse(&error);
        }
        // Callers that arrived meanwhile join the group.
        self.drain_inbox();
        let appends = self.waiting.iter().map(|append| append.events.as_slice()).collect();
        let group = Group::Appends { appends, max_events: self.grouping.max_events };
        match self.writer.write(&group).await {
            Ok(plan) => {
                let Plan { rows, frontier, verdicts, .. } = plan;
                if !rows.is_empty() {
                    measure::commit(rows.len(), begin.elapsed());
                    self.committed(frontier.size());
                }
                self.answer(verdicts);
            }
            Err(error) => self.refuse(&error),
        }
    }

    async fn copy(&mut self, events: &[Copied]) -> Result<(), LogError> {
        match self.writer.write(&Group::Copies(events)).await {
            Ok(plan) => {
                self.committed(plan.frontier.size());
                Ok(())
            }
            Err(WriteError::NotStored(error)) => Err(error),
            Err(WriteError::Unknown(error)) => Err(error.into()),
        }
    }

    fn committed(&self, size: u64) {
        self.writable();
        self.commits.fetch_add(1, Ordering::Relaxed);
        measure::size(&self.site, size);
        self.appended.iter().for_each(|appended| publish_size(appended, size));
    }

    /// If we stop here, the events are stored, and each caller finds them when it reads its stream again.
    fn answer(&mut self, verdicts: Vec<Result<Position, AppendError>>) {
        self.last_group = verdicts.len();
        measure::appends(verdicts.len());
        for verdict in verdicts {
            let append = self.waiting.pop_front().expect("there is a verdict for an append only");
            let at =
                |(prepared, position): (Prepared, u64)| Recorded { position: Position(position), ..prepared.recorded };
            let answer = verdict.map(|first| append.events.into_iter().zip(first.0..).map(at).collect());
            let _ = append.reply.send(answer);
        }
    }

    fn writable(&self) {
        self.trouble.send_if_modified(|trouble| trouble.take().is_some());
    }

    fn unwritable(&self, error: &WriteError) {
        let storage = match error {
            WriteError::NotStored(LogError::Storage(storage)) | WriteError::Unknown(storage) => Some(storage),
            WriteError::NotStored(_) => None,
        };
        let reason = storage.map_or_else(|| format!("{error:?}"), ToString::to_string);
        let is_disk_full = storage.is_some_and(StorageError::is_disk_full);
        self.trouble.send_modify(|trouble| {
            let since = trouble.as_ref().map_or_else(Instant::now, |trouble| trouble.since);
            *trouble = Some(Unwritable { since, reason, is_disk_full });
        });
    }

    fn refuse(&mut self, error: &WriteError) {
        tracing::warn!(?error, appends = self.waiting.len(), "a group of appends was not written");
        self.unwritable(error);
        for append in self.waiting.drain(..) {
            let _ = append.reply.send(Err(match error {
                WriteError::NotStored(source) => AppendError::NotStored(source.clone()),
                WriteError::Unknown(source) => AppendError::Unknown(Some(source.clone())),
            }));
        }
    }
}
