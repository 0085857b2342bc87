//! The child process, its streams and its descendants.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use strongroom_service::blocking;
use strongroom_service::process_tree::{self, Mark, Tree};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

use super::{Piece, Stream};
use crate::host::bounds::Bounds;
use crate::host::launch::{Launch, Stdin};
use crate::host::verdict::End;
use crate::host::workdir::size_of;

/// What is read at once: a pipe's buffer on Linux.
const PIECE_BYTES: usize = 64 * 1024;
/// Pieces that wait to be looked at. A plugin that prints faster waits.
const MAX_PIECES: usize = 8;
/// Between two looks for children that are about to end.
const LOOK: Duration = Duration::from_millis(20);

/// A child process, its streams and its descendants. Dropped, it kills them all.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    pub(super) tree: Arc<Tree>,
    /// Lines for its standard input; `None`: it is closed after the request.
    lines: Option<mpsc::UnboundedSender<Vec<u8>>>,
    _streams: Vec<AbortOnDropHandle<()>>,
    is_reaped: bool,
    /// Whether its children were ended as well.
    is_gone: bool,
}

impl Process {
    /// Starts it; with what it will print.
    pub(super) async fn start(
        launch: &Launch,
        program: &Path,
        workdir: &Path,
        request: Vec<u8>,
    ) -> io::Result<(Self, mpsc::Receiver<Piece>)> {
        let path = launch.environment.path().to_owned();
        let mut words = blocking(move || process_tree::dying_with_us(&path)).await;
        words.push(program.into());
        words.extend(launch.argv.iter().skip(1).cloned());
        let mark = Mark::new();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_clear().envs(launch.environment.variables()).current_dir(workdir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        process_tree::prepare(&mut command, &mark);
        let mut child = process_tree::spawn(command).await?;
        let leader = child.id().ok_or_else(|| io::Error::other("it ended at once"))?;
        let (to, pieces) = mpsc::channel(MAX_PIECES);
        let (lines, from) = mpsc::unbounded_channel();
        // Nobody else sends: this cannot fail while `from` lives.
        let _ = lines.send(request);
        let piped = "standard streams are pipes";
        let streams = vec![
            AbortOnDropHandle::new(tokio::spawn(write(child.stdin.take().expect(piped), from))),
            AbortOnDropHandle::new(tokio::spawn(read(child.stdout.take().expect(piped), Stream::Stdout, to.clone()))),
            AbortOnDropHandle::new(tokio::spawn(read(child.stderr.take().expect(piped), Stream::Stderr, to))),
        ];
        let tree = Arc::new(Tree::new(leader, mark));
        let lines = (launch.stdin == Stdin::Open).then_some(lines);
        Ok((Self { child, tree, lines, _streams: streams, is_reaped: false, is_gone: false }, pieces))
    }

    /// Writes a line to its standard input; `false` if that is closed.
    pub(super) fn say(&self, line: Vec<u8>) -> bool {
        self.lines.as_ref().is_some_and(|lines| lines.send(line).is_ok())
    }

    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> End {
        let status = self.child.wait().await;
        self.is_reaped = true;
        match status {
            Ok(status) => match (status.code(), process_tree::signal_of(status)) {
                (Some(code), _) => End::Code(code),
                (None, Some(signal)) => End::Signal(signal),
                (None, None) => End::Stuck,
            },
            Err(_) => End::Stuck,
        }
    }

    /// Gives its children a moment to end, and ends the rest; how many those were.
    pub(super) async fn end_children(&mut self, grace: Duration) -> usize {
        let until = Instant::now() + grace;
        loop {
            let tree = Arc::clone(&self.tree);
            let is_last = Instant::now() >= until;
            let left = blocking(move || if is_last { tree.kill_marked() } else { tree.marked() }).await;
            if left == 0 || is_last {
                self.is_gone = true;
                return left;
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After that its id may be another's.
        if !self.is_reaped {
            self.tree.kill_group();
        }
        if !self.is_gone {
            let _ = self.tree.kill_marked();
        }
    }
}

/// A plugin need not read: what it leaves unread is lost with its end.
async fn write(mut stdin: ChildStdin, mut lines: mpsc::UnboundedReceiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.and(stdin.flush().await).is_err() {
            return;
        }
    }
}

async fn read(mut from: impl AsyncRead + Unpin, stream: Stream, to: mpsc::Sender<Piece>) {
    let mut buffer = vec![0; PIECE_BYTES];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if to.send(Piece { stream, bytes: buffer[..size].to_vec() }).await.is_err() {
            return;
        }
    }
}

/// Looks at the working directory's size again and again.
#[derive(Debug)]
pub(super) struct Full {
    is_full: oneshot::Receiver<u64>,
    _looking: AbortOnDropHandle<()>,
}

impl Full {
    /// Resolves once it is too large, to its bound.
    pub(super) async fn wait(&mut self) -> u64 {
        match (&mut self.is_full).await {
            Ok(bound) => bound,
            Err(_) => std::future::pending().await,
        }
    }
}

pub(super) fn watch_size(folder: &Path, bounds: &Bounds) -> Full {
    let (say, is_full) = oneshot::channel();
    let (folder, bound, pause) = (PathBuf::from(folder), bounds.workdir_bytes, bounds.workdir_look);
    let looking = tokio::spawn(async move {
        loop {
            sleep(pause).await;
            let folder = folder.clone();
            if blocking(move || size_of(&folder)).await > bound {
                let _ = say.send(bound);
                return std::future::pending().await;
            }
        }
    });
    Full { is_full, _looking: AbortOnDropHandle::new(looking) }
}
