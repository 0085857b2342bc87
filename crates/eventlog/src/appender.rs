//! The appender: one task for each open log, which owns the only connection that writes.
//!
//! Callers hand it appends and wait for the answer. It commits what has gathered in one
//! transaction, so that one sync is shared by all. A caller that stops waiting changes
//! nothing: the task is never cancelled in the middle of a transaction.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use strongroom_model::{NewEvent, Recorded, SiteId};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{AppendError, LogError, StorageError};
use crate::plan::{MAX_APPEND_EVENTS, MAX_GROUP_EVENTS, Plan};
use crate::sqlite::SqliteWriter;

/// How many commands may wait before callers wait to hand theirs over.
const QUEUE: usize = 1024;
/// How long a group waits for the callers that the one before it had: they were answered
/// together, so they tend to come back together.
const GATHER: Duration = Duration::from_millis(2);

/// Where groups are written: one for each database that can hold a log.
#[derive(Debug)]
pub(crate) enum Writer {
    Sqlite(SqliteWriter),
}

/// Why a group was not written.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// It failed before the commit: nothing is stored.
    NotStored(LogError),
    /// The commit itself failed: it may or may not be stored.
    Unknown(StorageError),
}

impl Writer {
    async fn write(&mut self, site: &SiteId, appends: &[&[NewEvent]]) -> Result<Plan, WriteError> {
        match self {
            Self::Sqlite(writer) => writer.write(site, appends).await,
        }
    }

    async fn rebuild_streams(&mut self) -> Result<u64, LogError> {
        match self {
            Self::Sqlite(writer) => writer.rebuild_streams().await,
        }
    }

    async fn close(self) {
        match self {
            Self::Sqlite(writer) => writer.close().await,
        }
    }
}

type Answer = Result<Vec<Recorded>, AppendError>;

#[derive(Debug)]
struct Append {
    events: Vec<NewEvent>,
    reply: oneshot::Sender<Answer>,
}

#[derive(Debug)]
enum Command {
    Append(Append),
    RebuildStreams(oneshot::Sender<Result<u64, LogError>>),
    Close(oneshot::Sender<()>),
}

/// A handle on the appender's task, which ends when the last handle is dropped and all
/// that was handed over is done.
#[derive(Debug)]
pub(crate) struct Appender {
    inbox: mpsc::Sender<Command>,
    commits: Arc<AtomicU64>,
}

impl Appender {
    /// Starts the task. Each commit is told to `appended`, as the log's new size.
    pub(crate) fn start(site: SiteId, writer: Writer, appended: watch::Sender<u64>) -> Self {
        let (sender, inbox) = mpsc::channel(QUEUE);
        let commits = Arc::new(AtomicU64::new(0));
        let task = Task {
            site,
            writer,
            inbox,
            appended,
            commits: Arc::clone(&commits),
            waiting: VecDeque::new(),
            last_group: 1,
            other: None,
        };
        tokio::spawn(task.run());
        Self { inbox: sender, commits }
    }

    pub(crate) async fn append(&self, events: Vec<NewEvent>) -> Answer {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        if events.len() > MAX_APPEND_EVENTS {
            return Err(AppendError::TooLarge { events: events.len(), bytes: 0 });
        }
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Command::Append(Append { events, reply })).await.map_err(|_| AppendError::Closed)?;
        // The task answers all that it took, unless it died with the runtime.
        answer.await.unwrap_or(Err(AppendError::Unknown(None)))
    }

    pub(crate) async fn rebuild_streams(&self) -> Result<u64, LogError> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(Command::RebuildStreams(reply)).await.map_err(|_| LogError::Closed)?;
        answer.await.unwrap_or(Err(LogError::Closed))
    }

    /// Finishes what was handed over, then closes the connection.
    pub(crate) async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.inbox.send(Command::Close(reply)).await.is_ok() {
            // An error means that the task has ended, which is what was asked for.
            let _ = answer.await;
        }
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }
}

struct Task {
    site: SiteId,
    writer: Writer,
    inbox: mpsc::Receiver<Command>,
    appended: watch::Sender<u64>,
    commits: Arc<AtomicU64>,
    /// Appends that were taken from the inbox and not yet written, at most a group's
    /// worth of events and one append more.
    waiting: VecDeque<Append>,
    /// How many appends the last group had.
    last_group: usize,
    /// A command that came after them.
    other: Option<Command>,
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
                Some(Command::RebuildStreams(reply)) => drop(reply.send(self.writer.rebuild_streams().await)),
                Some(Command::Close(reply)) => {
                    // What was sent before this is still answered; nothing more is taken.
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

    /// Waits for the first append, then takes what comes with it: all that is there, and
    /// for [`GATHER`] at most, as many as the last group had.
    async fn gather(&mut self) {
        if self.waiting.is_empty() && self.other.is_none() {
            match self.inbox.recv().await {
                Some(command) => self.sort(command),
                None => return,
            }
        }
        while self.has_room() {
            match self.inbox.try_recv() {
                Ok(command) => self.sort(command),
                Err(_) => break,
            }
        }
        if self.waiting.len() >= self.last_group {
            return;
        }
        let deadline = tokio::time::Instant::now() + GATHER;
        while self.has_room() && self.waiting.len() < self.last_group {
            match tokio::time::timeout_at(deadline, self.inbox.recv()).await {
                Ok(Some(command)) => self.sort(command),
                Ok(None) | Err(_) => break,
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
        self.other.is_none() && events < MAX_GROUP_EVENTS
    }

    async fn write(&mut self) {
        let appends: Vec<&[NewEvent]> = self.waiting.iter().map(|append| append.events.as_slice()).collect();
        match self.writer.write(&self.site, &appends).await {
            Ok(plan) => self.answer(plan),
            Err(error) => self.refuse(&error),
        }
    }

    /// Tells the callers. If we stop here, the events are stored and each caller finds
    /// them when it reads its stream again.
    fn answer(&mut self, plan: Plan) {
        let Plan { rows, frontier, verdicts, .. } = plan;
        if !rows.is_empty() {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.appended.send_replace(frontier.size());
        }
        self.last_group = verdicts.len();
        let mut rows = rows.into_iter();
        for verdict in verdicts {
            let append = self.waiting.pop_front().expect("there is a verdict for an append only");
            let answer = verdict.map(|range| rows.by_ref().take(range.len()).map(|row| row.recorded).collect());
            // A caller that went away no longer asks.
            let _ = append.reply.send(answer);
        }
    }

    fn refuse(&mut self, error: &WriteError) {
        tracing::warn!(?error, appends = self.waiting.len(), "a group of appends was not written");
        for append in self.waiting.drain(..) {
            let _ = append.reply.send(Err(match error {
                WriteError::NotStored(source) => AppendError::NotStored(source.clone()),
                WriteError::Unknown(source) => AppendError::Unknown(Some(source.clone())),
            }));
        }
    }
}
