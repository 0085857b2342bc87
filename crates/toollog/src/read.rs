//! All readers at once: whose log is it, and what does it say?

use std::collections::VecDeque;
use std::io::{self, Read};

use crate::report::{Facts, Report, Run};
use crate::text::Lines;
use crate::tool::Tool;
use crate::{rclone, restic, robocopy, rsync};

/// Runs kept of a log that was appended to: the last ones. Three years of nightly runs.
pub const MAX_RUNS: usize = 1_000;
/// How much is read at once: a few blocks of any disk.
const CHUNK_BYTES: usize = 256 * 1024;
/// Items kept in all runs together; the oldest runs give theirs up first.
const MAX_ITEMS_IN_ALL: usize = 2_000;

/// The runs that are complete, of all tools.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    /// Where each tool's last line was, by its number: runs are put in the log's order.
    last_lines: [u64; Tool::ALL.len()],
    runs: VecDeque<Run>,
    total: u64,
    items: usize,
    bad: [u64; Tool::ALL.len()],
    of: [u64; Tool::ALL.len()],
}

impl Sink {
    pub(crate) fn push(&mut self, facts: Facts) {
        let mut run = Run::new(facts);
        run.last_line = self.last_lines[run.tool as usize];
        self.total += 1;
        let tool = run.tool as usize;
        self.of[tool] += 1;
        self.bad[tool] += u64::from(!run.verdict.outcome.is_well());
        self.items += run.items.len();
        self.runs.push_back(run);
        if self.runs.len() > MAX_RUNS {
            self.items -= self.runs.pop_front().map_or(0, |run| run.items.len());
        }
        let mut oldest = 0;
        while self.items > MAX_ITEMS_IN_ALL && oldest < self.runs.len() {
            self.items -= self.runs[oldest].drop_items();
            oldest += 1;
        }
    }
}

/// Reads output as it comes: bytes in any pieces, then [`finish`](Self::finish).
#[derive(Debug, Default)]
pub struct Reading {
    lines: Lines,
    readers: Readers,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Readers {
    robocopy: robocopy::Reader,
    rsync: rsync::Reader,
    rclone: rclone::Reader,
    restic: restic::Reader,
    sink: Sink,
    lines: u64,
    /// What a shell says of a process that a signal ended, since the last line of a tool.
    signal: Option<&'static str>,
}

impl Readers {
    fn line(&mut self, line: &str) {
        let before = self.marks();
        self.hand(line);
        self.lines += 1;
        let mut is_of_tool = false;
        for (at, (now, before)) in self.marks().into_iter().zip(before).enumerate() {
            if now > before {
                self.sink.last_lines[at] = self.lines;
                is_of_tool = true;
            }
        }
        if let Some(signal) = signal_of(line) {
            self.signal = Some(signal);
        } else if is_of_tool {
            self.signal = None;
        }
    }

    fn hand(&mut self, line: &str) {
        let Self { robocopy, rsync, rclone, restic, sink, .. } = self;
        // One byte tells most lines apart: a 100 MB log has a million of them.
        match line.as_bytes().first() {
            Some(b'{') => {
                if let Ok(serde_json::Value::Object(object)) = serde_json::from_str(line) {
                    rclone.object(&object, sink);
                    restic.object(&object, sink);
                } else {
                    restic.text(line, sink);
                }
            }
            Some(b'\t') => robocopy.line(line, sink),
            Some(_) => {
                robocopy.line(line, sink);
                rsync.line(line, sink);
                rclone.text(line, sink);
                restic.text(line, sink);
            }
            None => {}
        }
    }

    /// How sure it is that a tool printed some of this: lines that only it prints.
    fn marks(&self) -> [u64; Tool::ALL.len()] {
        [self.robocopy.marks, self.rsync.marks, self.rclone.marks, self.restic.marks]
    }
}

impl Reading {
    /// All lines belong to one run, as when the tool was started by us: a summary does not end it.
    #[must_use]
    pub fn of_one_run() -> Self {
        let mut reading = Self::default();
        reading.readers.restic.is_one_run = true;
        reading.readers.rsync.is_one_run = true;
        reading.readers.rclone.is_one_run = true;
        reading
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        let readers = &mut self.readers;
        self.lines.push(bytes, &mut |line| readers.line(line));
    }

    /// What was read.
    #[must_use]
    pub fn finish(self) -> Report {
        let Self { lines, mut readers, bytes } = self;
        let lines_cut = lines.finish(&mut |line| readers.line(line));
        readers.rclone.settle_marks();
        let marks = readers.marks();
        let version = readers.rsync.version.take().or_else(|| readers.restic.version.take());
        let Readers { robocopy, rsync, rclone, restic, mut sink, signal, .. } = readers;
        robocopy.finish(&mut sink);
        rsync.finish(&mut sink);
        rclone.finish(&mut sink);
        restic.finish(&mut sink);
        let tool = Tool::ALL.into_iter().filter(|&tool| marks[tool as usize] > 0).max_by_key(|&tool| {
            // Of two with as many marks, the first of the list.
            (marks[tool as usize], std::cmp::Reverse(tool))
        });
        let is_named = |other: Tool| marks[other as usize] > 0 && Some(other) != tool;
        let mixed_with: Vec<_> = Tool::ALL.into_iter().filter(|&other| is_named(other)).collect();
        let is_read = |run: &Run| marks[run.tool as usize] > 0;
        let read = |counts: [u64; 4]| {
            Tool::ALL.into_iter().filter(|&tool| marks[tool as usize] > 0).map(|tool| counts[tool as usize]).sum()
        };
        let mut runs: Vec<_> = sink.runs.into_iter().filter(is_read).collect();
        runs.sort_by_key(|run| run.last_line);
        if let (Some(last), Some(signal)) = (runs.last_mut(), signal)
            && last.verdict.outcome.is_well()
        {
            sink.bad[last.tool as usize] += 1;
            last.stop(signal);
        }
        Report {
            tool,
            mixed_with,
            version,
            runs_total: read(sink.of),
            runs_bad: read(sink.bad),
            runs,
            bytes_read: bytes,
            lines_cut,
        }
    }
}

/// What shells print when a signal ended a process: `Killed`, `x.sh: line 3:  4711 Killed   rsync …`.
fn signal_of(line: &str) -> Option<&'static str> {
    const SIGNALS: [&str; 5] = ["Killed", "Terminated", "Hangup", "Aborted", "Segmentation fault"];
    let text = line.trim();
    let text = text
        .split_once(": line ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map_or(text, |(_, rest)| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' '));
    let is_word =
        |signal: &&str| text.strip_prefix(*signal).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
    let found = SIGNALS.into_iter().find(is_word)?;
    let is_whole = text.len() == found.len() || text == format!("{found} (core dumped)") || line.contains(": line ");
    is_whole.then_some(found)
}

/// Reads a whole log, once, from its beginning.
///
/// # Errors
/// If the log cannot be read to its end.
pub fn read(mut log: impl Read) -> io::Result<Report> {
    let mut reading = Reading::default();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match log.read(&mut chunk) {
            Ok(0) => return Ok(reading.finish()),
            Ok(count) => reading.push(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whose log it is.
#[must_use]
pub fn recognise(bytes: &[u8]) -> Option<Tool> {
    let mut reading = Reading::default();
    reading.push(bytes);
    reading.finish().tool
}

/// What a log says, in one sentence, with the exit code of its last run if that is known.
#[must_use]
pub fn adopt(bytes: &[u8], exit_code: Option<i64>) -> String {
    let mut reading = Reading::default();
    reading.push(bytes);
    let report = reading.finish();
    match exit_code {
        Some(code) => report.with_exit_code(code).sentence(),
        None => report.sentence(),
    }
}
