//! A tool as a child process: its output handed on line by line, and its end.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use strongroom_plugin::Speaker;
use strongroom_plugin::protocol::Level;
use strongroom_service::process_tree::{Mark, Tree, lead_group, signal_of};
use strongroom_toollog::{Reading, Report};

use crate::progress::Progress;

/// How often the child's end is looked for.
const LOOK: Duration = Duration::from_millis(10);
/// A tool that was asked to end may remove its temporary files first.
const MAX_GRACE: Duration = Duration::from_secs(10);
/// After its end, descendants may hold its output open for so long.
const MAX_LINGER: Duration = Duration::from_secs(5);
/// Lines of each stream that go into the run's detail file.
const MAX_LOGGED_LINES: usize = 500;
/// A line is logged up to here.
const MAX_LOGGED_CHARS: usize = 500;
/// A line that is longer is handed on in pieces.
const MAX_CARRY_BYTES: usize = 64 * 1024;

/// A call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    pub(crate) env: Vec<(String, OsString)>,
    pub(crate) folder: Option<PathBuf>,
    /// The detail file gets its first lines of standard output too.
    pub(crate) logs_output: bool,
    /// It may work for hours without a word, so that only its end shows whether it hangs: the operation's time-out
    /// bounds it, not its silence.
    pub(crate) is_silent: bool,
    /// Standard output is handed on exactly as it comes, and has no lines.
    pub(crate) is_raw: bool,
}

impl Call {
    /// In the working folder of the operation, in the language C.
    pub(crate) fn new(program: impl Into<PathBuf>) -> Self {
        let env = vec![("LC_ALL".to_owned(), "C.UTF-8".into())];
        Self {
            program: program.into(),
            args: Vec::new(),
            env,
            folder: None,
            logs_output: true,
            is_raw: false,
            is_silent: false,
        }
    }

    pub(crate) fn args<I: Into<OsString>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn quietly(mut self) -> Self {
        self.logs_output = false;
        self
    }
}

impl Call {
    /// It says nothing while it works.
    pub(crate) fn silently(mut self) -> Self {
        self.is_silent = true;
        self
    }

    /// Its output is a file's content.
    pub(crate) fn raw(mut self) -> Self {
        self.is_raw = true;
        self
    }
}

/// Which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its exit code; the negative signal number if a signal ended it.
    pub(crate) code: i64,
    /// We ended it.
    pub(crate) is_cancelled: bool,
}

/// Runs a tool to its end, or until the operation is cancelled: then its process group is asked to end, and ended.
/// `each` gets whole lines of either stream, several at once.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn run(
    call: &Call,
    speaker: &Speaker,
    progress: &Progress<'_>,
    each: &(dyn Fn(Stream, &[u8]) + Sync),
) -> io::Result<Ended> {
    let mut command = Command::new(&call.program);
    command.args(&call.args).envs(call.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(folder) = &call.folder {
        command.current_dir(folder);
    }
    lead_group(&mut command);
    let mut child = command.spawn()?;
    let tree = Tree::new(child.id(), Mark::new());
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let logged = |stream, lines: &[u8]| {
        progress.alive();
        each(stream, lines);
    };
    thread::scope(|scope| {
        let readers = [
            scope.spawn(|| read(out, Stream::Out, (speaker, call.logs_output), call.is_raw, &logged)),
            scope.spawn(|| read(err, Stream::Err, (speaker, true), false, &logged)),
        ];
        let beat = || {
            if call.is_silent {
                progress.alive();
            }
        };
        let ended = wait(&mut child, &tree, speaker, &beat);
        let since = Instant::now();
        while !readers.iter().all(thread::ScopedJoinHandle::is_finished) {
            if since.elapsed() > MAX_LINGER || speaker.cancelled().is_set() {
                // The leader is waited for, but its id is not given to another while its group has members; and if it
                // had none, nobody would hold the output open.
                tree.kill_group();
                break;
            }
            thread::sleep(LOOK);
        }
        ended
    })
}

fn wait(child: &mut Child, tree: &Tree, speaker: &Speaker, beat: &dyn Fn()) -> io::Result<Ended> {
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait()? {
            let signal = signal_of(status).map(|signal| -i64::from(signal));
            let code = status.code().map(i64::from).or(signal).unwrap_or(-1);
            return Ok(Ended { code, is_cancelled: asked.is_some() });
        }
        beat();
        match asked {
            None if speaker.cancelled().wait(LOOK) => {
                tree.terminate_group();
                asked = Some(Instant::now());
            }
            None => {}
            Some(since) => {
                if since.elapsed() > MAX_GRACE {
                    tree.kill_group();
                }
                thread::sleep(LOOK);
            }
        }
    }
}

/// Hands on whole lines; the rest waits for its end.
fn read(
    stream: Option<impl Read>,
    which: Stream,
    (speaker, logs): (&Speaker, bool),
    is_raw: bool,
    each: &dyn Fn(Stream, &[u8]),
) {
    let Some(mut stream) = stream else { return };
    let mut chunk = vec![0; MAX_CARRY_BYTES];
    let mut carry = Vec::new();
    let mut log = Log {
        speaker,
        level: if which == Stream::Err { Level::Warn } else { Level::Info },
        left: if logs { MAX_LOGGED_LINES } else { 0 },
    };
    loop {
        let count = match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let read = &chunk[..count];
        if is_raw {
            each(which, read);
            continue;
        }
        let end = read.iter().rposition(|&byte| byte == b'\n' || byte == b'\r').map_or(0, |at| at + 1);
        carry.extend_from_slice(&read[..end]);
        if end > 0 || carry.len() > MAX_CARRY_BYTES {
            log.lines(&carry);
            each(which, &carry);
            carry.clear();
        }
        carry.extend_from_slice(&read[end..]);
    }
    if !carry.is_empty() {
        carry.push(b'\n');
        log.lines(&carry);
        each(which, &carry);
    }
}

/// The first lines, for the detail file, without those that only say how far it is.
struct Log<'a> {
    speaker: &'a Speaker,
    level: Level,
    left: usize,
}

impl Log<'_> {
    fn lines(&mut self, lines: &[u8]) {
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            // What a carriage return ends is overwritten by what comes next; the one before a line feed ends a line.
            let line = line.strip_suffix(b"\n").map_or(line, |line| line.strip_suffix(b"\r").unwrap_or(line));
            let line = line.rsplit(|&byte| byte == b'\r').next().unwrap_or_default();
            let text = String::from_utf8_lossy(line);
            if text.is_empty() || strongroom_toollog::is_progress(&text) {
                continue;
            }
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            self.speaker.log(self.level, strongroom_model::text::printable(&text, MAX_LOGGED_CHARS));
        }
    }
}

/// Runs a tool whose output `strongroom-toollog` reads, and judges it by its exit code.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn read_run(call: &Call, speaker: &Speaker, phase: &'static str) -> io::Result<(Ended, Report)> {
    let reading = Mutex::new(Reading::of_one_run());
    let progress = Progress::new(speaker, phase);
    let each = |_, lines: &[u8]| reading.lock().unwrap_or_else(PoisonError::into_inner).push(lines);
    let ended = run(call, speaker, &progress, &each)?;
    let report = reading.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    Ok((ended, report.with_exit_code(ended.code)))
}

/// Runs a tool for a few lines of output: its version, its features. At most 1 MiB is kept.
///
/// # Errors
/// If it cannot be started.
pub(crate) fn output(call: &Call, speaker: &Speaker) -> io::Result<(Ended, String)> {
    /// A version or a list of features is a page.
    const MAX_OUTPUT_BYTES: usize = 1 << 20;
    let kept = Mutex::new(Vec::new());
    let progress = Progress::new(speaker, "asking the tool");
    let each = |stream, lines: &[u8]| {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if stream == Stream::Out && kept.len() < MAX_OUTPUT_BYTES {
            kept.extend_from_slice(lines);
        }
    };
    let ended = run(call, speaker, &progress, &each)?;
    let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((ended, String::from_utf8_lossy(&kept).into_owned()))
}
