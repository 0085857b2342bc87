//! One operation of one plugin, from its start to its end.

mod captured;
mod finish;
mod process;
mod stopping;
mod timers;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::captured::Captured;
use self::process::Process;
use self::stopping::Stopping;
use self::timers::{Timer, Timers};
use super::bounds::Bounds;
use super::ended::Ended;
use super::launch::Launch;
use super::obstacle::Obstacle;
use super::redact::Redactor;
use super::verdict::{End, Stop};
use super::workdir::Workdir;
use crate::protocol::{HostMessage, MAX_REQUEST_BYTES, Progress, Request};

/// What is reported to the caller while the plugin runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// How far it is.
    Progress(Progress),
    /// No message came for this long. It goes on.
    Stalled(Duration),
    /// A message came after all.
    Resumed,
}

/// Where a plugin printed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// What a plugin printed, as it came.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) stream: Stream,
    pub(crate) bytes: Vec<u8>,
}

/// What the conformance kit needs beside.
pub(crate) struct Beside<'a> {
    /// Told of each piece, with its secrets.
    pub(crate) tap: &'a mut (dyn FnMut(&Piece) + Send),
    /// Fields of the request that no version has.
    pub(crate) fields: serde_json::Map<String, serde_json::Value>,
    /// Whether the working directory is kept however the run ends.
    pub(crate) keeps_workdir: bool,
}

/// Runs one operation. Of `request`, the host sets `workdir` and the times in `limits`.
///
/// Cancelled by `cancel`; dropped, it kills the plugin. `notice` is called from here, and must not block.
pub async fn run(
    launch: &Launch,
    request: Request,
    bounds: &Bounds,
    cancel: &CancellationToken,
    notice: &mut (dyn FnMut(Notice) + Send),
) -> Result<Ended, Obstacle> {
    let beside = Beside { tap: &mut |_| {}, fields: serde_json::Map::new(), keeps_workdir: false };
    run_beside(launch, request, bounds, cancel, notice, beside).await
}

pub(crate) async fn run_beside(
    launch: &Launch,
    mut request: Request,
    bounds: &Bounds,
    cancel: &CancellationToken,
    notice: &mut (dyn FnMut(Notice) + Send),
    beside: Beside<'_>,
) -> Result<Ended, Obstacle> {
    let redactor = Redactor::new(&request.secrets).map_err(|found| Obstacle::ShortSecret(found.name))?;
    let program = launch.program()?;
    let workdir = Workdir::make(&launch.workdirs, &request.run)
        .map_err(|error| Obstacle::Workdir(launch.workdirs.clone(), error))?;
    request.workdir = workdir.path().to_string_lossy().into_owned();
    (request.limits.stall_s, request.limits.timeout_s) = (bounds.stall.as_secs(), bounds.total.as_secs());
    let line = request_line(&request, beside.fields);
    if line.len() > MAX_REQUEST_BYTES {
        return Err(Obstacle::LongRequest(line.len()));
    }
    let (process, pieces) = Process::start(launch, &program, workdir.path(), line)
        .await
        .map_err(|error| Obstacle::NotStarted(program, error))?;
    let now = Instant::now();
    let session = Session {
        bounds,
        captured: Captured::new(&redactor, bounds.kept_bytes),
        stopping: Stopping::default(),
        timers: Timers::start(bounds, now),
        end: None,
        is_stalled: false,
        full: process::watch_size(workdir.path(), bounds),
        process,
        pieces,
        is_open: true,
    };
    let watched = session.watch(cancel, notice, beside.tap).await;
    Ok(finish::finish(launch, &request, watched, workdir, beside.keeps_workdir).await)
}

fn request_line(request: &Request, fields: serde_json::Map<String, serde_json::Value>) -> Vec<u8> {
    let message = HostMessage::Request(Box::new(request.clone()));
    if fields.is_empty() {
        return line_of(&message);
    }
    let mut value = serde_json::json!(message);
    value.as_object_mut().expect("a message is an object").extend(fields);
    format!("{value}\n").into_bytes()
}

/// One message, as a line.
fn line_of(message: &HostMessage) -> Vec<u8> {
    let mut line = serde_json::to_vec(message).expect("messages have only string keys");
    line.push(b'\n');
    line
}

struct Session<'a> {
    bounds: &'a Bounds,
    process: Process,
    pieces: mpsc::Receiver<Piece>,
    /// Whether more may be printed.
    is_open: bool,
    captured: Captured<'a>,
    stopping: Stopping,
    timers: Timers,
    end: Option<End>,
    is_stalled: bool,
    /// Resolves once the working directory is too large.
    full: process::Full,
}

/// What was seen of a process that is gone.
struct Watched<'a> {
    captured: Captured<'a>,
    end: End,
    stop: Option<Stop>,
    was_killed: bool,
    left_behind: usize,
}

impl<'a> Session<'a> {
    async fn watch(
        mut self,
        cancel: &CancellationToken,
        notice: &mut (dyn FnMut(Notice) + Send),
        tap: &mut (dyn FnMut(&Piece) + Send),
    ) -> Watched<'a> {
        while !self.is_over() {
            // Time and cancellation come before output, which may never pause.
            tokio::select! {
                biased;
                timer = self.timers.next() => self.on_timer(timer, notice),
                () = cancel.cancelled(), if self.stopping.stop().is_none() && self.end.is_none() => {
                    self.stop(Stop::Cancelled);
                }
                size = self.full.wait(), if self.stopping.stop().is_none() && self.end.is_none() => self.stop(Stop::WorkdirFull(size)),
                end = self.process.ended(), if self.end.is_none() => self.on_end(end),
                piece = self.pieces.recv(), if self.is_open => match piece {
                    Some(piece) => {
                        tap(&piece);
                        self.on_piece(&piece, notice);
                    }
                    None => self.is_open = false,
                },
            }
        }
        self.captured.end();
        let left_behind = self.process.end_children(self.bounds.drain).await;
        Watched {
            captured: self.captured,
            end: self.end.unwrap_or(End::Stuck),
            stop: self.stopping.stop(),
            was_killed: self.stopping.was_killed(),
            left_behind,
        }
    }

    fn is_over(&self) -> bool {
        self.stopping.is_given_up() || (self.end.is_some() && !self.is_open)
    }

    /// The first reason counts.
    fn stop(&mut self, stop: Stop) {
        if self.stopping.stop().is_none() && self.end.is_none() {
            let wait = self.stopping.begin(stop, &self.process, self.bounds);
            self.timers.set(Timer::Step, wait);
        }
    }

    fn on_end(&mut self, end: End) {
        self.end = Some(end);
        self.timers.clear_all();
        self.timers.set(Timer::Drain, self.bounds.drain);
    }

    fn on_piece(&mut self, piece: &Piece, notice: &mut (dyn FnMut(Notice) + Send)) {
        let before = self.captured.messages();
        for progress in self.captured.take(piece, self.bounds.stdout_bytes) {
            notice(Notice::Progress(progress));
        }
        if self.captured.stdout_bytes() > self.bounds.stdout_bytes {
            self.stop(Stop::TooMuchOutput(self.bounds.stdout_bytes));
        }
        if self.captured.messages() == before {
            return;
        }
        if std::mem::take(&mut self.is_stalled) {
            notice(Notice::Resumed);
        }
        if self.end.is_some() {
            return;
        }
        self.timers.clear(Timer::Hello);
        self.timers.set(Timer::Stall, self.bounds.stall);
        if self.captured.has_ended() {
            self.timers.set_once(Timer::Linger, self.bounds.linger);
        }
    }

    fn on_timer(&mut self, timer: Timer, notice: &mut (dyn FnMut(Notice) + Send)) {
        match timer {
            Timer::Hello => self.stop(Stop::NoHello(self.bounds.hello)),
            Timer::Total => self.stop(Stop::TimedOut(self.bounds.total)),
            Timer::Linger => self.stop(Stop::Lingered(self.bounds.linger)),
            Timer::Stall => {
                self.is_stalled = true;
                notice(Notice::Stalled(self.bounds.stall));
            }
            Timer::Step => {
                let wait = self.stopping.step(&self.process, self.bounds);
                self.timers.set(Timer::Step, wait);
            }
            // A child holds the output open: it is ended with the others.
            Timer::Drain => self.is_open = false,
        }
    }
}
